"""What several people of the organization do is its life: findings are worse if few others do it.

A new network is a theft when one person is seen there, and a VPN when thirty are.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence

from shared.audit.detection import (
    DAY,
    HOUR,
    About,
    DerivedPattern,
    Finding,
    Keyed,
    Match,
    Observation,
    Pattern,
    first_of_each,
    observe_nothing,
    observed,
    worse,
)
from shared.audit.rules import Rule
from shared.audit.severity import Severity

WITHIN = 30 * DAY
MOST_KNOWN = 6  # people; that more do the same says nothing more


def _noticed(finding: Finding) -> Sequence[Keyed]:
    if finding.unusual is None:
        return ()
    values, severity, most_others = finding.unusual
    more = (json.dumps(values, ensure_ascii=False), severity, str(most_others))
    return [Keyed(finding.detection, observed(finding, *more))]


def _unusual(observations: Sequence[Observation], _: Rule) -> Iterator[Match]:
    seen: dict[str, dict[str, int]] = defaultdict(dict)  # people by value, when they last were
    for each in observations:
        values, severity, most = _read(each)
        if min(_others(seen[value], each) for value in values) <= most:
            yield worse(each, severity)
        for value in values:
            seen[value][_person(each)] = each.time


def _read(observation: Observation) -> tuple[list[str], Severity, int]:
    *_, values, severity, most_others = observation.what
    return json.loads(values), Severity(severity), int(most_others)


def _person(observation: Observation) -> str:
    return observation.actor.partition("/")[0]


def _others(people: dict[str, int], observation: Observation) -> int:
    since, own = observation.time - WITHIN, _person(observation)
    return sum(person != own and time >= since for person, time in people.items())


def _tells_something(new: set[Observation], known: set[Observation]) -> set[Observation]:
    """What many are known to do is not made worse, nor does one more make it more usual."""
    people: dict[str, set[str]] = defaultdict(set)
    for each in known:
        for value in _read(each)[0]:
            people[value].add(_person(each))
    crowded = {value for value, those in people.items() if len(those) > MOST_KNOWN}
    return {each for each in new if not crowded.issuperset(_read(each)[0])}


UNUSUAL = DerivedPattern(
    observe=_noticed,
    pattern=Pattern(
        About("O2", "Unusual in this organization", (), (), ""),
        types=frozenset(),
        observe=observe_nothing,
        evaluate=_unusual,
        rule=Rule(),
        window=lambda _: WITHIN,
        bucket=WITHIN,
        condense=lambda observations: first_of_each(
            observations, HOUR, lambda each: (each.actor, each.what)
        ),
        novelty=_tells_something,
    ),
)
