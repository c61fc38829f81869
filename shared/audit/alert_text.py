"""How an alert is shown: to systems as a record, to people as a text with what to do."""

import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from pydantic import JsonValue

from shared.audit.alerts import Alert
from shared.audit.detection import About
from shared.audit.incidents import Incident
from shared.audit.lateness import DAY
from shared.text import REASON, sanitize

LONGEST_EVENT = 2_000  # characters, in a text for a person
INNER = {"level", "parts", "kept_at"}  # of an alert, of no use to others


class Completing(NamedTuple):
    """The event that completed an alert, and where it lies."""

    object: str  # s3://…
    text: str  # as it was received
    project: str = ""


def record(alert: Alert, about: About, incident: str = "") -> dict[str, JsonValue]:
    """The alert for systems and for good, with what to do about it."""
    dumped: dict[str, JsonValue] = alert.model_dump(mode="json", exclude=INNER)
    dumped["incident"] = incident
    known = {"name": about.name, "false_positives": about.false_positives}
    return dumped | known | {"runbook": list(about.runbook)}


def subject(alert: Alert) -> str:
    return f"{alert.severity.upper()} {alert.detection} {alert.title}"


def alert_text(alert: Alert, about: About, event: Completing | None = None) -> str:
    """The alert for a person: what, who, where from, before and after, the event, what to do."""
    who = alert.who if alert.actor in alert.who else f"{alert.who} ({alert.actor})"
    lines = [
        f"{alert.severity.upper()}: {sanitize(alert.title, REASON)}",
        "",
        f"What      {about.name} ({', '.join((alert.detection, *_techniques(alert)))})",
        f"When      {clock(alert.time)}",
        f"Who       {sanitize(who)}",
        f"From      {sanitize(alert.where)}",
        *(
            f"{shown_name(sanitize(name)):<9} {sanitize(value)}"
            for name, value in alert.context
            if value
        ),
        *_event_lines(event),
        *([f"The rest  {sanitize(command(alert))}"] if alert.event_id else []),
        f"Alert     {alert.id}",
        "",
        *_steps(about),
        f"Events: {sanitize(', '.join(alert.event_ids), 2_000)}",
        f"Not sent again for a while: {sanitize(alert.dedup)}",
    ]
    return "\n".join(lines)


def _techniques(alert: Alert) -> list[str]:
    return [f"ATT&CK {', '.join(alert.attack)}"] if alert.attack else []


def _steps(about: About) -> Iterator[str]:
    """What a detection of one's own does not say is left out."""
    if about.runbook:
        yield "What to do:"
        yield from (f"{n}. {step}" for n, step in enumerate(about.runbook, 1))
        yield ""
    if about.false_positives:
        yield f"May be harmless: {about.false_positives}"


def command(alert: Alert) -> str:
    """Shows what the actor did in the day around it."""
    since, until = (
        datetime.fromtimestamp(alert.time + days * DAY, UTC).strftime("%Y-%m-%dT%H:%M")
        for days in (-1, 1)
    )
    return f"batchdrop investigate {shlex.quote(alert.actor)} --since {since} --until {until}"


def _event_lines(event: Completing | None) -> Iterator[str]:
    if event is None:
        return
    if event.project:
        yield f"Project   {sanitize(event.project)}"
    yield f"Event     {sanitize(event.text, LONGEST_EVENT)}"
    yield f"Stored    {event.object}"


def incident_text(incident: Incident, *, closed: bool = False) -> str:
    """One line of an alert; the whole text when nothing more is expected."""
    alerts = "1 alert" if incident.alerts == 1 else f"{incident.alerts:,} alerts"
    about = f"{alerts} ({', '.join(incident.detections)}) about {sanitize(incident.actor)}"
    if not closed:
        return f"Incident {incident.id}: {about} until now; told again if it gets worse."
    lines = [
        f"{incident.severity.upper()}: {about}",
        "",
        f"From      {clock(incident.first)}",
        f"To        {clock(incident.last)}",
        f"Incident  {incident.id}",
        "",
        "Nothing was added to it for an hour. Its alerts are in the audit bucket under alerts/.",
    ]
    return "\n".join(lines)


def shown_name(name: str) -> str:
    """Our words begin a line; a field of OpenAI's is written as it is."""
    return name if "_" in name else name.capitalize()


def clock(time: int) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
