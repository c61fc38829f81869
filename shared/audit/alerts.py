"""Alerts: what is stored and published of findings."""

import hashlib
import json
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Self

from pydantic import JsonValue

from shared.audit.catalogue import ABOUT
from shared.audit.detection import Finding
from shared.audit.severity import Severity
from shared.model import FrozenModel
from shared.text import REASON, sanitize

INNER = {"level", "parts"}  # of no use to others


class Alert(FrozenModel):
    """Stored, sent and put on the bus; the id comes from detection, key and window."""

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
    context: tuple[tuple[str, str], ...] = ()
    attack: tuple[str, ...] = ()
    parts: tuple["Alert", ...] = ()  # all it covers, by time, if that is more than itself

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
            context=finding.context,
            attack=about.attack,
        )

    @property
    def order(self) -> tuple[int, str, str, tuple[str, ...], int]:
        """By time; of two of the same event the worse comes first."""
        return (self.time, self.detection, self.dedup, self.event_ids, -self.severity.rank)

    @property
    def without_parts(self) -> Self:
        return self.model_copy(update={"parts": ()})


def named_apart(alert: Alert, taken: Collection[str]) -> str:
    """A window's id is taken where its alert was found to have begun in the window before."""
    return alert.id if alert.id not in taken else _id(alert.id, alert.time)


def _id(*content: str | int) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:32]


def record(alert: Alert) -> dict[str, JsonValue]:
    """The alert for systems and for good, with what to do about it."""
    about = ABOUT[alert.detection]
    dumped: dict[str, JsonValue] = alert.model_dump(mode="json", exclude=INNER)
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
        *(
            f"{_word(sanitize(name)):<9} {sanitize(value)}"
            for name, value in alert.context
            if value
        ),
        "",
        "What to do:",
        *(f"{n}. {step}" for n, step in enumerate(about.runbook, 1)),
        "",
        f"May be harmless: {about.false_positives}",
        f"Events: {sanitize(', '.join(alert.event_ids), 2_000)}",
        f"Not sent again for a while: {sanitize(alert.dedup)}",
    ]
    return "\n".join(lines)


def _line(name: str, value: str) -> str:
    return f"{_word(sanitize(name)):<9} {sanitize(value)}"


def _word(name: str) -> str:
    """Our words begin a line; a field of OpenAI's is written as it is."""
    return name if "_" in name else name.capitalize()


def clock(time: int) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
