"""Detections of API keys that come and go fast: K3 to K5."""

from collections.abc import Iterator, Sequence

from shared.audit.detection import (
    HOUR,
    About,
    Keyed,
    Match,
    Observation,
    Pattern,
    Unusual,
    Verdict,
    bursts,
)
from shared.audit.events import AuditLog
from shared.audit.payloads import ApiKey
from shared.audit.rules import Baseline, Burst, Minutes, Rule
from shared.audit.severity import Severity

AUTOMATION = "automation"  # a service account's key, or an admin key


def _key_noticed(event: AuditLog, _: Baseline, __: Burst) -> Sequence[Keyed]:
    who = "" if event.by.session or event.by.user.id else AUTOMATION
    return (Keyed(event.by.id, Observation.of(event, event.read(ApiKey).id or event.id, who)),)


def _burst(by: Observation, found: Sequence[Observation], title: str, keys: Sequence[str]) -> Match:
    """Automation that does so every night is told of twice; a person each time."""
    context = (("keys", ", ".join(keys)),)
    if by.what[1] != AUTOMATION:
        return Match(by, found, Verdict(Severity.HIGH, title, "api_keys", context))
    unusual = Unusual(("burst",), Severity.HIGH, own_days=2)
    verdict = Verdict(Severity.SIGNAL, title, "api_keys", context, unusual=unusual)
    return Match(by, found, verdict)


def _keys_made(observations: Sequence[Observation], rule: Burst) -> Iterator[Match]:
    for found in bursts(observations, rule.at_least, rule.within):
        keys = sorted({observation.what[0] for observation in found})
        title = f"{found[-1].who} made {len(keys)} API keys in {rule.within_minutes} minutes"
        yield _burst(found[-1], found, title, keys)


K3 = Pattern(
    About(
        id="K3",
        name="Key-creation burst",
        attack=("T1098.001",),
        runbook=(
            "Ask whoever made the keys what they are for.",
            "Delete those that nobody can explain.",
            "Look at usage by these keys since they were made.",
            "Look at how the actor signed in.",
        ),
        false_positives="Platform code that makes keys for many projects: allow its actor.",
    ),
    types=frozenset({"api_key.created", "tenant.project_api_key.created"}),
    observe=_key_noticed,
    evaluate=_keys_made,
    rule=Burst(at_least=5, within_minutes=60),
    window=lambda rule: rule.within,
    bucket=HOUR,
)


class ShortLived(Rule):
    within_minutes: Minutes = 60


def _life_noticed(event: AuditLog, _: Baseline, __: ShortLived) -> Sequence[Keyed]:
    key = event.read(ApiKey).id
    return (Keyed(key, Observation.of(event, event.type.rpartition(".")[2], key)),) if key else ()


def _short_life(observations: Sequence[Observation], rule: ShortLived) -> Iterator[Match]:
    """Made and deleted in the same second has no order, so time alone decides."""
    most = rule.within_minutes * 60
    births = [observation for observation in observations if observation.what[0] == "created"]
    for death in (observation for observation in observations if observation.what[0] == "deleted"):
        before = [birth for birth in births if 0 <= death.time - birth.time <= most]
        if before:
            yield _lived(before[-1], death)


def _lived(birth: Observation, death: Observation) -> Match:
    minutes = (death.time - birth.time) // 60
    title = f"API key {death.what[1]} lived {minutes} min"
    context = (("made by", birth.who), ("deleted by", death.who))
    verdict = Verdict(Severity.SIGNAL, title, death.what[1], context)
    return Match(death, (birth, death), verdict)


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
    observe=_life_noticed,
    evaluate=_short_life,
    rule=ShortLived(),
    window=lambda rule: rule.within_minutes * 60,
    bucket=HOUR,
)


def _keys_revoked(observations: Sequence[Observation], rule: Burst) -> Iterator[Match]:
    for found in bursts(observations, rule.at_least, rule.within):
        keys = sorted({observation.what[0] for observation in found})
        title = f"{found[-1].who} revoked {len(keys)} keys in {rule.within_minutes} minutes"
        yield _burst(found[-1], found, title, keys)


K5 = Pattern(
    About(
        id="K5",
        name="Mass key revocation",
        attack=("T1531",),
        runbook=(
            "Ask whoever acted whether keys are being rotated.",
            "Find out which systems have stopped; keys can't be restored, make new ones.",
            "Nobody can explain it: end the actor's sessions and revoke their own keys.",
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
    observe=_key_noticed,
    evaluate=_keys_revoked,
    rule=Burst(at_least=5, within_minutes=15),
    window=lambda rule: rule.within,
    bucket=HOUR,
)


KEY_BURSTS = (K3, K4, K5)
