"""Detections of power gained, given or taken away: P1 to P5."""

from collections.abc import Iterator, Sequence

from shared.audit.actors import DIRECTORY
from shared.audit.detection import (
    HOUR,
    About,
    Detection,
    Keyed,
    Match,
    Observation,
    Pattern,
    Unusual,
    Verdict,
    bursts,
)
from shared.audit.detections.reading import (
    is_actor,
    is_plain,
    is_privileged,
    matching,
    person_of,
    role_of,
    target_of,
)
from shared.audit.events import AuditLog
from shared.audit.payloads import Account, Assignment, Role
from shared.audit.rules import Baseline, Burst, Powers, Rule
from shared.audit.severity import Severity

_GRANTS = frozenset(
    {
        "role.assignment.created",
        "user.updated",
        "user.added",
        "invite.sent",
        "tenant.role_assignment.created",
        "tenant.resource_role_assignment.created",
        "tenant.user.added",
        "tenant.user.updated",
        "tenant.user.invited",
        "tenant.api_organization_invite.upserted",
        "tenant.chatgpt_workspace_invite.upserted",
    }
)
_IN_PROJECT = ("project", "resource")


def _granted(event: AuditLog, baseline: Baseline, _: Rule) -> Verdict | None:
    role = role_of(event)
    if role is None or not is_privileged(role, baseline):
        return None
    person = person_of(event) or target_of(event)
    if _is_in_project(event):
        return Verdict(Severity.HIGH, f"{role} of a project granted to {person}", person)
    return Verdict(Severity.CRITICAL, f"{role} of the organization granted to {person}", person)


def _is_in_project(event: AuditLog) -> bool:
    """What an admin key does for the organization carries the default project."""
    assignment, project = event.read(Assignment), event.project
    if assignment.resource_type:
        return any(word in assignment.resource_type.lower() for word in _IN_PROJECT)
    if event.type.startswith("tenant.resource_"):
        return True
    if (assignment.id or "").startswith("proj"):
        return True
    by_default = event.by.key is not None and (project.name or "").lower() == "default project"
    return project.id is not None and not by_default


P1 = Detection(
    About(
        id="P1",
        name="Owner or admin granted",
        attack=("T1098.003",),
        runbook=(
            "Ask whoever granted it, over another channel, whether this was them and why.",
            "Take the role away until that is clear.",
            "Look at what the new owner has done since.",
            "Look at how the granting actor signed in: new country, new device, failures before?",
        ),
        false_positives="A new administrator who was announced.",
    ),
    types=_GRANTS,
    evaluate=_granted,
    rule=Rule(),
)


def _granted_to_oneself(event: AuditLog, baseline: Baseline, _: Rule) -> Verdict | None:
    """Joining as a plain member, and stepping down, gives nobody power."""
    role = role_of(event)
    if role is None or not _is_about_the_actor(event):
        return None
    title = f"{event.by.name} gave themselves {role}"
    if is_privileged(role, baseline):
        return Verdict(Severity.CRITICAL, title, event.by.id)
    if is_plain(role) or not event.type.endswith("assignment.created"):
        return None
    return Verdict(Severity.MEDIUM, title, event.by.id)


def _is_about_the_actor(event: AuditLog) -> bool:
    account, assignment = event.read(Account), event.read(Assignment)
    ids = {assignment.principal_id, assignment.user_id, account.user_id, account.id}
    same_id = event.by.user.id is not None and event.by.user.id in ids
    return same_id or (
        event.by.email is not None and event.by.email == (account.email or "").lower()
    )


P2 = Detection(
    About(
        id="P2",
        name="Self-granted privilege",
        attack=("T1098.003",),
        runbook=(
            "Take the role away; nobody needs to grant one to themselves.",
            "End the actor's sessions and revoke their keys until they have explained it.",
            "Look at everything they did since, above all keys, roles and allow-lists.",
            "Find out what allowed them to: which role, granted by whom?",
        ),
        false_positives="An owner who joins a project of their own organization.",
    ),
    types=_GRANTS,
    evaluate=_granted_to_oneself,
    rule=Rule(),
)


