"""Rules of a team's own at work: beside ours, in any order of events, and over floods."""

import os
import random
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.audit.alert_text import alert_text, record
from shared.audit.alerts import Alert
from shared.audit.config import Config
from shared.audit.incidents import grouped
from shared.audit.ocsf import as_finding
from shared.audit.replay import replay
from shared.audit.sigma.detections import as_detection
from shared.audit.sigma.rule import read_rule
from tests.unit.audit.timelines import (
    DAY,
    START,
    Event,
    Memory,
    Raised,
    at,
    key,
    read,
    seen,
    session,
)

KEYS = {"made": {"type": "api_key.created"}, "condition": "made"}


def config(**rules: dict[str, Any]) -> Config:
    reads = [
        read_rule(name, yaml.safe_dump({"title": name, "detection": KEYS} | rule))
        for name, rule in rules.items()
    ]
    return Config().with_own({each.name: as_detection(each) for each in reads})


def made(minutes: float, by: str = "sam", number: int = 0, **more: Any) -> Event:
    return at(minutes, "api_key.created", {"id": f"key_{by}_{number}"}, session(by, **more))


def alerts(events: Sequence[Event], settings: Config, name: str = "mine") -> list[Alert]:
    return [each for each in replay(read(events), settings) if each.detection == name]


def test_a_rule_is_a_detection_beside_ours() -> None:
    found = replay(
        read([made(0)]), config(mine={"level": "high", "title": "{target} by {actor.id}"})
    )

    (own,) = [each for each in found if each.detection == "mine"]
    assert own.title == "key_sam_0 by user-sam"
    assert own.severity == "high"
    assert own.dedup == "mine|user-sam|key_sam_0"
    assert {each.detection for each in found} == {"K1", "mine"}


def test_an_alert_says_what_to_do_in_the_words_of_the_rule() -> None:
    rule = {
        "title": "Key by {actor.email}",
        "tags": ["attack.t1098.001", "attack.persistence"],
        "fields": ["actor.ip", "payload.nothing"],
        "runbook": ["Ask them.", "Delete it."],
        "falsepositives": ["Releases"],
    }
    settings = config(mine=rule)
    (alert,) = alerts([made(0)], settings)
    about = settings.about("mine")

    text = alert_text(alert, about)
    assert "What      Key by … (mine, ATT&CK T1098.001)" in text
    assert "1. Ask them.\n2. Delete it.\n" in text
    assert "May be harmless: Releases" in text
    assert "Actor.ip  203.0.113.5" in text
    assert record(alert, about)["runbook"] == ["Ask them.", "Delete it."]
    assert as_finding(alert, about)["remediation"] == {"desc": "Ask them.\nDelete it."}


def test_what_a_rule_does_not_say_is_left_out() -> None:
    settings = config(mine={})
    (alert,) = alerts([made(0)], settings)
    text = alert_text(alert, settings.about("mine"))

    assert "(mine)" in text
    assert "What to do" not in text
    assert "May be harmless" not in text
    assert "remediation" not in as_finding(alert, settings.about("mine"))


def test_an_alert_outlives_its_rule() -> None:
    (alert,) = alerts([made(0)], config(mine={"runbook": ["Ask them."]}))

    assert "(mine)" in alert_text(alert, Config().about("mine"))
    assert Config().rule("mine").suppress == 3_600


def test_whom_a_rule_leaves_alone() -> None:
    settings = config(mine={"allow": {"actors": ["Sam@Example.com"]}})

    assert alerts([made(0), made(1, "dana")], settings)[0].dedup == "mine|user-dana|key_dana_0"
    assert len(alerts([made(0), made(1, "dana")], settings)) == 1


def test_a_rule_looks_at_its_hours_alone() -> None:
    at_work = {"hours": {"outside": "Mon-Fri 08:00-18:00", "timezone": "Europe/Berlin"}}
    counting = at_work | {"threshold": 2, "window": "3h"}
    morning = [made(0), made(60, number=1)]  # a Thursday, 10:53 in Berlin
    night = [made(12 * 60), made(13 * 60, number=1)]

    assert alerts(morning, config(mine=at_work)) == []
    assert alerts(morning, config(mine=counting)) == []
    assert len(alerts(night, config(mine=at_work))) == 2
    assert len(alerts(night, config(mine=counting))) == 1


