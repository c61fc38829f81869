"""Alerts: findings that mean the same are one, and ring once."""

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple, Self

from pydantic import JsonValue

from shared.audit.config import Config
from shared.audit.detection import Finding
from shared.audit.engine import ABOUT
from shared.audit.severity import Severity
from shared.model import FrozenModel
from shared.text import REASON, sanitize


class Alert(FrozenModel):
    """What is stored, sent and put on the bus; the id comes from detection, key and window."""

    id: str
    time: int  # of the event that completed it
    detection: str
    severity: Severity
    level: Severity
    title: str
    dedup: str
    event_ids: tuple[str, ...]
    who: str
    where: str
    about: tuple[tuple[str, str], ...] = ()
    attack: tuple[str, ...] = ()

    @classmethod
    def of(cls, finding: Finding, suppress: int) -> Self:
        about = ABOUT[finding.detection]
        window = finding.time // suppress
        return cls(
            id=_id(finding.detection, finding.dedup, finding.level, window),
            time=finding.time,
            detection=finding.detection,
            severity=finding.severity,
            level=finding.level,
            title=finding.title,
            dedup=finding.dedup,
            event_ids=finding.event_ids,
            who=finding.who,
            where=finding.where,
            about=finding.about,
            attack=about.attack,
        )

    def is_near(self, other: "Alert", suppress: int) -> bool:
        return self.dedup == other.dedup and abs(other.time - self.time) < suppress

    @property
    def order(self) -> tuple[int, str, str, tuple[str, ...]]:
        return (self.time, self.detection, self.dedup, self.event_ids)


class Settled(NamedTuple):
    """What becomes of an alert: stored as it is here, and rung or not."""

    alert: Alert
    rings: bool


def distinct(findings: Iterable[Finding], config: Config) -> list[Alert]:
    """One alert for each incident, in the order of time, whatever order the findings came in."""
    kept: dict[str, Alert] = {}
    latest: dict[tuple[str, Severity], Alert] = {}
    for finding in sorted(findings, key=_order):
        suppress = config.rule(finding.detection).suppress
        last = latest.get((finding.dedup, finding.level))
        near = last is not None and finding.time - last.time < suppress
        if last is not None and near and finding.severity.rank <= last.severity.rank:
            continue
        alert = Alert.of(finding, suppress)
        settled = settle(alert, [last] if last is not None else [], config) or Settled(alert, False)
        latest[finding.dedup, finding.level] = kept[settled.alert.id] = settled.alert
    return sorted(kept.values(), key=lambda each: each.order)


def _order(finding: Finding) -> tuple[int, str, str, tuple[str, ...], int]:
    """Of two at the same event the worse comes first."""
    by = (finding.time, finding.detection, finding.dedup, finding.event_ids)
    return (*by, -finding.severity.rank)


def settle(alert: Alert, stored: Sequence[Alert], config: Config) -> Settled | None:
    """What to do about an alert where these of its dedup key are stored; None: nothing.

    An incident keeps the id it rang with. What arrives later may show that it began earlier,
    or that it is worse; then the stored alert is amended, and rings again only if it is worse.
    """
    near = [each for each in stored if each.is_near(alert, config.rule(alert.detection).suppress)]
    same = [each for each in near if each.level == alert.level]
    if not same:
        louder = any(each.level.rank > alert.level.rank for each in near)
        taken = {each.id for each in stored}
        return Settled(_named_apart(alert, taken), is_rung(alert, config) and not louder)
    known = min(same, key=lambda each: (abs(each.time - alert.time), each.order))
    amended = _amended(known, alert)
    if amended == known:
        return None
    worse = amended.severity.rank > known.severity.rank
    return Settled(amended, is_rung(amended, config) and worse)


def _named_apart(alert: Alert, taken: Collection[str]) -> Alert:
    """A window's id is taken where its alert was found to have begun in the window before."""
    if alert.id not in taken:
        return alert
    return alert.model_copy(update={"id": _id(alert.id, alert.time)})


def is_rung(alert: Alert, config: Config) -> bool:
    quiet = alert.severity == Severity.SIGNAL or alert.severity.rank < config.ring_from.rank
    return not quiet


def _amended(known: Alert, alert: Alert) -> Alert:
    """A severity that rang is not taken back."""
    if alert.order < known.order:
        return alert.model_copy(update={"id": known.id, "severity": _louder(known, alert)})
    if _louder(known, alert) != known.severity:
        update = {"severity": alert.severity, "event_ids": alert.event_ids}
        return known.model_copy(update=update)
    return known


def _id(*content: str | int) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:32]


def _louder(one: Alert, other: Alert) -> Severity:
    return max(one.severity, other.severity, key=lambda each: each.rank)


def record(alert: Alert) -> dict[str, JsonValue]:
    """The alert for systems and for good, with what to do about it."""
    about = ABOUT[alert.detection]
    dumped: dict[str, JsonValue] = alert.model_dump(mode="json", exclude={"level"})
    known = {"name": about.name, "false_positives": about.false_positives}
    return dumped | known | {"runbook": list(about.runbook)}


def subject(alert: Alert) -> str:
    return f"{alert.severity.upper()} {alert.detection} {alert.title}"


def alert_text(alert: Alert) -> str:
    """The alert for a person: what, who, where from, before and after, what to do."""
    about = ABOUT[alert.detection]
    lines = [
        f"{alert.severity.upper()}: {sanitize(alert.title, REASON)}",
        "",
        f"What      {about.name} ({alert.detection}, ATT&CK {', '.join(alert.attack)})",
        f"When      {clock(alert.time)}",
        f"Who       {sanitize(alert.who)}",
        f"From      {sanitize(alert.where)}",
        *(f"{_word(sanitize(name)):<9} {sanitize(value)}" for name, value in alert.about if value),
        "",
        "What to do:",
        *(f"{n}. {step}" for n, step in enumerate(about.runbook, 1)),
        "",
        f"May be harmless: {about.false_positives}",
        f"Events: {sanitize(', '.join(alert.event_ids), 2_000)}",
        f"Not sent again for a while: {sanitize(alert.dedup)}",
    ]
    return "\n".join(lines)


def _word(name: str) -> str:
    """Our words begin a line; a field of OpenAI's is written as it is."""
    return name if "_" in name else name.capitalize()


def clock(time: int) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
