"""Alerts: what is stored and published of findings."""

import hashlib
import json
from collections.abc import Collection
from typing import Self

from shared.audit.detection import About, Finding
from shared.audit.severity import Severity
from shared.model import FrozenModel


class Alert(FrozenModel):
    """Stored, sent and put on the bus; the id comes from detection, key and window."""

    id: str
    time: int  # of the event that completed it
    detection: str
    severity: Severity
    level: Severity
    title: str
    dedup: str
    actor: str  # whoever it is about, with whichever key
    event_ids: tuple[str, ...]
    event_id: str = ""  # of the event that completed it
    who: str
    where: str
    context: tuple[tuple[str, str], ...] = ()
    attack: tuple[str, ...] = ()
    kept_at: int = 0  # its time when it was first stored: where it lies
    parts: tuple["Alert", ...] = ()  # all it covers, by time, if that is more than itself

    @classmethod
    def of(cls, finding: Finding, suppress: int, about: About) -> Self:
        window = finding.time // suppress
        return cls(
            id=_id(finding.detection, finding.dedup, finding.level, window),
            time=finding.time,
            detection=finding.detection,
            severity=finding.severity,
            level=finding.level,
            title=finding.title,
            dedup=finding.dedup,
            actor=finding.person,
            kept_at=finding.time,
            event_ids=finding.event_ids,
            event_id=finding.event_id,
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
    def last(self) -> int:
        """The time of the last that it covers."""
        return max((each.time for each in self.parts), default=self.time)

    @property
    def without_parts(self) -> Self:
        return self.model_copy(update={"parts": ()})


def named_apart(alert: Alert, taken: Collection[str]) -> str:
    """A window's id is taken where its alert was found to have begun in the window before."""
    return alert.id if alert.id not in taken else _id(alert.id, alert.time)


def _id(*content: str | int) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:32]