def test_a_rule_that_is_switched_off_finds_nothing() -> None:
    assert alerts([made(0)], config(mine={"enabled": False})) == []


def test_the_same_again_is_covered_for_as_long_as_the_rule_says() -> None:
    events = [made(0), made(90)]

    assert len(alerts(events, config(mine={}))) == 2
    assert len(alerts(events, config(mine={"suppress": "2h"}))) == 1


def test_so_many_within_a_window() -> None:
    rule = {"threshold": 3, "window": "10m", "title": "{count} keys, the last {target}"}
    apart = [made(0), made(6, number=1), made(12, number=2)]
    near = [made(100), made(104, number=1), made(109, number=2)]

    (found,) = alerts(apart + near, config(mine=rule))

    assert seen([found]) == [Raised(109, "medium", "mine|everybody|everybody")]
    assert found.title == "3 keys, the last key_sam_2"
    assert len(found.event_ids) == 3


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_burst_is_found_over_rows_and_deliveries(order: tuple[int, int]) -> None:
    """What is kept lies in a row for each window's length of time, and these are in two."""
    events = [made(0), made(40, number=1)]
    memory = Memory(config(mine={"threshold": 2, "window": "1h"}))

    for number in order:
        memory.deliver(read([events[number]]))

    assert START // 3_600 != (START + 40 * 60) // 3_600
    assert [each.detection for each in memory.alerts.values()].count("mine") == 1


def test_so_many_of_each_group() -> None:
    rule = {"threshold": 2, "window": "10m", "group-by": ["actor.email"]}
    mixed = [made(0), made(1, "dana"), made(2, "robin"), made(3, "dana", 1)]

    found = alerts(mixed, config(mine=rule))

    assert [each.dedup for each in found] == ["mine|user-dana|actor.email dana@example.com"]


def test_a_group_that_is_no_person_is_what_the_alert_is_about() -> None:
    rule = {"threshold": 2, "window": "10m", "group-by": ["actor.ip"]}

    (found,) = alerts([made(0), made(1, "dana")], config(mine=rule))

    assert found.dedup == "mine|actor.ip 203.0.113.5|actor.ip 203.0.113.5"


def test_so_many_different_values() -> None:
    rule = {"threshold": 3, "window": "10m", "distinct": "actor.email", "title": "{count} people"}
    settings = config(mine=rule)

    assert alerts([made(n, number=n) for n in range(9)], settings) == []
    (found,) = alerts([made(0), made(1, "dana"), made(2), made(3, "robin")], settings)
    assert found.title == "3 people"


def test_a_flood_is_found_and_does_not_fill_the_memory() -> None:
    rules = config(
        mine={"threshold": 100, "window": "1h", "group-by": ["actor.id"]},
        values={"threshold": 20, "window": "1h", "distinct": "actor.email"},
    )
    events = [made(n / 25, f"p{n % 30}" if n % 3 else "sam", n) for n in range(1_500)]
    memory = Memory(rules)

    for start in range(0, len(events), 100):
        memory.deliver(read(events[start : start + 100]))

    raised = {each.detection for each in memory.alerts.values()}
    assert {"mine", "values"} <= raised
    assert not [where for where in memory.lost if where[0].startswith(("mine", "values"))]


def test_a_rule_that_looks_otherwise_forgets_what_it_saw() -> None:
    first = config(mine={"threshold": 2, "window": "10m"})
    other = config(mine={"threshold": 2, "window": "10m", "group-by": ["actor.id"]})
    same = config(mine={"threshold": 2, "window": "10m", "level": "high", "runbook": ["Ask."]})

    sets = [
        [name for name in memory.engine.patterns if name.startswith("mine")]
        for memory in map(Memory, (first, other, same))
    ]

    assert sets[0] != sets[1]
    assert sets[0] == sets[2]
    assert first.digest != other.digest
    assert Config().digest == Config().with_own({}).digest


