"""Detections of power that comes by another way than a grant: P6 and P7."""

from collections.abc import Iterator, Sequence

from shared.audit.detection import (
    DAY,
    About,
    Keyed,
    Match,
    Observation,
    Pattern,
    Verdict,
    without_repeats,
)
from shared.audit.detections.privilege import P1, REMOVALS, takes_away
from shared.audit.detections.reading import is_privileged, person_of, role_of
from shared.audit.events import AuditLog
from shared.audit.payloads import Assignment, Member
from shared.audit.rules import Baseline, Comparison, Minutes, Rule
from shared.audit.severity import Severity

_BOUND, _UNBOUND, _JOINED, _LEFT = "bound", "unbound", "joined", "left"


def _of_group(event: AuditLog, baseline: Baseline, _: Comparison) -> Sequence[Keyed]:
    """What a group may do, and who is in it."""
    if ".group.member." in event.type:
        return _membership(event, baseline)
    assignment, role = event.read(Assignment), role_of(event)
    if assignment.principal_type != "group" or not assignment.principal_id or role is None:
        return ()
    if not is_privileged(role, baseline):
        return ()
    done = _BOUND if event.type.endswith("created") else _UNBOUND
    return (Keyed(assignment.principal_id, Observation.of(event, done, role, "")),)


def _membership(event: AuditLog, baseline: Baseline) -> Sequence[Keyed]:
    """A group that is called after a role of power is thought to hold one."""
    member = event.read(Member)
    group, person = member.group_id or member.id, _person(member)
    if not group or not person:
        return ()
    name = member.group_name or member.name or ""
    done = _JOINED if event.type.endswith("added") else _LEFT
    powerful = name if name and is_privileged(name, baseline) else ""
    self = "oneself" if person in {event.by.user.id, event.by.email} else "another"
    return (Keyed(group, Observation.of(event, done, person, powerful, self)),)


def _person(member: Member) -> str | None:
    return member.user_id or member.member_id or member.principal_id or member.email


def _side_door(observations: Sequence[Observation], _: Comparison) -> Iterator[Match]:
    """Somebody in a group that holds a role of power, whichever came first."""
    roles: dict[str, Observation] = {}
    members: dict[str, Observation] = {}
    for each in observations:
        done, what, name, *_rest = each.what
        if done == _UNBOUND:
            roles.pop(what, None)
        elif done == _LEFT:
            members.pop(what, None)
        elif done == _BOUND:
            roles[what] = each
            for joined in members.values():
                yield _joined(joined, each, by=each)
        else:
            members[what] = each
            if roles or name:
                yield _joined(each, next(iter(roles.values()), None), by=each)


def _joined(member: Observation, bound: Observation | None, by: Observation) -> Match:
    _, person, name, self = member.what
    role = bound.what[1] if bound else name
    who = "themselves" if self == "oneself" else person
    severity = Severity.CRITICAL if bound or self == "oneself" else Severity.HIGH
    title = f"{member.who} put {who} into a group that is {role}"
    proof = (member, bound) if bound else (member,)
    return Match(by, proof, Verdict(severity, title, person))


def _last_of_each(observations: Sequence[Observation]) -> Sequence[Observation]:
    """Who is in it now, and above all what it holds now."""
    last: dict[str, Observation] = {}
    for each in observations:
        last[f"{each.what[0] in {_BOUND, _UNBOUND}} {each.what[1]}"] = each
    roles = [each for each in last.values() if each.what[0] in {_BOUND, _UNBOUND}]
    return [*without_repeats(observations), *sorted(last.values()), *roles]


P6 = Pattern(
    About(
        id="P6",
        name="Power by a group",
        attack=("T1098.003",),
        runbook=(
            "Ask whoever changed the group, over another channel, whether this was them and why.",
            "Take the person out of the group until that is clear.",
            "List who else is in it: all of them hold its role.",
            "Look at what they have done since.",
        ),
        false_positives="A new administrator who was announced, added through the directory.",
    ),
    types=frozenset(
        {
            "role.assignment.created",
            "role.assignment.deleted",
            "tenant.role_assignment.created",
            "tenant.role_assignment.deleted",
            "tenant.group.member.added",
            "tenant.group.member.removed",
        }
    ),
    observe=_of_group,
    evaluate=_side_door,
    rule=Comparison(),
    window=lambda _: 365 * DAY,
    bucket=365 * DAY,
    thin=_last_of_each,
)


class Moved(Rule):
    within_minutes: Minutes = 24 * 60


_GRANTED, _REMOVED = "granted", "removed"


def _of_owner(event: AuditLog, baseline: Baseline, _: Moved) -> Sequence[Keyed]:
    person, role = person_of(event), role_of(event)
    if not person:
        return ()
    if event.type in REMOVALS and takes_away(event, baseline):
        return (Keyed(event.by.id, Observation.of(event, _REMOVED, person)),)
    if event.type in (P1.types or ()) and role and is_privileged(role, baseline):
        return (Keyed(person, Observation.of(event, _GRANTED, event.by.id, role)),)
    return ()


def _moved(observations: Sequence[Observation], rule: Moved) -> Iterator[Match]:
    """Whoever was made an owner removes others at once: perhaps whoever made them one."""
    within = rule.within_minutes * 60
    grants = [each for each in observations if each.what[0] == _GRANTED]
    for removal in observations:
        if removal.what[0] != _REMOVED:
            continue
        before = [each for each in grants if 0 <= removal.time - each.time <= within]
        if before:
            grant, person = before[-1], removal.what[1]
            own = " who had granted it" if person == grant.what[1] else ""
            title = f"{removal.who}, just made {grant.what[2]}, removed or demoted {person}{own}"
            verdict = Verdict(Severity.CRITICAL, title, "ownership", (("granted by", grant.who),))
            yield Match(removal, (grant, removal), verdict)


P7 = Pattern(
    About(
        id="P7",
        name="Ownership moved",
        attack=("T1098.003", "T1531"),
        runbook=(
            "Ask an owner whom you know, over another channel, whether ownership was handed over.",
            "Make sure that at least two owners you trust can still sign in.",
            "Take the new owner's role away until that is clear, and end their sessions.",
            "Nobody can sign in as owner: write to OpenAI's support at once.",
        ),
        false_positives="A hand-over that was announced.",
    ),
    types=REMOVALS | (P1.types or frozenset()),
    observe=_of_owner,
    evaluate=_moved,
    rule=Moved(),
    window=lambda rule: rule.within_minutes * 60,
    bucket=DAY,
)


SIDE_DOORS = (P6, P7)
