"""How late events come, and how long none come: learnt from those that came."""

from collections.abc import Iterable, Mapping
from itertools import accumulate

MINUTE, HOUR, DAY = 60, 3_600, 86_400
SHORTEST_OVERLAP = 15 * MINUTE
LONGEST_OVERLAP = 6 * HOUR
# Lateness is counted up to each of these bounds, in seconds.
BOUNDS = (0, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 21_600)
NO_LATENESS = (0,) * (len(BOUNDS) + 1)
HALVED_AT = 20_000  # events: older lateness weighs less
DAYS_KEPT = 30  # with the longest gap of each


def overlap(lateness: tuple[int, ...]) -> int:
    """Twice the 99.9th percentile of lateness, within bounds."""
    return min(max(2 * percentile(lateness, 0.999), SHORTEST_OVERLAP), LONGEST_OVERLAP)


def percentile(lateness: tuple[int, ...], share: float) -> int:
    """The bound that this share of events keeps within, in seconds."""
    wanted = share * sum(lateness)
    counted = zip((*BOUNDS, LONGEST_OVERLAP), accumulate(lateness), strict=True)
    return next(bound for bound, count in counted if count >= wanted)


def counted(lateness: tuple[int, ...], late: Iterable[int]) -> tuple[int, ...]:
    """With the seconds by which more events were late."""
    counts = list(lateness)
    if sum(counts) >= HALVED_AT:
        counts = [count // 2 for count in counts]
    for seconds in late:
        counts[_slot(seconds)] += 1
    return tuple(counts)


def longest_gaps(gaps: Mapping[str, int], last: int | None, times: Iterable[int]) -> dict[str, int]:
    """By day: the longest time without an event, with the times of more events."""
    longest = dict(gaps)
    for time in sorted(times):
        if last is not None and time > last:
            day = str(time // DAY)
            longest[day] = max(longest.get(day, 0), time - last)
        last = time if last is None else max(last, time)
    return dict(sorted(longest.items(), key=lambda item: int(item[0]))[-DAYS_KEPT:])


def _slot(late: int) -> int:
    return next((n for n, bound in enumerate(BOUNDS) if late <= bound), len(BOUNDS))
