"""Detections of passwords being tried: A1 to A3."""

from bisect import bisect_left, bisect_right
from collections import Counter, deque
from collections.abc import Iterator, Sequence

from shared.audit.detection import (
    HOUR,
    About,
    Keyed,
    Match,
    Observation,
    Pattern,
    SlidingWindow,
    Verdict,
    bursts,
)
from shared.audit.events import AuditLog
from shared.audit.rules import Baseline, Burst, Few, Minutes
from shared.audit.severity import Severity


class Spray(Burst):
    at_least: Few = 10
    users: Few = 5
    within_minutes: Minutes = 30


def _failure_by_address(event: AuditLog, _: Baseline, __: Spray) -> Sequence[Keyed]:
    """The actor is the person at the address; the user named is the one attacked."""
    if not event.by.ip:
        return ()
    observation = Observation.of(event, event.by.email or event.by.user.id or "")
    return (
        Keyed(
            event.by.ip, observation._replace(actor=event.by.ip, who=f"somebody at {event.by.ip}")
        ),
    )


def _spray(observations: Sequence[Observation], rule: Spray) -> Iterator[Match]:
    window = SlidingWindow(deque(), Counter())
    for observation in observations:
        window.add(observation, rule.within)
        users = sorted(user for user in window.counts if user)
        if len(window.observations) >= rule.at_least and len(users) >= rule.users:
            failed = f"{len(window.observations)} failed logins"
            title = f"{failed} on {len(users)} users from {observation.actor}"
            context = (("users", ", ".join(users)),)
            verdict = Verdict(Severity.HIGH, title, "logins", context)
            yield Match(observation, tuple(window.observations), verdict)


A1 = Pattern(
    About(
        id="A1",
        name="Password spray",
        attack=("T1110.003",),
        runbook=(
            "Look whether anybody signed in from this address, before or after.",
            "Block the address: Settings, Security, IP allowlist.",
            "Have the users named change passwords they use elsewhere too.",
            "Ask for single sign-on: sprays need passwords.",
        ),
        false_positives="An office behind one address on the day the single sign-on fails.",
    ),
    types=frozenset({"login.failed"}),
    observe=_failure_by_address,
    evaluate=_spray,
    rule=Spray(),
    window=lambda rule: rule.within,
    bucket=HOUR,
)


def _failure_by_user(event: AuditLog, _: Baseline, __: Burst) -> Sequence[Keyed]:
    user = event.by.email or event.by.user.id
    return (Keyed(user, Observation.of(event, event.by.ip)),) if user and event.by.ip else ()


def _stuffing(observations: Sequence[Observation], rule: Burst) -> Iterator[Match]:
    for found in bursts(observations, rule.at_least, rule.within):
        addresses = sorted({observation.what[0] for observation in found})
        title = f"Failed logins of {found[-1].who} from {len(addresses)} addresses"
        context = (("addresses", ", ".join(addresses)),)
        verdict = Verdict(Severity.MEDIUM, title, found[-1].actor, context)
        yield Match(found[-1], found, verdict)


A2 = Pattern(
    About(
        id="A2",
        name="Stuffing against one account",
        attack=("T1110.004",),
        runbook=(
            "Look whether this user signed in since, and from where.",
            "Ask the user whether they were trying; reset the password.",
            "Look for other users that the same addresses tried.",
        ),
        false_positives="A person on the move who forgot the password.",
    ),
    types=frozenset({"login.failed"}),
    observe=_failure_by_user,
    evaluate=_stuffing,
    rule=Burst(at_least=5, within_minutes=30),
    window=lambda rule: rule.within,
    bucket=HOUR,
)


def _login_by_user(event: AuditLog, _: Baseline, __: Burst) -> Sequence[Keyed]:
    """By address rather than id: a failed login may know nothing else."""
    user = event.by.email or event.by.user.id
    return (Keyed(user, Observation.of(event, event.type.rpartition(".")[2])),) if user else ()


def _guessed(observations: Sequence[Observation], rule: Burst) -> Iterator[Match]:
    """Within one second there is no order, so a failure of the same second came before."""
    failures = [observation for observation in observations if observation.what[0] == "failed"]
    times = [failure.time for failure in failures]
    for success in (
        observation for observation in observations if observation.what[0] == "succeeded"
    ):
        first = bisect_left(times, success.time - rule.within)
        before = failures[first : bisect_right(times, success.time)]
        if len(before) >= rule.at_least:
            title = f"{success.who} signed in after {len(before)} failed logins"
            context = (("failed from", ", ".join(sorted({f.where for f in before}))),)
            verdict = Verdict(Severity.HIGH, title, success.actor, context)
            yield Match(success, (*before, success), verdict)


A3 = Pattern(
    About(
        id="A3",
        name="Failures then success",
        attack=("T1110", "T1078.004"),
        runbook=(
            "Ask the user, over another channel, whether they signed in.",
            "Not them: end their sessions, reset the password, revoke keys made since.",
            "Look at everything done by this user since the login.",
            "Look for other users that the same addresses tried.",
        ),
        false_positives="A person who forgot the password and remembered it.",
    ),
    types=frozenset({"login.failed", "login.succeeded"}),
    observe=_login_by_user,
    evaluate=_guessed,
    rule=Burst(at_least=5, within_minutes=30),
    window=lambda rule: rule.within,
    bucket=HOUR,
)

PASSWORDS = (A1, A2, A3)
