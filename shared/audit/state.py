"""What patterns remember between runs: sets of observations, in rows by key and time.

Rows only grow, and adding an observation twice is adding it once; so it does not matter how often,
how late or in which order events come, nor where a run crashed.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from shared.audit.detection import DAY, Finding, Observation
from shared.audit.engine import AnyPattern, Engine, SetKey

MOST_IN_A_ROW = 1_500  # observations of some 150 bytes; a row of DynamoDB holds 400 KB
KEPT = 40 * DAY  # beyond the window: how late an event may be, and still count


class Row(NamedTuple):
    """Observations of one key from one stretch of time, the bucket-th of so many seconds."""

    set: str
    key: str
    seconds: int
    bucket: int


class Outcome(NamedTuple):
    findings: list[Finding]
    additions: dict[Row, set[Observation]]


def rows_to_read(engine: Engine, keyed: Iterable[tuple[SetKey, Observation]], now: int) -> set[Row]:
    """All that new observations can make complete, before and after them; not yet the future."""
    return {
        Row(set_, key, engine.patterns[set_].bucket, bucket)
        for (set_, key), observation in keyed
        for bucket in _buckets(engine, engine.patterns[set_], observation.time, now)
    }


def evaluate_patterns(
    engine: Engine,
    keyed: Iterable[tuple[SetKey, Observation]],
    known: Mapping[Row, Iterable[Observation]],
) -> Outcome:
    """What new observations lead to, with what was known, and what to remember of them."""
    before: dict[SetKey, set[Observation]] = defaultdict(set)
    for row, observations in known.items():
        before[row.set, row.key].update(observations)
    outcome = Outcome([], {})
    for where, new in _by_set(keyed).items():
        set_, key = where
        pattern, old = engine.patterns[set_], before[where]
        kept = condensed(pattern, old | new)
        added = pattern.novelty(set(kept) - old, old)
        if added:
            since = _changed_since(engine, pattern, added)
            found = engine.evaluate(pattern, kept)
            outcome.findings.extend(each for each in found if each.time >= since)
        for observation in added:
            row = Row(set_, key, pattern.bucket, observation.time // pattern.bucket)
            outcome.additions.setdefault(row, set()).add(observation)
    return outcome


def _changed_since(engine: Engine, pattern: AnyPattern, added: Iterable[Observation]) -> int:
    """Before that, findings stay as they are; and not all of what they rest on was read."""
    first = min(observation.time for observation in added)
    return first - pattern.lookahead(engine.rule(pattern))


def condensed(pattern: AnyPattern, observations: Iterable[Observation]) -> list[Observation]:
    """What to keep, in order."""
    buckets: dict[int, list[Observation]] = defaultdict(list)
    for observation in sorted(observations):
        buckets[observation.time // pattern.bucket].append(observation)
    return [
        observation
        for bucket in buckets.values()
        for observation in sorted(pattern.condense(bucket))[:MOST_IN_A_ROW]
    ]


def expires_at(engine: Engine, row: Row) -> int:
    pattern = engine.patterns[row.set]
    window = pattern.window(engine.rule(pattern))
    return (row.bucket + 1) * row.seconds + window + KEPT


def _buckets(engine: Engine, pattern: AnyPattern, time: int, now: int) -> range:
    window, lookahead = (
        pattern.window(engine.rule(pattern)),
        pattern.lookahead(engine.rule(pattern)),
    )
    first, last = time - window - lookahead, min(time + window + lookahead, max(now, time))
    return range(first // pattern.bucket, last // pattern.bucket + 1)


def _by_set(keyed: Iterable[tuple[SetKey, Observation]]) -> dict[SetKey, set[Observation]]:
    sets: dict[SetKey, set[Observation]] = defaultdict(set)
    for where, observation in keyed:
        sets[where].add(observation)
    return sets
