"""A control goes off, and the same actor does what it guarded: worse than either."""

import json
from collections.abc import Iterator, Sequence

from shared.audit.detection import (
    DAY,
    HOUR,
    DerivedPattern,
    Finding,
    Keyed,
    Match,
    Observation,
    Pattern,
    first_of_each,
    observed,
    worse,
)
from shared.audit.detections.limits import S2, GuardRails
from shared.audit.detections.reading import named, words_of
from shared.audit.events import AuditLog
from shared.audit.rules import Baseline
from shared.audit.severity import Severity

CONTROLS = frozenset({"D2", "D3", "D5", "D6", "D7", "D9", "S2"})
KEYS = frozenset({"K1", "K3"})
OPENINGS = frozenset(
    {
        "api_key.created",
        "tenant.project_api_key.created",
        "tenant.admin_api_key.created",
        "service_account.created",
        "workload_identity_provider.created",
        "workload_identity_provider_mapping.created",
        "tenant.workload_identity.provider.created",
        "tenant.workload_identity.mapping.created",
        "tenant.workload_identity.binding.created",
        "tunnel.created",
        "checkpoint.permission.created",
        "external_storage.registered",
        "tenant.resource_share_grant.created",
        "role.bound_to_resource",
    }
)


def _opened(event: AuditLog, _: Baseline, __: GuardRails) -> Sequence[Keyed]:
    what = f"{words_of(event.type)} {named(event)}"
    return [Keyed(event.by.id, Observation.of(event, "opened", what))]


def _control_or_keys(finding: Finding) -> Sequence[Keyed]:
    """A control that is off, or keys that stand out by themselves, in whichever order."""
    if finding.detection in KEYS:
        title = Observation(finding.time, finding.event_id, finding.actor, finding.who, "", ())
        return [Keyed(finding.person, title._replace(what=("keys", finding.title)))]
    if finding.detection not in CONTROLS or finding.level.rank >= Severity.HIGH.rank:
        return []
    return [Keyed(finding.person, observed(finding))]


def _followed(observations: Sequence[Observation], rule: GuardRails) -> Iterator[Match]:
    within = rule.with_keys_within_hours * HOUR
    others = [each for each in observations if each.what[0] in {"opened", "keys"}]
    for control in observations:
        if control.what[0] not in CONTROLS:
            continue
        near = next((each for each in others if _belongs(each, control, within)), None)
        if near is not None:
            beside = (("and then" if near.time >= control.time else "after", near.what[1]),)
            yield worse(control, Severity.HIGH, (near,), beside)


def _belongs(other: Observation, control: Observation, within: int) -> bool:
    later = other.time - control.time
    return 0 <= later <= within or (other.what[0] == "keys" and -within <= later < 0)


def _same(observation: Observation) -> object:
    """Of keys and paths one in an hour is enough; of findings each that is another."""
    kind, *more = observation.what
    return kind if kind in {"opened", "keys"} else json.dumps([kind, *more])


SEQUENCE = DerivedPattern(
    observe=_control_or_keys,
    pattern=Pattern(
        S2.about,
        types=OPENINGS,
        observe=_opened,
        evaluate=_followed,
        rule=S2.rule,
        window=lambda rule: rule.with_keys_within_hours * HOUR,
        bucket=DAY,
        condense=lambda observations: first_of_each(observations, HOUR, _same),
        lookahead=lambda rule: rule.with_keys_within_hours * HOUR,
    ),
)
