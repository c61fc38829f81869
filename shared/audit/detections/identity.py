"""Detections of changes to who may sign in and how: D3, D4 and D9."""

from shared.audit.detection import About, Detection, Verdict
from shared.audit.detections.reading import named, target_of, words_of
from shared.audit.events import AuditLog
from shared.audit.rules import Baseline, Rule
from shared.audit.severity import Severity

_DIRECTORY = {
    "scim.enabled": (Severity.MEDIUM, "SCIM switched on: a directory makes and removes people now"),
    "tenant.scim.setup.started": (Severity.INFO, "SCIM is being set up"),
    "tenant.scim.directory.created": (Severity.HIGH, "New directory: it may make people"),
    "tenant.microsoft_entra_mapping.upserted": (Severity.HIGH, "Another Entra tenant is trusted"),
    "tenant.microsoft_entra_mapping.deleted": (Severity.MEDIUM, "An Entra tenant is taken out"),
}


def _scim(event: AuditLog, _: Baseline, __: Rule) -> Verdict:
    if event.type in _DIRECTORY:
        severity, title = _DIRECTORY[event.type]
        return Verdict(severity, f"{title}: {named(event)}", target_of(event))
    done = "switched off" if event.type == "scim.disabled" else "asked to be deleted"
    return Verdict(Severity.HIGH, f"SCIM {done}: people who leave keep access", target_of(event))


D3 = Detection(
    About(
        id="D3",
        name="Directory switched off, on, or exchanged",
        attack=("T1685", "T1556"),
        runbook=(
            "Ask whoever acted and the identity team whether this was planned.",
            "Switch SCIM on again: Settings, Identity.",
            "Compare the organization's users with the directory; remove who should be gone.",
            "Look at users added or changed by hand since then.",
        ),
        false_positives="A move to another identity provider.",
    ),
    types=frozenset({"scim.disabled", "tenant.scim.deletion.requested", *_DIRECTORY}),
    evaluate=_scim,
    rule=Rule(),
)

_MOVED = ("deleted", "migrated")


def _sso(event: AuditLog, _: Baseline, __: Rule) -> Verdict:
    severity = Severity.CRITICAL if event.type.endswith(_MOVED) else Severity.HIGH
    what = words_of(event.type)
    return Verdict(severity, f"Single sign-on: {what} {named(event)}", target_of(event))


D4 = Detection(
    About(
        id="D4",
        name="SSO connection changed or removed",
        attack=("T1484.002",),
        runbook=(
            "Ask the identity team whether this was planned; nobody else should do it.",
            "Compare the connection's issuer, certificate and domains with your provider's.",
            "Undo what nobody can explain, and end all sessions made since then.",
            "Look for users who signed in by password or by the new connection.",
        ),
        false_positives="Certificate rotation, and moves announced by the identity team.",
    ),
    types=frozenset(
        {
            "tenant.sso_connection.created",
            "tenant.sso_connection.updated",
            "tenant.sso_connection.deleted",
            "tenant.sso_connection.setup.started",
            "tenant.sso.migrated",
            "tenant.domains.migrated",
        }
    ),
    evaluate=_sso,
    rule=Rule(),
)


# A policy more is no weaker than before; what it says is not told.
_STRICTER = ("created", "attached", "started")


def _policy(event: AuditLog, _: Baseline, __: Rule) -> Verdict:
    severity = Severity.HIGH if event.type.endswith(("deleted", "detached")) else Severity.MEDIUM
    severity = Severity.SIGNAL if event.type.endswith(_STRICTER) else severity
    what = words_of(event.type)
    return Verdict(severity, f"Access policy: {what} {named(event)}", target_of(event))


D9 = Detection(
    About(
        id="D9",
        name="Session, access or third-party-app policy weakened",
        attack=("T1556.009", "T1685"),
        runbook=(
            "Ask whoever acted what was changed; the event does not say it.",
            "Compare the policy with how it should be, and put it back.",
            "Look for long sessions, new apps and new products used since then.",
        ),
        false_positives="Policies made stricter look the same: the payload is not documented.",
    ),
    types=frozenset(
        {
            "tenant.policy.created",
            "tenant.policy.updated",
            "tenant.policy.attached",
            "tenant.policy.deleted",
            "tenant.policy.detached",
            "tenant.session_policy.created",
            "tenant.session_revocation.started",
            "tenant.session_policy.updated",
            "tenant.session_policy.deleted",
            "tenant.third_party_app_policy.updated",
            "tenant.product_access_policy.updated",
        }
    ),
    evaluate=_policy,
    rule=Rule(),
)


IDENTITY = (D3, D4, D9)
