"""Detections of functions opened to the outside, and of things destroyed: S1 to S4."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from shared.audit.config import Config
from shared.audit.detection import (
    DAY,
    HOUR,
    About,
    Completed,
    DerivedPattern,
    Detection,
    Finding,
    Noticed,
    Observation,
    Pattern,
    Verdict,
    bursts,
    first_of_each,
    hear_nothing,
)
from shared.audit.detections.reading import (
    domain_of,
    is_actor,
    is_privileged,
    is_within,
    named,
    role_of,
    target_of,
)
from shared.audit.events import AuditLog
from shared.audit.payloads import Binding, Invite
from shared.audit.severity import Severity


def _outsider(event: AuditLog, config: Config) -> Verdict | None:
    email = (event.read(Invite).email or "").lower()
    domain = domain_of(email)
    ours = config.approved_domains or ({domain_of(event.by.email)} if event.by.email else set())
    if not domain or not ours or is_within(domain, ours):
        return None
    role = role_of(event)
    high = role is not None and is_privileged(role, config)
    severity = Severity.HIGH if high else Severity.MEDIUM
    return Verdict(severity, f"{email} invited from outside as {role or 'member'}", email)


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
        {"invite.sent", "tenant.user.invited", "tenant.chatgpt_workspace_invite.upserted"}
    ),
    judge=_outsider,
)


def _limit(event: AuditLog, _: Config) -> Sequence[Noticed]:
    done = "removed" if event.type.endswith("deleted") else "set"
    numbers = json.dumps(dict(_numbers(event.details)), sort_keys=True)
    observation = Observation.of(event, done, target_of(event), numbers)
    return (Noticed(observation.what[1], observation),)


def _numbers(value: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    for name, each in value.items():
        if isinstance(each, dict) and name not in {"data", "changes_requested"}:
            yield from _numbers(each, f"{prefix}{name}.")
        elif isinstance(each, int | float) and not isinstance(each, bool):
            yield f"{prefix}{name}", each


def _guard_rail_down(observations: Sequence[Observation], config: Config) -> Iterator[Completed]:
    known: dict[str, float] = {}
    for observation in observations:
        done, target, numbers = observation.what
        if done == "removed":
            verdict = Verdict(Severity.SIGNAL, f"Limit {target} removed", target)
            yield Completed(observation, (observation,), verdict)
        raised = tuple(_raised(json.loads(numbers), known, config.detections.S2.factor))
        if raised:
            verdict = Verdict(Severity.SIGNAL, f"Limit {target} raised", target, raised)
            yield Completed(observation, (observation,), verdict)


def _raised(
    numbers: dict[str, float], known: dict[str, float], factor: float
) -> Iterator[tuple[str, str]]:
    """The event tells the new number alone; the old one is known from events before."""
    for name, number in numbers.items():
        before = known.get(name)
        if before is not None and number > before and number >= factor * before:
            yield name, f"{before:g} → {number:g}"
        known[name] = number


S2 = Pattern(
    About(
        id="S2",
        name="Spend or rate guard-rail raised or removed",
        attack=("T1496",),
        runbook=(
            "Ask whoever acted what the room is needed for.",
            "Set the limit back where nobody stands by it.",
            "With new keys beside it: treat those as made for somebody else's work.",
            "Look at cost by key and project since.",
        ),
        false_positives="Growing projects, so alone it is stored and not sent.",
    ),
    types=frozenset(
        {
            "rate_limit.updated",
            "rate_limit.deleted",
            "tenant.billing.overage_limit.updated",
            "tenant.billing.alerts.updated",
            "tenant.usage_limit.workspace.updated",
            "tenant.usage_limit.group.updated",
            "tenant.usage_limit.user.updated",
            "tenant.usage_limit.increase_request.updated",
            "tenant.usage_limit.increase_request.resolved",
        }
    ),
    notice=_limit,
    judge=_guard_rail_down,
    window=lambda _: 90 * DAY,
    bucket=90 * DAY,
)


def _beside_keys(finding: Finding) -> Noticed:
    what = (finding.detection, finding.target, finding.title, json.dumps(finding.about))
    observation = Observation(
        finding.time, finding.event_ids[0], finding.actor, finding.who, finding.where, what
    )
    person = finding.actor.partition("/")[0]
    return Noticed(person, observation)


def _guard_rail_down_beside_keys(
    observations: Sequence[Observation], config: Config
) -> Iterator[Completed]:
    within = config.detections.S2.with_keys_within_hours * HOUR
    keys = [observation for observation in observations if observation.what[0] != "S2"]
    for observation in (observation for observation in observations if observation.what[0] == "S2"):
        near = [key for key in keys if abs(key.time - observation.time) <= within]
        if near:
            _, target, title, about = observation.what
            pairs = tuple((name, text) for name, text in json.loads(about))
            verdict = Verdict(Severity.SIGNAL, title, target, pairs, raised=Severity.HIGH)
            yield Completed(observation, (observation, near[0]), verdict)


S2_BESIDE_KEYS = DerivedPattern(
    of=frozenset({"S2", "K1", "K3"}),
    notice=_beside_keys,
    pattern=Pattern(
        S2.about,
        types=frozenset(),
        notice=hear_nothing,
        judge=_guard_rail_down_beside_keys,
        window=lambda config: config.detections.S2.with_keys_within_hours * HOUR,
        bucket=DAY,
        condense=lambda observations: first_of_each(observations, HOUR, lambda each: each.what[:2]),
        lookahead=lambda config: config.detections.S2.with_keys_within_hours * HOUR,
    ),
)


def _destroyed(event: AuditLog, _: Config) -> Sequence[Noticed]:
    target = event.details.get("id")
    return (Noticed(event.by.id, Observation.of(event, str(target or event.id))),)


def _destruction(observations: Sequence[Observation], config: Config) -> Iterator[Completed]:
    rule = config.detections.S3
    for found in bursts(observations, rule.at_least, rule.within):
        things = sorted({observation.what[0] for observation in found})
        title = f"{found[-1].who} deleted {len(things)} things in {rule.within_minutes} minutes"
        about = (("things", ", ".join(things)),)
        yield Completed(found[-1], found, Verdict(Severity.HIGH, title, "things", about))


S3 = Pattern(
    About(
        id="S3",
        name="Destructive burst",
        attack=("T1485", "T1489"),
        runbook=(
            "Ask whoever acted, over another channel, whether this was them and why.",
            "End their sessions and revoke their keys until that is clear.",
            "List what is gone, and who needs it; ask OpenAI's support what can come back.",
            "Look at how the actor signed in.",
        ),
        false_positives="Clean-ups, and code that takes down test projects: allow its actor.",
    ),
    types=frozenset(
        {
            "project.archived",
            "project.deleted",
            "resource.deleted",
            "service_account.deleted",
            "group.deleted",
            "tunnel.deleted",
        }
    ),
    notice=_destroyed,
    judge=_destruction,
    window=lambda config: config.detections.S3.within,
    bucket=HOUR,
)


def _way_out(event: AuditLog, config: Config) -> Verdict | None:
    binding = event.read(Binding)
    switched_off = event.type == "role.bound_to_resource" and binding.enabled is False
    if switched_off or is_actor(event, config.detections.S4.approvers):
        return None
    severity = Severity.HIGH if event.type.startswith("tunnel.") else Severity.MEDIUM
    what = event.type.removeprefix("tenant.").replace("_", " ").replace(".", " ")
    shown = binding.connector_name or named(event)
    return Verdict(severity, f"New path out: {what} {shown}", target_of(event))


S4 = Detection(
    About(
        id="S4",
        name="New path out",
        attack=("T1572", "T1537"),
        runbook=(
            "Ask whoever acted where it leads, and who may use it.",
            "Remove it where nobody stands by it.",
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
            "tenant.resource_share_grant.created",
            "tenant.resource_share_grant.accepted",
            "role.bound_to_resource",
        }
    ),
    judge=_way_out,
)

SHARING = (S1, S2, S3, S4)