def test_what_a_rule_saw_is_its_own_in_the_next_process_too() -> None:
    """Sets have another order in each process."""
    code = (
        "from tests.unit.audit.sigma.test_own_detections import config\n"
        "rule = {'allow': {'actors': list('abcdefghij')}, 'threshold': 2, 'window': '1m'}\n"
        "print(config(mine=rule).own['mine'].version)"
    )
    versions = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in "123"
    }

    assert len(versions) == 1


PEOPLE = ("sam", "dana", "robin")
zones = st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata", "America/New_York"])
sides = st.sampled_from(["within", "outside"])
hours = st.builds(
    lambda zone, side, span: {"timezone": zone, side: span},
    zones,
    sides,
    st.sampled_from(["Mon-Fri 08:00-18:00", "Sat,Sun", "22:00-06:00"]),
)
sections = st.sampled_from(
    [
        KEYS,
        {"s": {"type": ["api_key.created", "api_key.deleted"]}, "condition": "s"},
        {
            "s": {"type|startswith": "api_key."},
            "n": {"actor.email": "sam@*"},
            "condition": "s and not n",
        },
        {"a": {"type|endswith": "created"}, "b": ["key_ci"], "condition": "1 of them"},
        {
            "s": {"actor.ip|cidr": "203.0.113.0/24"},
            "t": {"type|re": "^user"},
            "condition": "s or t",
        },
    ]
)
single = st.fixed_dictionaries(
    {"detection": sections}, optional={"hours": hours, "suppress": st.sampled_from(["1m", "3h"])}
)
counting = st.fixed_dictionaries(
    {
        "detection": sections,
        "threshold": st.integers(2, 6),
        "window": st.sampled_from(["30s", "5m", "2h", "3d"]),
    },
    optional={
        "group-by": st.lists(
            st.sampled_from(["actor.email", "actor.ip", "type", "project.id"]),
            min_size=1,
            unique=True,
        ),
        "distinct": st.sampled_from(["target", "type", "actor.ip"]),
        "hours": hours,
        "suppress": st.sampled_from(["1m", "1h", "1d"]),
        "level": st.sampled_from(["low", "high"]),
    },
)
happenings = st.builds(
    lambda minutes, type_, number, by: at(minutes, type_, {"id": f"key_{number}"}, by),
    st.one_of(st.integers(0, 30), st.integers(0, 2 * DAY)),
    st.sampled_from(["api_key.created", "api_key.deleted", "user.added", "login.failed"]),
    st.integers(0, 3),
    st.one_of(st.sampled_from(PEOPLE).map(session), st.just(key())),
)


@settings(max_examples=100, deadline=None)
@given(
    rules=st.lists(st.one_of(single, counting), min_size=1, max_size=3),
    events=st.lists(happenings, max_size=40, unique_by=lambda event: event["id"]),
    seed=st.integers(0, 1_000),
)
def test_late_doubled_and_shuffled_events_give_the_same_incidents(
    rules: list[dict[str, Any]], events: list[Event], seed: int
) -> None:
    own = config(**{f"rule-{n}": rule for n, rule in enumerate(rules)})
    chance = random.Random(seed)
    expected = replay(read(events), own)

    doubled = chance.sample([*events, *events], 2 * len(events))
    assert grouped(replay(read(doubled), own)) == grouped(expected)

    memory = Memory(own)
    for event in sorted(
        events, key=lambda event: event["effective_at"] + chance.uniform(0, 20_000)
    ):
        memory.deliver(read([event]))
        memory.deliver(read([chance.choice(events)]))
    landed = [each for each in memory.alerts.values() if each.detection.startswith("rule-")]
    wanted = [each for each in expected if each.detection.startswith("rule-")]
    assert told(landed) == told(wanted)


def told(found: Sequence[Alert]) -> list[tuple[object, ...]]:
    """An alert keeps the id it had when it was first seen, so that is left out."""
    return sorted((a.time - START, a.detection, a.severity, a.dedup, a.last) for a in found)
