"""The detection of things destroyed in a burst: S3."""

from collections.abc import Iterator, Sequence

from shared.audit.detection import HOUR, About, Keyed, Match, Observation, Pattern, Verdict, bursts
from shared.audit.events import AuditLog
from shared.audit.rules import Baseline, Burst
from shared.audit.severity import Severity


def _destroyed(event: AuditLog, _: Baseline, __: Burst) -> Sequence[Keyed]:
    target = event.details.get("id")
    return (Keyed(event.by.id, Observation.of(event, str(target or event.id))),)


def _destruction(observations: Sequence[Observation], rule: Burst) -> Iterator[Match]:
    for found in bursts(observations, rule.at_least, rule.within):
        things = sorted({observation.what[0] for observation in found})
        title = f"{found[-1].who} deleted {len(things)} things in {rule.within_minutes} minutes"
        context = (("things", ", ".join(things)),)
        yield Match(found[-1], found, Verdict(Severity.HIGH, title, "things", context))


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
            "tenant.service_account.deleted",
            "tenant.group.deleted",
            "tenant.custom_role.deleted",
            "role.deleted",
        }
    ),
    observe=_destroyed,
    evaluate=_destruction,
    rule=Burst(at_least=3, within_minutes=30),
    window=lambda rule: rule.within,
    bucket=HOUR,
)


DESTRUCTION = (S3,)
