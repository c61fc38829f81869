"""The tables of docs/audit.md, as the detections make them."""

from shared.audit.catalogue import ABOUT, ALL, DERIVED
from shared.audit.detections.presence import SENSITIVE
from shared.audit.event_types import KNOWN
from shared.audit.recorded_only import RECORDED_ONLY


def detections() -> str:
    """Every detection in a row; what it looks for is its name."""
    rows = [
        f"| {about.id} | {about.name} | {', '.join(about.attack)} |" for about in ABOUT.values()
    ]
    return "\n".join(["| id | what it looks for | ATT&CK |", "|---|---|---|", *rows])


def types() -> str:
    """Every type in a row: which detections look at it, or why none does."""
    rows = [
        f"| `{type_}` | {', '.join(looking(type_)) or 'recorded only: ' + RECORDED_ONLY[type_]} "
        f"| {'yes' if type_ in SENSITIVE else ''} |"
        for type_ in sorted(KNOWN)
    ]
    return "\n".join(["| type | detections | sensitive |", "|---|---|---|", *rows])


def looking(type_: str) -> list[str]:
    """Detections that look at this type by itself, not at any."""
    patterns = (each.pattern for each in DERIVED.values())
    found = {each.about.id for each in (*ALL, *patterns) if each.types and type_ in each.types}
    return [id_ for id_ in ABOUT if id_ in found]
