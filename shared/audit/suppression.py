"""What findings change among the alerts that are stored, in whatever order they arrive."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from shared.audit.alerts import Alert, named_apart
from shared.audit.config import Config
from shared.audit.detection import Finding
from shared.audit.severity import Severity

MOST_PARTS = 20  # findings that an alert remembers; of more, the first of each stretch of time

Key = tuple[str, Severity]  # dedup and level: alerts of one key are about the same


class Settled(NamedTuple):
    """An alert to store as it is here; people are notified of it or not."""

    alert: Alert
    notify: bool
    is_news: bool = True  # otherwise it only remembers more


class _Change(NamedTuple):
    before: Alert | None
    alert: Alert


def settle(findings: Iterable[Finding], stored: Iterable[Alert], config: Config) -> list[Settled]:
    """One entry for each alert that is new or changes, by time.

    An alert covers what is found again within the time of suppression, and remembers it; so the
    alerts are the same in whatever order findings come and however they are cut into pages. What
    comes late may show that an alert began earlier, is worse, or covers less than it seemed: it
    keeps its id, and is published again only if it is worse.
    """
    known = _by_key(stored)
    found = _by_key(
        Alert.of(each, config.rule(each.detection).suppress, config.about(each.detection))
        for each in findings
    )
    changes = [
        change
        for key, alerts in found.items()
        for change in _changes(known[key], alerts, config.rule(alerts[0].detection).suppress)
    ]
    beside: dict[str, dict[str, Alert]] = defaultdict(dict)
    for alert in chain(*known.values(), (change.alert for change in changes)):
        beside[alert.dedup][alert.id] = alert
    settled = (_settled(each, beside[each.alert.dedup].values(), config) for each in changes)
    return sorted(settled, key=lambda each: each.alert.order)


def _by_key(alerts: Iterable[Alert]) -> dict[Key, list[Alert]]:
    keyed: dict[Key, list[Alert]] = defaultdict(list)
    for alert in alerts:
        keyed[alert.dedup, alert.level].append(alert)
    return keyed


def _changes(known: Sequence[Alert], found: Sequence[Alert], suppress: int) -> Iterator[_Change]:
    """Where they begin is a matter of all that was found, so that is cut into alerts again."""
    points = _distinct(chain(found, *(alert.parts or (alert,) for alert in known)))
    taken = {alert.id for alert in known}
    for covered in _cut(points, suppress):
        first, last = covered[0], covered[-1]
        # Alerts of one key are further apart than one covers, so there is one at most.
        before = next((each for each in known if first.time <= each.time <= last.time), None)
        alert = _of(covered, suppress).model_copy(
            update={
                "id": before.id if before else named_apart(first, taken),
                "kept_at": before.kept_at if before else first.time,
            }
        )
        taken.add(alert.id)
        if alert != before:
            yield _Change(before, alert)


def _distinct(alerts: Iterable[Alert]) -> list[Alert]:
    """One for each time and severity, in order."""
    first: dict[tuple[int, Severity], Alert] = {}
    for alert in sorted(alerts, key=lambda each: each.order):
        first.setdefault((alert.time, alert.severity), alert)
    return list(first.values())


def _cut(points: Sequence[Alert], suppress: int) -> Iterator[list[Alert]]:
    """Each begins with the first that the one before does not cover."""
    covered: list[Alert] = []
    for point in points:
        if covered and point.time - covered[0].time >= suppress:
            yield covered
            covered = []
        covered.append(point)
    if covered:
        yield covered


def _of(covered: Sequence[Alert], suppress: int) -> Alert:
    """The first of them, as bad as the worst."""
    first, worst = covered[0], max(covered, key=lambda each: each.severity.rank)
    shown = worst if worst.severity != first.severity else first
    known = first.event_ids if shown.event_id == first.event_id else ()
    parts = _remembered(covered, worst, suppress) if len(covered) > 1 else ()
    return first.model_copy(
        update={
            "severity": worst.severity,
            "event_ids": tuple(dict.fromkeys((*known, *shown.event_ids))),
            "event_id": shown.event_id,
            "parts": parts,
        }
    )


def _remembered(covered: Sequence[Alert], worst: Alert, suppress: int) -> tuple[Alert, ...]:
    if len(covered) <= MOST_PARTS:
        return tuple(covered)
    stretch, begin = max(suppress // (MOST_PARTS - 2), 1), covered[0].time
    firsts: dict[int, Alert] = {}
    for each in covered:
        firsts.setdefault((each.time - begin) // stretch, each)
    return tuple(each for each in covered if each is worst or each in firsts.values())


def _settled(change: _Change, beside: Iterable[Alert], config: Config) -> Settled:
    before, alert = change
    if before is None:
        worse = not any(_is_louder(each, alert, config) for each in beside)
    else:
        worse = alert.severity.rank > before.severity.rank
    is_news = before is None or alert.without_parts != before.without_parts
    return Settled(alert, worse and is_loud(alert, config), is_news)


def _is_louder(other: Alert, alert: Alert, config: Config) -> bool:
    """Whether people know something worse of the same already."""
    since = alert.time - other.time
    is_recent = 0 <= since < config.rule(alert.detection).suppress
    return is_recent and other.level.rank > alert.level.rank


def is_loud(alert: Alert, config: Config) -> bool:
    """Whether an alert like this is published; a signal never is."""
    is_signal = alert.severity == Severity.SIGNAL
    return not is_signal and alert.severity.rank >= config.notify_from.rank
