"""Detections of passwords being tried: A1 to A3."""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

from pydantic import Field

from shared.audit.addresses import bare_asn, browser_of
from shared.audit.detection import (
    DAY,
    HOUR,
    About,
    DerivedPattern,
    Keyed,
    Match,
    Observation,
    Pattern,
    SlidingWindow,
    Verdict,
    bursts,
    first_of_each,
)
from shared.audit.events import AuditLog
from shared.audit.rules import Baseline, Burst, Few, Minutes, Positive
from shared.audit.severity import Severity


class Spray(Burst):
    at_least: Few = 10
    users: Few = 5
    within_minutes: Minutes = 30
    slow_failures: Positive = 20  # from one provider's network, or by one program
    slow_users: Positive = 10  # that did not sign in from there afterwards
    slow_days: Annotated[int, Field(ge=1, le=30)] = 3


NOBODY_NAMED = ""
FAILED, SUCCEEDED = "failed", "succeeded"
_MOST_SHOWN = 20  # users in an alert
_MOST_NAMELESS = 50  # attempts of a day


def _attempt(event: AuditLog, _: Baseline, __: Spray) -> Sequence[Keyed]:
    """The actor is whoever is at the host; the user named, if any, is the one attacked."""
    return (_attempted(event, event.by.host),) if event.by.host else ()


def _attempt_in_pool(event: AuditLog, _: Baseline, __: Spray) -> Sequence[Keyed]:
    """Under what many hosts may have in common: the provider's network, and the program."""
    asn, ja4 = event.by.place.asn, event.by.session.ja4 if event.by.session else None
    pools = [f"AS{bare_asn(asn)}"] if asn else []
    pools += [f"JA4 {browser_of(ja4)}"] if ja4 else []
    return [_attempted(event, pool) for pool in pools]


def _attempted(event: AuditLog, key: str) -> Keyed:
    user = event.by.email or event.by.user.id or NOBODY_NAMED
    observation = Observation.of(event, user, event.type.rpartition(".")[2])
    return Keyed(key, observation._replace(actor=key, who=f"somebody at {key}"))


def _spray(observations: Sequence[Observation], rule: Spray) -> Iterator[Match]:
    window = SlidingWindow(deque(), Counter())
    for observation in observations:
        window.add(observation, rule.within)
        if len(window.observations) >= rule.at_least and _attacked(window) >= rule.users:
            yield _sprayed(observation, tuple(window.observations))


def _slow_spray(observations: Sequence[Observation], rule: Spray) -> Iterator[Match]:
    """People who mistype sign in from the same place soon; whoever guesses for others does not."""
    came_in: dict[str, list[int]] = defaultdict(list)
    for each in observations:
        if each.what[1] == SUCCEEDED:
            came_in[each.what[0]].append(each.time)
    window, told = SlidingWindow(deque(), Counter()), -1
    for observation in observations:
        if observation.what[1] == SUCCEEDED or _is_theirs(observation, came_in):
            continue
        window.add(observation, rule.slow_days * DAY)
        many = len(window.observations) >= rule.slow_failures
        if many and _attacked(window) >= rule.slow_users and observation.time // DAY > told:
            told = observation.time // DAY  # once a day, while it goes on
            yield _sprayed(observation, tuple(window.observations))


def _attacked(window: SlidingWindow) -> int:
    """Users, and as many more as attempts that name nobody."""
    return len(window.counts) + max(window.counts[NOBODY_NAMED] - 1, 0)


def _is_theirs(failure: Observation, came_in: Mapping[str, Sequence[int]]) -> bool:
    return any(0 <= time - failure.time <= DAY for time in came_in.get(failure.what[0], ()))


def _sprayed(by: Observation, found: Sequence[Observation]) -> Match:
    users = sorted({each.what[0] for each in found} - {NOBODY_NAMED})
    nameless = sum(each.what[0] == NOBODY_NAMED for each in found)
    on = [f"{len(users)} users"] if users else []
    on += [f"nobody by name ({nameless})"] if nameless else []
    title = f"{len(found)} failed logins on {' and '.join(on)} from {by.actor}"
    context = (("users", ", ".join(users[:_MOST_SHOWN])),)
    return Match(by, found, Verdict(Severity.HIGH, title, "logins", context))


def _attempts_in_pool(observations: Sequence[Observation]) -> Sequence[Observation]:
    """Each user once an hour; of those who came in only who failed too: others say nothing."""
    failed = {each.what[0] for each in observations if each.what[1] == FAILED} - {NOBODY_NAMED}
    theirs = [each for each in observations if each.what[0] in failed]
    nameless = [each for each in observations if each.what == (NOBODY_NAMED, FAILED)]
    kept = first_of_each(theirs, HOUR, lambda each: each.what)
    return sorted([*kept, *_few_a_day(nameless)])


def _few_a_day(observations: Sequence[Observation]) -> Sequence[Observation]:
    """As many as make a spray by themselves."""
    days: Counter[int] = Counter()
    kept = []
    for each in observations:
        days[each.time // DAY] += 1
        if days[each.time // DAY] <= _MOST_NAMELESS:
            kept.append(each)
    return kept


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
    observe=_attempt,
    evaluate=_spray,
    rule=Spray(),
    window=lambda rule: rule.within,
    bucket=HOUR,
)
A1_SLOW = DerivedPattern(
    observe=lambda _: (),
    pattern=Pattern(
        A1.about,
        types=frozenset({"login.failed", "login.succeeded"}),
        observe=_attempt_in_pool,
        evaluate=_slow_spray,
        rule=Spray(),
        window=lambda rule: rule.slow_days * DAY,
        bucket=7 * DAY,
        condense=_attempts_in_pool,
        lookahead=lambda _: DAY,
    ),
)


def _failure_by_user(event: AuditLog, _: Baseline, __: Burst) -> Sequence[Keyed]:
    user = event.by.email or event.by.user.id
    return (Keyed(user, Observation.of(event, event.by.host)),) if user and event.by.host else ()


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
