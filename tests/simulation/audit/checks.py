"""What the audit function promises, checked at each message, at each commit, and at the end."""

import gzip
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from shared.audit.alerts import Alert
from shared.audit.cursor import DAY
from shared.audit.engine import Engine
from shared.audit.events import AuditLog, Unreadable, read_event
from shared.audit.incidents import ActorIncidents, Incident, grouped
from shared.audit.replay import replay
from shared.audit.rows import incidents_pk, row_id
from shared.audit.severity import Severity
from shared.audit.silence import LATE_AFTER
from shared.audit.suppression import is_loud
from shared.audit.tables import INCIDENTS
from shared.audit.verify import verify
from shared.aws.dynamodb import bare
from shared.aws.s3 import S3Store
from tests.simulation.audit.faults import AuditFaults
from tests.simulation.audit.workload import Shown
from tests.simulation.aws import Cloud
from tests.simulation.faults import Fault
from tests.simulation.interception import Interceptor
from tests.support.names import AUDIT

ORGANIZATION = ("CURSOR", "organization")


class AuditPromise(StrEnum):
    NOTHING_MISSED = "every event lands, and every alert that it makes is told"
    TOLD_ONCE = "what is stored as told is not told again"
    NEVER_BLIND = "what could not be kept, read or evaluated is told"
    AT_REST = "cursors, leases and incidents come to rest"
    DAYS_PROVED = "a day's manifest says what the day held"
    OUR_WORDS = "a function fails in our words, and never by our fault"
    EFFECT = "a fault that was drawn took effect"


class Told(NamedTuple):
    """What people heard."""

    actor: str
    incident: str
    severity: Severity
    time: int