def _dangerous_role(event: AuditLog, _: Baseline, rule: Powers) -> Verdict | None:
    role = event.read(Role)
    gained = (*(role.permissions or ()), *(role.permissions_added or ()))
    found = matching(gained, rule.dangerous)
    if not found:
        return None
    name, shown = role.role_name or role.name or target_of(event), ", ".join(found)
    context = (("gained", ", ".join(gained)), ("lost", ", ".join(role.permissions_removed or ())))
    return Verdict(Severity.HIGH, f"Role {name} may now {shown}", target_of(event), context)


P3 = Detection(
    About(
        id="P3",
        name="Role gained dangerous permissions",
        attack=("T1098.003",),
        runbook=(
            "Ask whoever changed the role what it is needed for.",
            "List who holds the role: all of them have gained the permission.",
            "Take the permission away where nobody needs it.",
        ),
        false_positives="Roles made by your own platform code: allow its actor.",
    ),
    types=frozenset(
        {
            "role.created",
            "role.updated",
            "tenant.custom_role.created",
            "tenant.custom_role.updated",
            "tenant.custom_role.deleted",
        }
    ),
    evaluate=_dangerous_role,
    rule=Powers(),
)


def _service_account(event: AuditLog, baseline: Baseline, _: Rule) -> Verdict | None:
    role, target = role_of(event), target_of(event)
    if role is not None and is_privileged(role, baseline):
        return Verdict(Severity.HIGH, f"Service account {target} is {role}", target)
    if event.by.session is None or is_actor(event, baseline.platform_actors):
        return None
    done = event.type.rpartition(".")[2]
    unusual = Unusual(("by hand",), Severity.MEDIUM)
    title = f"Service account {target} {done} by hand"
    return Verdict(Severity.SIGNAL, title, target, unusual=unusual)


P4 = Detection(
    About(
        id="P4",
        name="Service account made powerful or made by hand",
        attack=("T1136.003", "T1098"),
        runbook=(
            "Ask whoever acted what the account is for and who looks after it.",
            "Owner: give it the least role that does; a service account is no person.",
            "Look for keys made for it, and what they were used for.",
            "Platform code made it: add its actor to platform_actors.",
        ),
        false_positives="Small teams without platform code make service accounts by hand.",
    ),
    types=frozenset(
        {"service_account.created", "service_account.updated", "tenant.service_account.updated"}
    ),
    evaluate=_service_account,
    rule=Rule(),
)


REMOVALS = frozenset(
    {
        "user.deleted",
        "user.updated",
        "role.assignment.deleted",
        "tenant.user.removed",
        "tenant.user.updated",
        "tenant.membership.revoked",
        "tenant.role_assignment.deleted",
        "tenant.resource_role_assignment.deleted",
    }
)


def takes_away(event: AuditLog, baseline: Baseline) -> bool:
    """Whether one of REMOVALS does: an update may give a role of power, or say nothing of roles."""
    role = role_of(event)
    is_update = event.type.endswith("user.updated")
    return not is_update or (role is not None and not is_privileged(role, baseline))


def _demotion(event: AuditLog, baseline: Baseline, _: Burst) -> Sequence[Keyed]:
    if not takes_away(event, baseline):
        return ()
    return (Keyed(event.by.id, Observation.of(event, person_of(event) or event.id)),)


def _demotions(observations: Sequence[Observation], rule: Burst) -> Iterator[Match]:
    for found in bursts(observations, rule.at_least, rule.within):
        people = sorted({observation.what[0] for observation in found})
        title = f"{found[-1].who} demoted or removed {len(people)} people"
        context = (("people", ", ".join(people)),)
        # Taking out leavers is what a directory is for.
        severity = Severity.MEDIUM if found[-1].who == DIRECTORY else Severity.HIGH
        yield Match(found[-1], found, Verdict(severity, title, "people", context))


P5 = Pattern(
    About(
        id="P5",
        name="Owners demoted or removed in a burst",
        attack=("T1531",),
        runbook=(
            "Ask another owner, not the person who acted, whether this was planned.",
            "Make sure that at least two owners you trust can still sign in.",
            "Put the roles back, and end the actor's sessions.",
            "Nobody can sign in as owner: write to OpenAI's support at once.",
        ),
        false_positives="A team that leaves, or a clean-up after a merger.",
    ),
    types=REMOVALS,
    observe=_demotion,
    evaluate=_demotions,
    rule=Burst(at_least=3, within_minutes=60),
    window=lambda rule: rule.within,
    bucket=HOUR,
)

PRIVILEGE = (P1, P2, P3, P4, P5)
