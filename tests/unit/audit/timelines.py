"""Builders of audit events, and a memory that stands in for the tables between runs."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from shared.audit.alerts import Alert
from shared.audit.config import Config
from shared.audit.detection import Observation
from shared.audit.engine import Engine, SetKey
from shared.audit.events import AuditLog, read_event
from shared.audit.replay import unique
from shared.audit.state import Row, evaluate_patterns, rows_to_read
from shared.audit.suppression import settle

Event = dict[str, Any]
START = 1_760_000_000  # 2025-10-09 08:53:20 UTC
MINUTE = 60
DAY = 24 * 60  # minutes

BERLIN = {"country": "DE", "city": "Berlin", "asn": "3320", "latitude": "52.5", "longitude": "13.4"}
POTSDAM = BERLIN | {"city": "Potsdam", "latitude": "52.4", "longitude": "13.06"}
LAGOS = {"country": "NG", "city": "Lagos", "asn": "37282", "latitude": "6.5", "longitude": "3.4"}
LAPTOP = "t13d1516h2_8daaf6152771_e5627efa2ab1"
SCRIPT = "t13d190900_9dc949149365_97f8aa674fc9"


def session(
    name: str = "owner", ip: str = "203.0.113.5", place: Event | None = None, ja4: str | None = None
) -> Event:
    """A person signed in, by name."""
    seen: Event = {"ip_address": ip, "user_agent": "Mozilla/5.0"}
    if place is not None:
        seen["ip_address_details"] = place
    if ja4 is not None:
        seen["ja4"] = ja4
    user = {"id": f"user-{name}", "email": f"{name}@example.com"}
    return {"type": "session", "session": {"user": user, **seen}}


def key(id_: str = "key_ci", account: str | None = "sa_ci", user: str | None = None) -> Event:
    """An API key of a service account, or of a person."""
    api_key: Event = {"id": id_, "type": "user" if user else "service_account"}
    if user:
        api_key["user"] = {"id": f"user-{user}", "email": f"{user}@example.com"}
    elif account:
        api_key["service_account"] = {"id": account}
    return {"type": "api_key", "api_key": api_key}


def at(
    minutes: float, type_: str, payload: Event | None = None, by: Event | None = None, **more: Any
) -> Event:
    """An event so many minutes after the start; its id comes from what it says."""
    event: Event = {
        "type": type_,
        "effective_at": START + round(minutes * MINUTE),
        "actor": session() if by is None else by,
        type_: payload if payload is not None else {},
        **more,
    }
    digest = hashlib.sha256(json.dumps(event, sort_keys=True).encode()).hexdigest()[:24]
    return {"id": f"audit_log-{digest}", "object": "organization.audit_log"} | event


def read(events: Iterable[Event]) -> list[AuditLog]:
    return [read_event(json.dumps(event).encode()) for event in events]


def quiet_life(days: int = 20, name: str = "owner", **seen: Any) -> list[Event]:
    """A login a day, until a day before the start."""
    by = session(name, **({"place": BERLIN, "ja4": LAPTOP} | seen))
    return [at(-day * DAY, "login.succeeded", by=by) for day in range(days, 0, -1)]


class Raised(NamedTuple):
    """What matters of an alert."""

    minutes: float
    severity: str
    dedup: str


def seen(alerts: Iterable[Alert]) -> list[Raised]:
    return [Raised((each.time - START) / MINUTE, each.severity, each.dedup) for each in alerts]


class Memory:
    """Observations and alerts that stay from one delivery to the next."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.engine = Engine(config)
        self.rows: dict[Row, set[Observation]] = {}
        self.ids: set[str] = set()
        self.alerts: dict[str, Alert] = {}
        self.notified: list[Alert] = []
        self.lost: Counter[SetKey] = Counter()

    def deliver(self, events: Sequence[AuditLog]) -> None:
        """One page: what the function does, without the outside."""
        new = [event for event in unique(events) if event.id not in self.ids]
        self.ids |= {event.id for event in new}
        findings, keyed = [], []
        for event in new:
            found, observations = self.engine.evaluate_event(event)
            findings += found
            keyed += observations
        first, later = self.engine.in_stages(keyed)
        findings += self._found(first)
        findings += self._found(later + self.engine.derive(findings))
        for settled in settle(findings, self.alerts.values(), self.config):
            self.alerts[settled.alert.id] = settled.alert
            if settled.notify:
                self.notified.append(settled.alert)

    def _found(self, keyed: list[tuple[SetKey, Observation]]) -> list[Any]:
        wanted = rows_to_read(self.engine, keyed, START + 400 * DAY * MINUTE)
        known = {row: self.rows[row] for row in wanted & self.rows.keys()}
        result = evaluate_patterns(self.engine, keyed, known)
        for row, observations in result.dropped.items():
            self.rows[row] = self.rows.get(row, set()) - observations
        for row, observations in result.additions.items():
            self.rows[row] = self.rows.get(row, set()) | observations
        self.lost += result.lost
        return result.findings
