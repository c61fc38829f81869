"""Detections of functions opened to the outside: S1 and S4."""

from shared.audit.detection import About, Detection, Verdict
from shared.audit.detections.reading import (
    domain_of,
    is_actor,
    is_privileged,
    is_within,
    named,
    role_of,
    target_of,
    words_of,
)
from shared.audit.events import AuditLog
from shared.audit.payloads import Binding, Invite
from shared.audit.rules import Approved, Baseline, Rule
from shared.audit.severity import Severity


def _outsider(event: AuditLog, baseline: Baseline, _: Rule) -> Verdict | None:
    email = (event.read(Invite).email or "").lower()
    if not _is_outside(domain_of(email), event, baseline):
        return None
    role = role_of(event)
    high = role is not None and is_privileged(role, baseline)
    severity = Severity.HIGH if high else Severity.MEDIUM
    return Verdict(severity, f"{email} invited from outside as {role or 'member'}", email)


def _is_outside(domain: str, event: AuditLog, baseline: Baseline) -> bool:
    """Without approved domains, that of the inviting person is inside."""
    inside = baseline.approved_domains
    if not inside and event.by.email:
        inside = frozenset({domain_of(event.by.email)})
    return bool(domain and inside) and not is_within(domain, inside)


S1 = Detection(
    About(
        id="S1",
        name="Outside-domain invite or user",
        attack=("T1136.003",),
        runbook=(
            "Ask whoever invited them who it is and why.",
            "Take the invite back until that is clear; if accepted, remove the user.",
            "A domain of yours: add it to approved_domains.",
        ),
        false_positives="Contractors and partners; give them a domain or allow who invites them.",
    ),
    types=frozenset(
        {
            "invite.sent",
            "tenant.user.invited",
            "tenant.user.added",
            "tenant.api_organization_invite.upserted",
            "tenant.chatgpt_workspace_invite.upserted",
        }
    ),
    evaluate=_outsider,
    rule=Rule(),
)


def _way_out(event: AuditLog, _: Baseline, rule: Approved) -> Verdict | None:
    binding = event.read(Binding)
    switched_off = event.type == "role.bound_to_resource" and binding.enabled is False
    if switched_off or is_actor(event, rule.approvers):
        return None
    severity = Severity.HIGH if event.type.startswith("tunnel.") else Severity.MEDIUM
    what = words_of(event.type)
    shown = binding.connector_name or named(event)
    return Verdict(severity, f"New path out: {what} {shown}", target_of(event))


S4 = Detection(
    About(
        id="S4",
        name="New path out",
        attack=("T1572", "T1537"),
        runbook=(
            "Ask whoever acted where it leads, and who may use it.",
            "Remove it if nobody can explain it.",
            "Look for data that went that way since.",
            "Expected from this actor: add them to detections.S4.approvers.",
        ),
        false_positives="Connectors and shared models that were agreed on.",
    ),
    types=frozenset(
        {
            "tunnel.created",
            "tunnel.updated",
            "checkpoint.permission.created",
            "tenant.resource_access.updated",
            "tenant.resource_share_grant.created",
            "tenant.resource_share_grant.updated",
            "tenant.resource_share_grant.accepted",
            "role.bound_to_resource",
        }
    ),
    evaluate=_way_out,
    rule=Approved(),
)


SHARING = (S1, S4)
