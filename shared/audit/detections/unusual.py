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
    Unusual,
    first_of_each,
    observe_nothing,
    observed,
    person_of_actor,
    worse,
)
from shared.audit.rules import Rule
from shared.audit.severity import Severity

WITHIN = 30 * DAY
MOST_KNOWN = 6  # people; that more do the same says nothing more


def _noticed(finding: Finding) -> Sequence[Keyed]:
    if finding.unusual is None:
        return ()
    values, severity, most_others, own_days = finding.unusual
    more = (json.dumps(values, ensure_ascii=False), severity, json.dumps([most_others, own_days]))
    return [Keyed(finding.detection, observed(finding, *more))]


def _unusual(observations: Sequence[Observation], _: Rule) -> Iterator[Match]:
    seen: dict[str, dict[str, dict[int, int]]] = defaultdict(lambda: defaultdict(dict))
    for each in observations:
        values, severity, most_others, own_days = _read(each)
        own = min(_days(seen[value][_person(each)], each) for value in values)
        others = min(_others(seen[value], each) for value in values)
        if others <= most_others and (own_days is None or own < own_days):
            yield worse(each, severity)
        for value in values:  # by person and day: when it last was
            seen[value][_person(each)][each.time // DAY] = each.time


def _read(observation: Observation) -> Unusual:
    *_, values, severity, most = observation.what
    return Unusual(tuple(json.loads(values)), Severity(severity), *json.loads(most))


def _person(observation: Observation) -> str:
    return person_of_actor(observation.actor)


def _others(people: dict[str, dict[int, int]], observation: Observation) -> int:
    since, own = observation.time - WITHIN, _person(observation)
    return sum(
        person != own and max(days.values(), default=since - 1) >= since
        for person, days in people.items()
    )


def _days(days: dict[int, int], observation: Observation) -> int:
    """Days before this one on which the actor did the same."""
    since, today = observation.time - WITHIN, observation.time // DAY
    return sum(day < today and time >= since for day, time in days.items())


def _tells_something(new: set[Observation], known: set[Observation]) -> set[Observation]:
    """What many did before is not made worse, nor does one more make it more usual.

    Only before: of what comes late nobody knew, whatever was done since.
    """
    times: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for each in known:
        for value in _read(each).values:
            times[value][_person(each)].append(each.time)
    return {each for each in new if not _was_crowded(times, each)}


def _was_crowded(times: dict[str, dict[str, list[int]]], observation: Observation) -> bool:
    since, until = observation.time - WITHIN, observation.time
    return all(
        sum(any(since <= time < until for time in own) for own in times[value].values())
        > MOST_KNOWN
        for value in _read(observation).values
    )


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