@dataclass
class AuditChecks:
    faults: AuditFaults
    interceptor: Interceptor
    engine: Engine
    shown: list[Shown]
    broken: list[str] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)
    told: list[Told] = field(default_factory=list)
    members: dict[str, str] = field(default_factory=dict)  # of an incident, by the alert's id
    never_taken: Fault | None = None
    flood: Fault | None = None
    broken_rule: Fault | None = None

    def __post_init__(self) -> None:
        self.cloud: Cloud
        self._writers: dict[str, str] = {}  # by row: who wrote it last
        self._forgot: set[str] = set()  # detections whose memory did, and who said so
        self._read: list[int] = []  # when the organization's log was read to its end

    def fail(self, promise: AuditPromise, what: str) -> None:
        self.broken.append(f"{promise.name}, {promise.value}: {what}")
        self.faults.note(f"## {promise.name}: {what}")

    def expect(self, holds: object, promise: AuditPromise, otherwise: str) -> None:
        if not holds:
            self.fail(promise, otherwise)

    # Where notifications go, as Cloud wants it

    def sent(self, queue: str, bodies: list[str]) -> None:
        raise AssertionError(f"the audit function has no queue {queue}")

    def published(self, kind: str, text: str) -> None:
        self.notes[f"told: {kind}"] += 1

    def put_on_bus(self, kind: str, detail: dict[str, Any]) -> None:
        if kind == "Alert Raised":
            self._raised(detail)
        elif kind == "Incident Closed":
            self._closed(detail["incident"])

    def wrote(self, rows: list[tuple[str, str]]) -> None:
        for pk, sk in rows:
            if sk == INCIDENTS:
                self._writers[pk] = self._who
                self._check_row(pk, self.cloud.tables.whole_row(pk, sk) or {})
            elif (pk, sk) == ORGANIZATION:
                read = int((self.cloud.tables.whole_row(pk, sk) or {})["last_ok"])
                self._read += [read] if read not in self._read[-1:] else []

    @property
    def _who(self) -> str:
        current = self.interceptor.current
        return current.name if current else ""

    def _raised(self, detail: dict[str, Any]) -> None:
        alert, incident = detail["alert"], detail["incident"]
        told = Told(incident["actor"], incident["id"], Severity(alert["severity"]), alert["time"])
        self._effects_of(alert["dedup"])
        known = self._known(told.actor, told.incident)
        heard = Severity(known["told"]) if known and known.get("told") else None
        if heard is not None and heard.rank >= told.severity.rank:
            self._told_again(told, f"{alert['detection']} {alert['id']} at {heard}")
        self.told.append(told)

    def _closed(self, incident: dict[str, Any]) -> None:
        known = self._known(incident["actor"], incident["id"])
        if known is not None and known["is_closed"]:
            again = Told(incident["actor"], incident["id"], Severity.INFO, 0)
            self._told_again(again, "its end")

    def _told_again(self, told: Told, what: str) -> None:
        """Two runs at once, of two streams, may both tell of one actor before either commits."""
        if self._writers.get(incidents_pk(told.actor)) == self._who:
            self.fail(AuditPromise.TOLD_ONCE, f"{told.incident} of {told.actor}: {what}")
        elif self.faults.counts["two ticks at once"] or self.faults.profile.sharing:
            self.notes["told beside another stream"] += 1
        else:
            self.fail(AuditPromise.TOLD_ONCE, f"{told.incident} of {told.actor}: {what}")

    def _known(self, actor: str, incident: str) -> dict[str, Any] | None:
        row = self.cloud.tables.whole_row(incidents_pk(actor), INCIDENTS) or {}
        return next((each for each in row.get("incidents", ()) if each["id"] == incident), None)

    def _effects_of(self, dedup: str) -> None:
        if self.broken_rule and "|rule/" in dedup:
            self.broken_rule.happened()
        if self.flood and "|memory/" in dedup:
            self.flood.happened()
        if self.never_taken and "|event/" in dedup:
            self.never_taken.happened()

    def _check_row(self, pk: str, row: dict[str, Any]) -> None:
        """Whatever is stored of an actor, people have heard how bad it is."""
        for incident in ActorIncidents.model_validate(bare(row)).incidents:
            worst, told = incident.severity, incident.told
            self.members |= {each.id: incident.id for each in incident.members}
            if worst.rank >= self.engine.config.notify_from.rank and worst != Severity.SIGNAL:
                holds = told is not None and told.rank >= worst.rank
                said = f"{incident.id} in {pk} is {worst} and was told as {told}"
                self.expect(holds, AuditPromise.NOTHING_MISSED, said)

    # At the end

    def check(self, now: int) -> None:
        rows = self.cloud.tables.whole_rows("state")
        live = (row for row in rows if row["pk"] == "CURSOR" and "until" not in row)
        begun = int(max(row["begun"] for row in live))
        readable, unreadable = self._listed()
        self._check_landed(readable, unreadable)
        alerts = self._stored()
        self._forgot = {e.dedup.split("/")[1] for e in alerts if "|memory/" in e.dedup}
        self._forgot |= set(self._not_given(alerts))
        wanted = self._wanted(readable, begun)
        self._check_alerts(wanted, alerts)
        self._check_silences(alerts)
        self._check_incidents(wanted, alerts, begun)
        self._check_rest(now)

    def _listed(self) -> tuple[list[AuditLog], list[bytes]]:
        """All that OpenAI lists to whoever asks as this seed does."""
        readable, unreadable = [], []
        for each in self.shown:
            if each.is_tenant and not self.faults.audit.tenant:
                continue
            line = json.dumps(each.event).encode()
            try:
                readable.append(read_event(line))
            except Unreadable:
                unreadable.append(line)
        return readable, unreadable

    def _not_given(self, alerts: Iterable[Alert]) -> Iterator[str]:
        """Rules that S3 did not give for a while, which was told."""
        for each in alerts:
            if "|rule/rules/" in each.dedup and "can't be read" in each.title:
                file = each.dedup.split("/")[2]
                yield from [PurePosixPath(file).stem] if file else self.engine.config.own

    def _check_landed(self, readable: Sequence[AuditLog], unreadable: Sequence[bytes]) -> None:
        ids = {event.id for event in readable}
        landed = Counter(line["id"] for line in self._lines("events/"))
        missing = sorted(ids - landed.keys())
        self.expect(not missing, AuditPromise.NOTHING_MISSED, f"not in S3: {missing[:3]}")
        rows = {row["id"] for row in self.cloud.tables.whole_rows("events")}
        missing = sorted({row_id(each) for each in ids} - rows)
        self.expect(not missing, AuditPromise.NOTHING_MISSED, f"not in the table: {missing[:3]}")
        odd = {line["id"] for line in self._lines("unreadable/")}
        missing = sorted({json.loads(line)["id"] for line in unreadable} - odd)
        self.expect(not missing, AuditPromise.NEVER_BLIND, f"not set aside: {missing[:3]}")

    def _lines(self, prefix: str) -> Iterator[dict[str, Any]]:
        for key in self.cloud.buckets.keys(AUDIT, prefix):
            for line in gzip.decompress(self.cloud.buckets.read(key, AUDIT) or b"").splitlines():
                yield json.loads(line)

    def _stored(self) -> list[Alert]:
        rows = (row for row in self.cloud.tables.whole_rows("state") if row["pk"][:6] == "ALERT#")
        return [Alert.model_validate_json(each) for row in rows for each in bare(row).values()]

    def _check_alerts(self, all_wanted: Sequence[Alert], stored: Sequence[Alert]) -> None:
        """Whatever all events together raise is stored, in S3 too; a memory that forgot says so."""
        known: dict[tuple[str, str], list[Alert]] = {}
        for each in stored:
            known.setdefault((each.dedup, each.level), []).append(each)
        for wanted in all_wanted:
            found = [e for e in known.get((wanted.dedup, wanted.level), ()) if _covers(e, wanted)]
            if not found and wanted.detection in self._forgot:
                self.notes["alert missed, which was told as a loss"] += 1
            elif not found:
                said = f"{wanted.detection} {wanted.severity} {wanted.dedup} at {wanted.time}"
                self.fail(AuditPromise.NOTHING_MISSED, f"no alert {said}")
        in_s3 = {
            json.loads(line)["id"]
            for key in self.cloud.buckets.keys(AUDIT, "alerts/")
            for line in (self.cloud.buckets.read(key, AUDIT) or b"").splitlines()
        }
        missing = [each.id for each in stored if each.id not in in_s3]
        self.expect(not missing, AuditPromise.NOTHING_MISSED, f"alerts not in S3: {missing[:3]}")

    def _check_silences(self, stored: Sequence[Alert]) -> None:
        """Whenever nothing was read for long, that is an alert, of its own or within one."""
        told = [each.time for each in stored if each.dedup.endswith("organization/unread")]
        covered, interval = self.engine.config.rule("O1").suppress, self.faults.audit.interval
        for before, after in pairwise(self._read):
            since = before + LATE_AFTER * interval
            holds = any(time <= since < time + covered for time in told)
            if after > since + interval:
                said = f"nothing was read from {before} to {after}"
                self.expect(holds, AuditPromise.NEVER_BLIND, said)

    def _wanted(self, readable: Sequence[AuditLog], begun: int) -> list[Alert]:
        found = replay(readable, self.engine.config)
        return [each for each in found if each.time >= begun - DAY]

    def _check_incidents(
        self, wanted: Sequence[Alert], stored: Sequence[Alert], begun: int
    ) -> None:
        for each in stored:
            said = f"{each.detection} {each.dedup} at {each.time} ({each.id}) is of no incident"
            is_known = each.time < begun - DAY or each.id in self.members
            self.expect(is_known, AuditPromise.NOTHING_MISSED, said)
        for incident, alerts in grouped(wanted):
            loud = [each for each in alerts if is_loud(each, self.engine.config)]
            if loud and not self._heard(incident) and not self._is_excused(loud):
                said = f"{incident.severity} {incident.detections} about {incident.actor}"
                self.fail(AuditPromise.NOTHING_MISSED, f"nobody heard of {said}")

    def _heard(self, incident: Incident) -> bool:
        return any(
            each.actor == incident.actor
            and each.severity.rank >= incident.severity.rank
            and incident.first - DAY <= each.time <= incident.last + DAY
            for each in self.told
        )

    def _is_excused(self, alerts: Iterable[Alert]) -> bool:
        return all(each.detection in self._forgot for each in alerts)

    def _check_rest(self, now: int) -> None:
        open_ = [
            row for row in self.cloud.tables.whole_rows("state") if row["pk"] == "OPEN_INCIDENTS"
        ]
        self.expect(not open_, AuditPromise.AT_REST, f"incidents still open: {open_[:1]}")
        for row in self.cloud.tables.whole_rows("state"):
            if row["pk"] != "CURSOR":
                continue
            is_backfill = "until" in row
            at = row["until"] if is_backfill else now - 60
            behind = row.get("run") or row["high"] < at or row["leased_until"] > now
            said = f"{row['sk']} at {row['high']}, wanted {at}, run {row.get('run')}"
            self.expect(not behind, AuditPromise.AT_REST, said)

    def check_evidence(self, s3: S3Store, first: date, last: date) -> None:
        """Whoever looks at S3 alone finds every day proved, and as many events as there are."""
        readable, _ = self._listed()
        for day in verify(s3, first, last):
            self.notes["days proved"] += 1
            for flaw in day.flaws:
                self.fail(AuditPromise.DAYS_PROVED, f"{day.day} {flaw.kind}: {flaw.text}")
            there = [e for e in readable if datetime.fromtimestamp(e.time, UTC).date() == day.day]
            said = f"{day.day} has {len(there)} events, and {day.events} are proved"
            self.expect(day.events == len(there), AuditPromise.DAYS_PROVED, said)


def _covers(stored: Alert, wanted: Alert) -> bool:
    """The same thing, as bad, not later; what comes late may have made it begin earlier."""
    return stored.severity.rank >= wanted.severity.rank and stored.time <= wanted.last
