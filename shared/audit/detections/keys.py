"""Detections of API keys and other credentials of machines: K1 to K6."""

from collections.abc import Iterator, Sequence

from shared.audit.config import Config
from shared.audit.detection import (
    HOUR,
    About,
    Completed,
    Detection,
    Noticed,
    Observation,
    Pattern,
    Verdict,
    bursts,
)
from shared.audit.detections.reading import matching, named, target_of
from shared.audit.events import AuditLog
from shared.audit.payloads import ApiKey, WorkloadIdentity
from shared.audit.severity import Severity

_EVERYTHING = frozenset({"all", "*", "admin", "api.all"})


def _over_scoped(event: AuditLog, config: Config) -> Verdict | None:
    scopes, target = event.read(ApiKey).scopes, target_of(event)
    about = (("scopes", ", ".join(scopes) if scopes else "none: the key may do everything"),)
    if _is_unrestricted(event, scopes):
        return Verdict(Severity.HIGH, f"API key {target} may do everything", target, about)
    found = matching(scopes or (), config.detections.K1.dangerous)
    if not found:
        return None
    return Verdict(Severity.MEDIUM, f"API key {target} may {', '.join(found)}", target, about)


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
    types=frozenset({"api_key.created", "api_key.updated"}),
    judge=_over_scoped,
)


def _admin_key(event: AuditLog, _: Config) -> Verdict:
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
    judge=_admin_key,
)


def _key_noticed(event: AuditLog, _: Config) -> Sequence[Noticed]:
    return (Noticed(event.by.id, Observation.of(event, event.read(ApiKey).id or event.id)),)


def _keys_made(observations: Sequence[Observation], config: Config) -> Iterator[Completed]:
    rule = config.detections.K3
    for found in bursts(observations, rule.at_least, rule.within):
        keys = sorted({observation.what[0] for observation in found})
        title = f"{found[-1].who} made {len(keys)} API keys in {rule.within_minutes} minutes"
        about = (("keys", ", ".join(keys)),)
        yield Completed(found[-1], found, Verdict(Severity.HIGH, title, "api_keys", about))


K3 = Pattern(
    About(
        id="K3",
        name="Key-creation burst",
        attack=("T1098.001",),
        runbook=(
            "Ask whoever made the keys what they are for.",
            "Delete those that nobody stands by.",
            "Look at usage by these keys since they were made.",
            "Look at how the actor signed in.",
        ),
        false_positives="Platform code that makes keys for many projects: allow its actor.",
    ),
    types=frozenset({"api_key.created", "tenant.project_api_key.created"}),
    notice=_key_noticed,
    judge=_keys_made,
    window=lambda config: config.detections.K3.within,
    bucket=HOUR,
)


def _life_noticed(event: AuditLog, _: Config) -> Sequence[Noticed]:
    key = event.read(ApiKey).id
    return (Noticed(key, Observation.of(event, event.type.rpartition(".")[2], key)),) if key else ()


def _short_life(observations: Sequence[Observation], config: Config) -> Iterator[Completed]:
    """Made and deleted in the same second has no order, so time alone decides."""
    most = config.detections.K4.within_minutes * 60
    births = [observation for observation in observations if observation.what[0] == "created"]
    for death in (observation for observation in observations if observation.what[0] == "deleted"):
        before = [birth for birth in births if 0 <= death.time - birth.time <= most]
        if before:
            yield _lived(before[-1], death)


def _lived(birth: Observation, death: Observation) -> Completed:
    minutes = (death.time - birth.time) // 60
    title = f"API key {death.what[1]} lived {minutes} min"
    about = (("made by", birth.who), ("deleted by", death.who))
    verdict = Verdict(Severity.SIGNAL, title, death.what[1], about)
    return Completed(death, (birth, death), verdict)


K4 = Pattern(
    About(
        id="K4",
        name="Short-lived key",
        attack=("T1098.001", "T1070"),
        runbook=(
            "Look at usage by this key while it lived.",
            "Ask whoever made it what it was for.",
        ),
        false_positives="Tests and second thoughts, so it is stored and not sent.",
    ),
    types=frozenset({"api_key.created", "api_key.deleted"}),
    notice=_life_noticed,
    judge=_short_life,
    window=lambda config: config.detections.K4.within_minutes * 60,
    bucket=HOUR,
)


def _keys_revoked(observations: Sequence[Observation], config: Config) -> Iterator[Completed]:
    rule = config.detections.K5
    for found in bursts(observations, rule.at_least, rule.within):
        keys = sorted({observation.what[0] for observation in found})
        title = f"{found[-1].who} revoked {len(keys)} keys in {rule.within_minutes} minutes"
        about = (("keys", ", ".join(keys)),)
        yield Completed(found[-1], found, Verdict(Severity.HIGH, title, "api_keys", about))


K5 = Pattern(
    About(
        id="K5",
        name="Mass key revocation",
        attack=("T1531",),
        runbook=(
            "Ask whoever acted whether keys are being rotated.",
            "Find out which systems have stopped; keys can't be restored, make new ones.",
            "Nobody stands by it: end the actor's sessions and revoke their own keys.",
        ),
        false_positives="Rotation after a leak, which is a good thing.",
    ),
    types=frozenset(
        {
            "api_key.deleted",
            "tenant.service_account.token.revoked",
            "tenant.chatgpt_access_token.revoked",
        }
    ),
    notice=_key_noticed,
    judge=_keys_revoked,
    window=lambda config: config.detections.K5.within,
    bucket=HOUR,
)


def _trust(event: AuditLog, config: Config) -> Verdict:
    trust = event.read(WorkloadIdentity)
    issuer, target = trust.issuer or trust.issuer_url, target_of(event)
    strange = bool(issuer and config.approved_issuers and issuer not in config.approved_issuers)
    what = event.type.removeprefix("tenant.").replace("_", " ").replace(".", " ")
    about = (("issuer", issuer or "not told"), ("service account", trust.service_account_id or "-"))
    if strange:
        return Verdict(Severity.CRITICAL, f"Unknown issuer {issuer} trusted: {what}", target, about)
    return Verdict(Severity.HIGH, f"{what.capitalize()}: {named(event)}", target, about)


K6 = Detection(
    About(
        id="K6",
        name="Workload-identity trust added or changed",
        attack=("T1484.002", "T1098"),
        runbook=(
            "Ask whoever acted which workload is to sign in by it.",
            "Check issuer, audience and subject: a wide subject lets strangers in.",
            "Remove the trust where nobody stands by it.",
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
    judge=_trust,
)

KEYS = (K1, K2, K3, K4, K5, K6)
