"""What patterns remember between runs: sets of observations, in rows by key and time.

Adding an observation twice is adding it once; so it does not matter how often, how late or in which
order events come, nor where a run crashed. A set that outgrows its space is thinned, never closed.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from shared.audit.detection import DAY, Finding, Observation
from shared.audit.engine import AnyPattern, Engine, SetKey

# A row of DynamoDB holds 400 KB, and up to six patterns may keep a set in the same row.
MOST_BYTES = 60_000  # of a set
KEPT_BYTES = 40_000  # of a set that has outgrown that
KEPT = 40 * DAY  # beyond the window: how late an event may be, and still count


class Row(NamedTuple):
    """Observations of one key from one stretch of time, the bucket-th of so many seconds."""

    set: str
    key: str
    seconds: int
    bucket: int

    @property
    def whole(self) -> "Row":
        """The row of the table, which also holds the sets of other patterns."""
        return self._replace(set="")


class Outcome(NamedTuple):
    """What was found, and how sets change: what to add, to drop, and how much of that is a loss."""

    findings: list[Finding]
    additions: dict[Row, set[Observation]]
    dropped: dict[Row, set[Observation]]
    lost: Counter[SetKey]
    broken: dict[SetKey, str]  # patterns that could not be evaluated, and why


def rows_to_read(engine: Engine, keyed: Iterable[tuple[SetKey, Observation]], now: int) -> set[Row]:
    """All that new observations can make complete, before and after them; not yet the future."""
    buckets = {
        (where, observation.time // engine.patterns[where[0]].bucket)
        for where, observation in keyed
    }
    return {
        Row(*where, engine.patterns[where[0]].bucket, each)
        for where, bucket in buckets
        for each in _around(engine, engine.patterns[where[0]], bucket, now)
    }


def evaluate_patterns(
    engine: Engine,
    keyed: Iterable[tuple[SetKey, Observation]],
    known: Mapping[Row, set[Observation]],
    *,
    again: bool = False,
) -> Outcome:
    """What new observations lead to, with what was known, and what to remember of them.

    `again`: also what is known already leads to something, as in a backfill.
    """
    before: dict[SetKey, set[Observation]] = defaultdict(set)
    for row, observations in known.items():
        before[row.set, row.key].update(observations)
    outcome = Outcome([], {}, {}, Counter(), {})
    for where, new in _by_set(keyed).items():
        pattern, old = engine.patterns[where[0]], before[where]
        kept = condensed(pattern, old | new)
        added = pattern.novelty(set(kept) - old, old)
        if evaluated := added | (new.intersection(kept) if again else set()):
            since = _changed_since(engine, pattern, evaluated)
            try:
                found = list(engine.evaluate(pattern, kept))
            except Exception as error:  # noqa: BLE001  # told; the other patterns go on
                outcome.broken[where] = type(error).__name__
                found = []
            outcome.findings.extend(each for each in found if each.time >= since)
        for row, some in _by_row(where, pattern, added).items():
            _remember(outcome, pattern, row, some, known.get(row, set()))
    return outcome


def _by_row(
    where: SetKey, pattern: AnyPattern, added: Iterable[Observation]
) -> dict[Row, set[Observation]]:
    rows: dict[Row, set[Observation]] = defaultdict(set)
    for each in added:
        rows[Row(*where, pattern.bucket, each.time // pattern.bucket)].add(each)
    return rows


def _remember(
    outcome: Outcome,
    pattern: AnyPattern,
    row: Row,
    added: set[Observation],
    stored: set[Observation],
) -> None:
    if _size(stored) + _size(added) <= MOST_BYTES:
        outcome.additions[row] = added
        return
    thinned = pattern.thin(sorted(stored | added))
    kept = _most_important(thinned, KEPT_BYTES)
    outcome.additions[row], outcome.dropped[row] = added & kept, stored - kept
    outcome.lost[row.set, row.key] += len(set(thinned)) - len(kept)


def _size(observations: Iterable[Observation]) -> int:
    return sum(each.size for each in observations)


def _most_important(observations: Sequence[Observation], most: int) -> set[Observation]:
    """As many as fit, the last first."""
    kept: set[Observation] = set()
    for each in dict.fromkeys(reversed(observations)):
        most -= each.size
        if most < 0:
            break
        kept.add(each)
    return kept


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
        for observation in sorted(pattern.condense(bucket))
    ]


def expires_at(engine: Engine, row: Row) -> int:
    pattern = engine.patterns[row.set]
    window = pattern.window(engine.rule(pattern))
    return (row.bucket + 1) * row.seconds + window + KEPT


def _around(engine: Engine, pattern: AnyPattern, bucket: int, now: int) -> range:
    """The buckets that anything observed in this one can be found with."""
    rule = engine.rule(pattern)
    reach = pattern.window(rule) + pattern.lookahead(rule)
    begin, end = bucket * pattern.bucket, (bucket + 1) * pattern.bucket - 1
    last = min(end + reach, max(now, begin))
    return range((begin - reach) // pattern.bucket, max(last // pattern.bucket, bucket) + 1)


def _by_set(keyed: Iterable[tuple[SetKey, Observation]]) -> dict[SetKey, set[Observation]]:
    sets: dict[SetKey, set[Observation]] = defaultdict(set)
    for where, observation in keyed:
        sets[where].add(observation)
    return sets
