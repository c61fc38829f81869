"""Detections of certificates, customer keys and storage: D7 and D8."""

import json

from shared.audit.detection import About, Detection, Verdict
from shared.audit.detections.reading import ids_of, is_actor, named, names_of, target_of
from shared.audit.events import AuditLog
from shared.audit.payloads import Certificates, External
from shared.audit.rules import Approved, Baseline, Rule
from shared.audit.severity import Severity


def _certificates_off(event: AuditLog, _: Baseline, __: Rule) -> Verdict:
    listed = event.read(Certificates).certificates
    severity = Severity.HIGH if len(listed) > 1 else Severity.MEDIUM
    done = "deleted" if event.type.endswith("deleted") else "switched off"
    title = f"mTLS certificate {done}: {names_of(listed) or named(event)}"
    return Verdict(severity, title, ids_of(listed) or target_of(event))


D7 = Detection(
    About(
        id="D7",
        name="mTLS certificates switched off",
        attack=("T1685",),
        runbook=(
            "Ask whoever acted whether a certificate was being replaced.",
            "Check that another certificate is active: without any, a stolen key is enough.",
            "Activate it again if nobody can explain the change.",
        ),
        false_positives="Rotation: the new certificate is activated shortly before.",
    ),
    types=frozenset({"certificates.deactivated", "certificate.deleted"}),
    evaluate=_certificates_off,
    rule=Rule(),
)


def _custody(event: AuditLog, _: Baseline, rule: Approved) -> Verdict | None:
    registered = event.type.endswith("registered")
    if registered and is_actor(event, rule.approvers):
        return None
    thing = "key" if event.type.startswith("external_key") else "storage"
    done = "registered by a person who is no approver" if registered else "removed"
    title = f"Customer's {thing} {done}: {named(event)}"
    return Verdict(Severity.HIGH, title, target_of(event), _provider(event))


def _provider(event: AuditLog) -> tuple[tuple[str, str], ...]:
    """Whose account the storage belongs to."""
    provider = event.read(External).provider
    if isinstance(provider, dict):
        provider = json.dumps(provider, ensure_ascii=False, sort_keys=True)
    return (("provider", provider),) if provider else ()


D8 = Detection(
    About(
        id="D8",
        name="Customer key or storage registered or removed",
        attack=("T1486", "T1490"),
        runbook=(
            "Ask the owner of the key or storage, not only the person who acted.",
            "Removed: what was encrypted with the key may be out of reach; keep the key alive.",
            "Registered: whose account does it belong to? A stranger's key holds data to ransom.",
            "Undo it, and look at everything this actor did.",
        ),
        false_positives="Planned rotation by a person missing from detections.D8.approvers.",
    ),
    types=frozenset(
        {
            "external_key.registered",
            "external_key.removed",
            "external_storage.registered",
            "external_storage.removed",
        }
    ),
    evaluate=_custody,
    rule=Approved(),
)


CUSTODY = (D7, D8)
