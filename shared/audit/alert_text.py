"""How an alert is shown: to systems as a record, to people as a text with what to do."""

from datetime import UTC, datetime

from pydantic import JsonValue

from shared.audit.alerts import Alert
from shared.audit.catalogue import ABOUT
from shared.text import REASON, sanitize

INNER = {"level", "parts"}  # of an alert, of no use to others


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
