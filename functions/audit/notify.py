"""Turns findings into alerts and incidents: writes them, publishes what is news, stores them."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from functions.audit.metrics import Metrics, combined
from shared.audit.alert_text import Completing, alert_text, incident_text, record, subject
from shared.audit.alerts import Alert
from shared.audit.cursor import DAY, Alerting, Cursor, is_live
from shared.audit.details import AlertRaised, AlertRecord, CompletedBy, IncidentClosed
from shared.audit.detection import About, Finding
from shared.audit.edges import AuditEdges
from shared.audit.events import AuditLog
from shared.audit.incidents import (
    MOST_LATE,
    QUIET,
    ActorIncidents,
    Incident,
    KnownIncident,
    regrouped,
)
from shared.audit.ocsf import as_finding
from shared.audit.paths import alerts_key, by_day, dry_folder
from shared.audit.rows import LONGEST_RAW
from shared.audit.suppression import Settled, settle
from shared.audit.tables import AlertDay
from shared.aws.notifier import Notification
from shared.aws.races import until_written
from shared.errors import Conflict

JSON_LINES = "application/x-ndjson"
RAISED = "Alert Raised"
CLOSED = "Incident Closed"
OVER_AFTER = QUIET + 15 * 60  # seconds: what comes late may still belong to it
Archive = Mapping[str, Sequence[AuditLog]]  # events by the object that holds them
NOTHING: Archive = {}
TRIES = 4  # another stream may tell something of the same actor meanwhile


class _Told(NamedTuple):
    """An incident that is news, and the alert it is news for."""

    alert: Alert
    incident: Incident


class _Audience(NamedTuple):
    """Who gets to know: people, of what is news to them, or only a folder of a dry run."""

    hears: Callable[[int], bool]  # of what happened at this time
    archived: Archive
    dry_run: str | None = None  # the stream's name


def notify(
    edges: AuditEdges,
    cursor: Cursor,
    findings: Sequence[Finding],
    archived: Archive = NOTHING,
) -> Metrics:
    """Tells each incident once, and once more if it gets worse, however pages are cut.

    What is wrong with the watching itself is told whatever the stream's own alerts are for.
    `archived`: events that are in S3 already, though not yet in the table.
    """
    ours = [each for each in findings if each.is_about_ourselves]
    others = [each for each in findings if not each.is_about_ourselves]
    told = _notify_all(edges, _Audience(lambda _: True, archived), ours)
    dry_run = cursor.stream if cursor.alerting == Alerting.DRY else None
    audience = _Audience(lambda time: is_live(cursor, time), archived, dry_run)
    return combined(told, _notify_all(edges, audience, others))


def _notify_all(edges: AuditEdges, audience: _Audience, findings: Sequence[Finding]) -> Metrics:
    if not findings:
        return {}
    return until_written(lambda: _notify(edges, audience, findings), TRIES)


def _notify(edges: AuditEdges, audience: _Audience, findings: Sequence[Finding]) -> Metrics:
    dry_run = audience.dry_run
    actors = [] if dry_run else [finding.person for finding in findings]
    known = edges.tables.look_up(_days(edges, findings), actors, dry_run)
    settled = settle(findings, known.alerts, edges.config)
    if not settled:
        return {}
    changed = [each.alert for each in settled]
    if dry_run is not None:
        _write(edges, {}, changed, dry_folder(dry_run))
        edges.tables.put_alerts(changed, (), _kept_until(edges), dry_run)
        return {}
    return _tell(edges, audience, settled, known.incidents)


def _tell(
    edges: AuditEdges,
    audience: _Audience,
    settled: Sequence[Settled],
    known: Mapping[str, ActorIncidents],
) -> Metrics:
    """Writes, notifies, then commits."""
    live = [each for each in settled if audience.hears(each.alert.time)]
    incidents, told = _incidents(edges, live, known)
    news = [each.alert for each in settled if each.is_news]
    _write(edges, _belonging(incidents), news, "alerts")
    events = _completing(edges, [each.alert for each in told], audience.archived)
    about = edges.config.about
    edges.notifier.publish_all(
        [
            notification(alert, about(alert.detection), incident, events.get(alert.event_id))
            for alert, incident in told
        ]
    )
    edges.tables.put_alerts([each.alert for each in settled], incidents, _kept_until(edges))
    return {"AuditAlertsStored": len(news), "AuditAlertsPublished": len(told)}


def _completing(
    edges: AuditEdges, alerts: Iterable[Alert], archived: Archive
) -> dict[str, Completing]:
    """The events that completed these alerts, by id: of this page, or of an earlier one."""
    wanted = {each.event_id for each in alerts if each.event_id}
    bucket = f"s3://{edges.s3.bucket}"
    found = {
        event.id: Completing(
            f"{bucket}/{key}",
            event.line[:LONGEST_RAW].decode(errors="replace"),
            event.project.id or "",
        )
        for key, events in archived.items()
        for event in events
        if event.id in wanted
    }
    earlier = edges.tables.events(wanted - found.keys())
    return found | {
        id_: Completing(f"{bucket}/{row['object']}", row.get("raw", id_), row.get("project", ""))
        for id_, row in earlier.items()
    }


def _belonging(rows: Iterable[ActorIncidents]) -> dict[str, str]:
    """The incident of each alert, by their ids."""
    incidents = [each for row in rows for each in row.incidents]
    return {member.id: each.id for each in incidents for member in each.members}


def close_incidents(edges: AuditEdges) -> Metrics:
    """Tells what was more than people heard when it began, now that it is over."""
    now = edges.seconds()
    actors = edges.tables.open_incidents(now)
    known = edges.tables.look_up((), actors).incidents
    closed = [_closed(each, now) for each in known.values()]
    edges.notifier.publish_all([each for _, some in closed for each in some])
    for row, _ in closed:
        try:
            edges.tables.put_alerts((), [row], _kept_until(edges))
        except Conflict:
            continue  # there is more of it: another run closes it
    return {"AuditIncidentsClosed": sum(len(some) for _, some in closed)}


def _closed(row: ActorIncidents, now: int) -> tuple[ActorIncidents, list[Notification]]:
    over = {each.id for each in row.incidents if _is_over(each, now)}
    told = [
        closing(each.shown(row.actor))
        for each in row.incidents
        if each.id in over and each.told and len(each.members) > each.told_alerts
    ]
    kept = tuple(
        each.model_copy(update={"is_closed": True, "told_alerts": len(each.members)})
        if each.id in over
        else each
        for each in row.incidents
        if each.last > now - MOST_LATE
    )
    return row.model_copy(update={"incidents": kept, "due": _due(kept)}), told


def _is_over(incident: KnownIncident, now: int) -> bool:
    return not incident.is_closed and now >= incident.last + OVER_AFTER


def _due(incidents: Iterable[KnownIncident]) -> int | None:
    return min((each.last + OVER_AFTER for each in incidents if not each.is_closed), default=None)


def _incidents(
    edges: AuditEdges, settled: Sequence[Settled], known: Mapping[str, ActorIncidents]
) -> tuple[list[ActorIncidents], list[_Told]]:
    """The rows as they are with these alerts, and what of them is news."""
    by_actor: dict[str, list[Settled]] = {}
    for each in settled:
        by_actor.setdefault(each.alert.actor, []).append(each)
    rows, told = [], []
    for actor, some in by_actor.items():
        row = known.get(actor, ActorIncidents(actor=actor))
        found = regrouped(actor, row.incidents, [each.alert for each in some])
        news = list(_news(actor, found, some))
        told += news
        heard = {each.incident.id: each.incident for each in news}
        incidents = tuple(_heard(each, heard) for each in found)
        rows.append(row.model_copy(update={"incidents": incidents, "due": _due(incidents)}))
    return rows, told


def _heard(incident: KnownIncident, heard: Mapping[str, Incident]) -> KnownIncident:
    told = heard.get(incident.id)
    if told is None:
        return incident
    return incident.model_copy(update={"told": told.severity, "told_alerts": told.alerts})


def _news(
    actor: str, incidents: Sequence[KnownIncident], settled: Sequence[Settled]
) -> Iterator[_Told]:
    """Each incident that is worse than people know, by the worst of its alerts."""
    loud = [each.alert for each in settled if each.notify]
    for incident in incidents:
        ids = {each.id for each in incident.members}
        own = [each for each in loud if each.id in ids]
        if not own:
            continue
        worst = max(own, key=lambda each: each.severity.rank)
        if incident.told is None or worst.severity.rank > incident.told.rank:
            yield _Told(worst, incident.shown(actor))


def _days(edges: AuditEdges, findings: Iterable[Finding]) -> Iterator[AlertDay]:
    """Where alerts lie that may cover these findings, or be covered by them."""
    for each in findings:
        around = 2 * edges.config.rule(each.detection).suppress
        for day in range((each.time - around) // DAY, (each.time + around) // DAY + 1):
            yield AlertDay(each.dedup, day)


def _write(
    edges: AuditEdges, incidents: Mapping[str, str], alerts: Sequence[Alert], folder: str
) -> None:
    """The alerts of a page as one object a day."""
    for day, some in by_day(alerts).items():
        records = (
            record(each, edges.config.about(each.detection), incidents.get(each.id, ""))
            for each in some
        )
        lines = [json.dumps(each).encode() for each in records]
        edges.s3.write(alerts_key(day, lines, folder), [b"\n".join(lines)], JSON_LINES)


def _kept_until(edges: AuditEdges) -> int:
    return edges.seconds() + edges.settings.audit_kept_days * DAY


def notification(
    alert: Alert, about: About, incident: Incident, event: Completing | None = None
) -> Notification:
    """A text for people; for systems the alert, also as an OCSF Detection Finding."""
    return Notification(
        type=RAISED,
        about=f"{subject(alert)} ({alert.id})",
        text=f"{alert_text(alert, about, event)}\n{incident_text(incident)}",
        detail=AlertRaised(
            alert=AlertRecord.model_validate(record(alert, about, incident.id)),
            incident=incident,
            ocsf=as_finding(alert, about),
            completed_by=CompletedBy(object=event.object, event=event.text) if event else None,
        ).fields(),
        attributes={
            "kind": "alert",
            "severity": incident.severity,
            "detection": alert.detection,
        },
    )


def closing(incident: Incident) -> Notification:
    """What an incident was, now that nothing has been added to it for a while."""
    alerts = f"{incident.alerts:,} alerts about {incident.actor}"
    return Notification(
        type=CLOSED,
        about=f"{incident.severity.upper()} {alerts} ({incident.id})",
        text=incident_text(incident, closed=True),
        detail=IncidentClosed(incident=incident).fields(),
        attributes={"kind": "closed", "severity": incident.severity},
    )
