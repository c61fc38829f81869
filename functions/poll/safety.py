"""OpenAI said something about safety, by a webhook: it is looked up, and people are told."""

from collections.abc import Mapping

from shared.aws.notifier import Notification
from shared.errors import Refused
from shared.jobs.details import SafetyAlertTold
from shared.jobs.edges import JobEdges
from shared.openai.models import SafetyAlert
from shared.text import REASON, sanitize

LOOKED_UP = "safety.alert.created"  # of the others OpenAI tells no more


def tell_of_safety(edges: JobEdges, detail: Mapping[str, object]) -> str:
    """The same event twice is told twice, under one id."""
    kind, event, about = (str(detail.get(name, "")) for name in ("type", "event", "object"))
    found = _looked_up(edges, about) if kind == LOOKED_UP else None
    edges.alert_notifier.publish(
        Notification(
            type="Safety Alert",
            about=sanitize(event or about),
            text=_text(kind, about, found),
            detail=SafetyAlertTold(
                event=event,
                event_type=kind,
                object=about,
                **(found.model_dump(exclude={"id"}, exclude_none=True) if found else {}),
            ).fields(),
            attributes={"event_type": kind},
        )
    )
    return "looked up" if found else "told"


def _looked_up(edges: JobEdges, alert: str) -> SafetyAlert | None:
    """What OpenAI does not give is told without it."""
    try:
        return edges.openai.safety_alert(alert)
    except Refused:
        return None


def _text(kind: str, about: str, found: SafetyAlert | None) -> str:
    told = f"OpenAI says {sanitize(kind)} of {sanitize(about)}."
    if found is None:
        return f"{told} Look it up in OpenAI's dashboard."
    paused = "The request was paused." if found.request_paused else "The request was not paused."
    why = sanitize(found.reason or "no reason is given", REASON)
    return (
        f"{told} Model {sanitize(found.model)}, request {sanitize(found.request_id)}: "
        f"{sanitize(found.error_type).replace('_', ' ')} ({why}). {paused}"
    )
