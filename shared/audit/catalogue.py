"""Every detection there is."""

from typing import Any

from shared.audit.detection import DerivedPattern, Detection, Pattern
from shared.audit.detections.access import A1_SLOW, PASSWORDS
from shared.audit.detections.allowlists import ALLOWLISTS
from shared.audit.detections.custody import CUSTODY
from shared.audit.detections.destruction import DESTRUCTION
from shared.audit.detections.habits import A4
from shared.audit.detections.identity import IDENTITY
from shared.audit.detections.key_bursts import KEY_BURSTS
from shared.audit.detections.keys import KEYS
from shared.audit.detections.limits import LIMITS
from shared.audit.detections.operations import O1, O2, O3, O4, O5
from shared.audit.detections.organization import ORGANIZATION
from shared.audit.detections.privilege import PRIVILEGE
from shared.audit.detections.sequences import SEQUENCE
from shared.audit.detections.sessions import SESSIONS
from shared.audit.detections.sharing import SHARING
from shared.audit.detections.side_doors import SIDE_DOORS
from shared.audit.detections.unusual import UNUSUAL

_ALL: tuple[Detection[Any] | Pattern[Any], ...] = (
    *ALLOWLISTS,
    *IDENTITY,
    *ORGANIZATION,
    *CUSTODY,
    *PRIVILEGE,
    *SIDE_DOORS,
    *KEYS,
    *KEY_BURSTS,
    *PASSWORDS,
    A4,
    *SESSIONS,
    *SHARING,
    *LIMITS,
    *DESTRUCTION,
    O1,
    O2,
    O3,
    O4,
    O5,
)
GROUPS = "DPKASO"
ALL = sorted(_ALL, key=lambda each: (GROUPS.index(each.about.id[0]), int(each.about.id[1:])))
DERIVED: dict[str, DerivedPattern[Any]] = {
    "A1 slow": A1_SLOW,
    "sequence": SEQUENCE,
    "unusual": UNUSUAL,
}
ABOUT = {each.about.id: each.about for each in ALL}
