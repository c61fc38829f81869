"""What patterns remember between runs: sets of facts, in rows by key and time.

Rows only grow, and adding a fact twice is adding it once; so it does not matter how often, late or
in which order events come, nor where a run died.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from shared.audit.detection import DAY, Fact, Finding, Pattern
from shared.audit.engine import Set, Watch

MOST_IN_A_ROW = 1_500  # facts of some 150 bytes; a row of DynamoDB holds 400 KB
KEPT = 40 * DAY  # beyond the window: how late an event may come, and still be judged with the rest


class Row(NamedTuple):
    """The facts of one key from one stretch of time, which is the bucket-th of so many seconds."""

    set: str
    key: str
    seconds: int
    bucket: int


class Judged(NamedTuple):
    findings: list[Finding]
    additions: dict[Row, set[Fact]]


def rows_to_read(watch: Watch, noticed: Iterable[tuple[Set, Fact]], now: int) -> set[Row]:
    """Everything that new facts can make complete, before and after them; not yet the future."""
    return {
        Row(set_, key, watch.patterns[set_].bucket, bucket)
        for (set_, key), fact in noticed
        for bucket in _buckets(watch, watch.patterns[set_], fact.time, now)
    }


def judged(
    watch: Watch, noticed: Iterable[tuple[Set, Fact]], known: Mapping[Row, Iterable[Fact]]
) -> Judged:
    """What new facts lead to, with what was known, and what to remember of them."""
    before: dict[Set, set[Fact]] = defaultdict(set)
    for row, facts in known.items():
        before[row.set, row.key].update(facts)
    result = Judged([], {})
    for (set_, key), new in _by_set(noticed).items():
        pattern, old = watch.patterns[set_], before[set_, key]
        kept = condensed(pattern, old | new)
        added = pattern.worth(set(kept) - old, old)
        if added:
            # Before what can see the first new fact nothing changes, nor is all of it known.
            since = min(fact.time for fact in added) - pattern.ahead(watch.config)
            result.findings.extend(f for f in watch.judge(pattern, kept) if f.time >= since)
        for fact in added:
            row = Row(set_, key, pattern.bucket, fact.time // pattern.bucket)
            result.additions.setdefault(row, set()).add(fact)
    return result


def condensed(pattern: Pattern, facts: Iterable[Fact]) -> list[Fact]:
    """What is worth keeping, in order."""
    buckets: dict[int, list[Fact]] = defaultdict(list)
    for fact in sorted(facts):
        buckets[fact.time // pattern.bucket].append(fact)
    return [
        fact
        for bucket in buckets.values()
        for fact in sorted(pattern.condense(bucket))[:MOST_IN_A_ROW]
    ]


def expires_at(watch: Watch, row: Row) -> int:
    window = watch.patterns[row.set].window(watch.config)
    return (row.bucket + 1) * row.seconds + window + KEPT


def _buckets(watch: Watch, pattern: Pattern, time: int, now: int) -> range:
    window, ahead = pattern.window(watch.config), pattern.ahead(watch.config)
    first, last = time - window - ahead, min(time + window + ahead, max(now, time))
    return range(first // pattern.bucket, last // pattern.bucket + 1)


def _by_set(noticed: Iterable[tuple[Set, Fact]]) -> dict[Set, set[Fact]]:
    sets: dict[Set, set[Fact]] = defaultdict(set)
    for where, fact in noticed:
        sets[where].add(fact)
    return sets
