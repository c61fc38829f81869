"""Detections of single credentials of machines: K1, K2 and K6."""

from collections.abc import Sequence

from shared.audit.detection import About, Detection, Unusual, Verdict
from shared.audit.detections.reading import matching, named, target_of, words_of
from shared.audit.events import AuditLog
from shared.audit.payloads import ApiKey, WorkloadIdentity
from shared.audit.rules import Baseline, Powers, Rule, folded
from shared.audit.severity import Severity

_EVERYTHING = frozenset({"all", "*", "admin", "api.all"})


def _over_scoped(event: AuditLog, _: Baseline, rule: Powers) -> Verdict | None:
    scopes, target = event.read(ApiKey).scopes, target_of(event)
    context = (("scopes", ", ".join(scopes) if scopes else "none: the key may do everything"),)
    if _is_unrestricted(event, scopes):
        unusual = Unusual(("everything",), Severity.HIGH, own_days=2)
        title = f"API key {target} may do everything"
        return Verdict(Severity.SIGNAL, title, target, context, unusual=unusual)
    found = matching(scopes or (), rule.dangerous)
    if not found:
        return None
    unusual = Unusual(tuple(found), Severity.MEDIUM, own_days=2)
    title = f"API key {target} may {', '.join(found)}"
    return Verdict(Severity.SIGNAL, title, target, context, unusual=unusual)


def _is_unrestricted(event: AuditLog, scopes: Sequence[str] | None) -> bool:
    """An update that names no scopes leaves them as they were."""
    if not scopes:
        return event.type.endswith("created") or "scopes" in event.details
    return any(scope.lower() in _EVERYTHING for scope in scopes)


K1 = Detection(
    About(
        id="K1",
        name="Over-scoped API key",
        attack=("T1098.001",),
        runbook=(
            "Ask whoever made the key what it is for.",
            "Replace it by one with the scopes it needs, and delete it.",
            "Look at usage by this key since it was made.",
            "Made from a place or device that is new for them: treat the session as stolen.",
        ),
        false_positives="Keys made in the dashboard without choosing scopes are unrestricted.",
    ),
    types=frozenset({"api_key.created", "api_key.updated", "tenant.project_api_key.created"}),
    evaluate=_over_scoped,
    rule=Powers(),
)


def _admin_key(event: AuditLog, _: Baseline, __: Rule) -> Verdict:
    done = event.type.rpartition(".")[2]
    severity = Severity.HIGH if done == "created" else Severity.MEDIUM
    return Verdict(severity, f"Admin key {named(event)} {done}", target_of(event))


K2 = Detection(
    About(
        id="K2",
        name="Admin key created, changed, deleted",
        attack=("T1098.001",),
        runbook=(
            "Ask whoever acted, over another channel; few people should ever do this.",
            "Created and not expected: delete it at once, it can do what an owner can.",
            "Look at what was done by key since: the audit log names the key's tracking id.",
            "Deleted: check that this project's own key still reads the audit log.",
        ),
        false_positives="Rotation by the people on duty: put them in detections.K2.allow.actors.",
    ),
    types=frozenset(
        {
            "tenant.admin_api_key.created",
            "tenant.admin_api_key.updated",
            "tenant.admin_api_key.deleted",
        }
    ),
    evaluate=_admin_key,
    rule=Rule(),
)


def _trust(event: AuditLog, baseline: Baseline, _: Rule) -> Verdict:
    trust = event.read(WorkloadIdentity)
    issuer, target = trust.issuer or trust.issuer_url, target_of(event)
    strange = bool(
        issuer and baseline.approved_issuers and folded(issuer) not in baseline.approved_issuers
    )
    what = words_of(event.type)
    context = (
        ("issuer", issuer or "unknown"),
        ("service account", trust.service_account_id or "-"),
    )
    if strange:
        return Verdict(
            Severity.CRITICAL, f"Unknown issuer {issuer} trusted: {what}", target, context
        )
    return Verdict(Severity.HIGH, f"{what.capitalize()}: {named(event)}", target, context)


K6 = Detection(
    About(
        id="K6",
        name="Workload-identity trust added or changed",
        attack=("T1484.002", "T1098"),
        runbook=(
            "Ask whoever acted which workload is to sign in by it.",
            "Check issuer, audience and subject: a wide subject lets strangers in.",
            "Remove the trust if nobody can explain it.",
            "Look for access tokens issued by it since.",
        ),
        false_positives="Infrastructure as code: put its actor in detections.K6.allow.actors.",
    ),
    types=frozenset(
        {
            "workload_identity_provider.created",
            "workload_identity_provider.updated",
            "workload_identity_provider_mapping.created",
            "workload_identity_provider_mapping.updated",
            "tenant.workload_identity.provider.created",
            "tenant.workload_identity.provider.updated",
            "tenant.workload_identity.provider.archived",
            "tenant.workload_identity.mapping.created",
            "tenant.workload_identity.mapping.updated",
            "tenant.workload_identity.mapping.archived",
            "tenant.workload_identity.binding.created",
        }
    ),
    evaluate=_trust,
    rule=Rule(),
)


KEYS = (K1, K2, K6)
