"""Who sits at a session, and whether what they do there is sensitive."""

from shared.audit.detections.allowlists import ALLOWLISTS
from shared.audit.detections.custody import CUSTODY
from shared.audit.detections.destruction import DESTRUCTION
from shared.audit.detections.identity import IDENTITY
from shared.audit.detections.key_bursts import KEY_BURSTS
from shared.audit.detections.keys import KEYS
from shared.audit.detections.limits import LIMITS
from shared.audit.detections.organization import ORGANIZATION
from shared.audit.detections.privilege import PRIVILEGE
from shared.audit.detections.sharing import SHARING
from shared.audit.detections.side_doors import SIDE_DOORS
from shared.audit.events import AuditLog

_CONTROLS = (*ALLOWLISTS, *IDENTITY, *ORGANIZATION, *CUSTODY, *PRIVILEGE, *SIDE_DOORS)
_ACCESS = (*KEYS, *KEY_BURSTS, *SHARING, *LIMITS, *DESTRUCTION)
SENSITIVE = frozenset[str]().union(*(each.types or () for each in (*_CONTROLS, *_ACCESS)))


def person_at(event: AuditLog) -> str | None:
    """A failed login and an event by key say nothing of who is there."""
    if event.by.session is None or event.type == "login.failed":
        return None
    return event.by.user.id or event.by.email


def is_sensitive(event: AuditLog) -> bool:
    return event.type in SENSITIVE
