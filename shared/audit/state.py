"""What patterns remember between runs: sets of observations, in rows by key and time.

Rows only grow, and adding a fact twice is adding it once; so it does not matter how often, late or
in which order events come, nor where a run died.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from shared.audit.detection import DAY, Finding, Observation, Pattern
from shared.audit.engine import Engine, Set

MOST_IN_A_ROW = 1_500  # observations of some 150 bytes; a row of DynamoDB holds 400 KB
KEPT = 40 * DAY  # beyond the window: how late an event may come, and still be judged with the rest


class Row(NamedTuple):
    """Observations of one key from one stretch of time, the bucket-th of so many seconds."""

    set: str
    key: str
    seconds: int
    bucket: int


class Judged(NamedTuple):
    findings: list[Finding]
    additions: dict[Row, set[Observation]]


def rows_to_read(engine: Engine, noticed: Iterable[tuple[Set, Observation]], now: int) -> set[Row]:
    """All that new observations can make complete, before and after them; not yet the future."""
    return {
        Row(set_, key, engine.patterns[set_].bucket, bucket)
        for (set_, key), observation in noticed
        for bucket in _buckets(engine, engine.patterns[set_], observation.time, now)
    }


def judged(
    engine: Engine,
    noticed: Iterable[tuple[Set, Observation]],
    known: Mapping[Row, Iterable[Observation]],
) -> Judged:
    """What new observations lead to, with what was known, and what to remember of them."""
    before: dict[Set, set[Observation]] = defaultdict(set)
    for row, observations in known.items():
        before[row.set, row.key].update(observations)
    result = Judged([], {})
    for (set_, key), new in _by_set(noticed).items():
        pattern, old = engine.patterns[set_], before[set_, key]
        kept = condensed(pattern, old | new)
        added = pattern.novelty(set(kept) - old, old)
        if added:
            # Before what can see the first new fact nothing changes, nor is all of it known.
            since = min(observation.time for observation in added) - pattern.lookahead(
                engine.config
            )
            result.findings.extend(f for f in engine.judge(pattern, kept) if f.time >= since)
        for observation in added:
            row = Row(set_, key, pattern.bucket, observation.time // pattern.bucket)
            result.additions.setdefault(row, set()).add(observation)
    return result


def condensed(pattern: Pattern, observations: Iterable[Observation]) -> list[Observation]:
    """What is worth keeping, in order."""
    buckets: dict[int, list[Observation]] = defaultdict(list)
    for observation in sorted(observations):
        buckets[observation.time // pattern.bucket].append(observation)
    return [
        observation
        for bucket in buckets.values()
        for observation in sorted(pattern.condense(bucket))[:MOST_IN_A_ROW]
    ]


def expires_at(engine: Engine, row: Row) -> int:
    window = engine.patterns[row.set].window(engine.config)
    return (row.bucket + 1) * row.seconds + window + KEPT


def _buckets(engine: Engine, pattern: Pattern, time: int, now: int) -> range:
    window, lookahead = pattern.window(engine.config), pattern.lookahead(engine.config)
    first, last = time - window - lookahead, min(time + window + lookahead, max(now, time))
    return range(first // pattern.bucket, last // pattern.bucket + 1)


def _by_set(noticed: Iterable[tuple[Set, Observation]]) -> dict[Set, set[Observation]]:
    sets: dict[Set, set[Observation]] = defaultdict(set)
    for where, observation in noticed:
        sets[where].add(observation)
    return sets
