"""What patterns remember: rows around new observations, bounded, and good for any order."""

import random
from itertools import pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.audit.config import Config
from shared.audit.detection import Observation
from shared.audit.engine import Engine, is_allowed
from shared.audit.events import AuditLog
from shared.audit.replay import replay, unique
from shared.audit.silence import not_permitted, refused
from shared.audit.state import Row, evaluate_patterns, expires_at, rows_to_read
from tests.unit.audit.timelines import (
    BERLIN,
    DAY,
    LAGOS,
    LAPTOP,
    MINUTE,
    SCRIPT,
    START,
    Memory,
    at,
    key,
    read,
    seen,
    session,
)

HOUR = 3_600
ENGINE = Engine(Config())


def observation(time: int, *what: str) -> Observation:
    return Observation(time, f"e{time}", "user-owner", "owner", "here", what)


def test_rows_reach_back_by_the_window_and_not_into_the_future() -> None:
    hour = START // HOUR
    keyed = [(("K3", "owner"), observation(START, "key_1"))]

    assert rows_to_read(ENGINE, keyed, START) == {
        Row("K3", "owner", HOUR, hour - 1),
        Row("K3", "owner", HOUR, hour),
    }
    assert Row("K3", "owner", HOUR, hour + 1) in rows_to_read(ENGINE, keyed, START + DAY * MINUTE)


def test_rows_are_kept_longer_than_events_may_be_late() -> None:
    row = Row("K3", "owner", HOUR, START // HOUR)

    assert expires_at(ENGINE, row) >= START + 40 * DAY * MINUTE


def test_known_observations_are_not_evaluated_again() -> None:
    observations = [observation(START + n, f"key_{n}", "") for n in range(5)]
    keyed = [(("K3", "owner"), each) for each in observations]
    row = Row("K3", "owner", HOUR, START // HOUR)

    assert len(evaluate_patterns(ENGINE, keyed, {}).findings) == 1
    outcome = evaluate_patterns(ENGINE, keyed, {row: set(observations)})
    assert (outcome.findings, outcome.additions) == ([], {})


def test_an_observation_is_the_same_after_it_was_stored() -> None:
    odd = observation(START, "ä|\n", "")

    assert Observation.from_text(odd.text) == odd


def test_of_differing_copies_always_the_same_one_counts() -> None:
    one = at(0, "scim.disabled", {"id": "a"}, id="same")
    other = at(5, "scim.disabled", {"id": "b"}, id="same")

    assert [event.time for event in unique(read([other, one]))] == [START]
    assert replay(read([one, other]), Config()) == replay(read([other, one]), Config())


def test_an_address_that_is_none_is_in_no_network() -> None:
    config = Config.model_validate(
        {"detections": {"D1": {"allow": {"networks": ["0.0.0.0/0", "::/0"]}}}}
    )
    event = read([at(0, "ip_allowlist.deleted", {}, session(ip="somewhere"))])[0]

    assert not is_allowed(event, config.rule("D1").allow)


def test_findings_about_the_reading_name_stream_and_reason() -> None:
    assert refused("organization", "HTTP 401", START).title.endswith("HTTP 401")
    assert not_permitted("tenant", "HTTP 403", START).target == "tenant/not permitted"


_PEOPLE = [session("owner", place=BERLIN, ja4=LAPTOP), session("owner", place=LAGOS, ja4=SCRIPT)]
_PEOPLE += [session("builder", ip="198.51.100.9"), key("key_1", user="owner"), key()]
_TYPES = [
    "login.failed",
    "login.succeeded",
    "api_key.created",
    "api_key.deleted",
    "user.deleted",
    "project.archived",
    "rate_limit.deleted",
    "ip_allowlist.deleted",
]
_event = st.tuples(
    st.integers(0, 200), st.sampled_from(_TYPES), st.integers(0, 9), st.sampled_from(_PEOPLE)
)


@settings(deadline=None)
@given(st.lists(_event, max_size=60), st.randoms(use_true_random=False))
def test_any_events_in_any_order_give_the_same_alerts(
    drawn: list[tuple[int, str, int, dict[str, object]]], chance: random.Random
) -> None:
    events = read([at(m, type_, {"id": f"x{n}"}, by) for m, type_, n, by in drawn])
    shuffled = chance.sample(events, len(events)) + events[:3]

    assert replay(shuffled, Config()) == replay(events, Config())


@settings(deadline=None)
@given(st.lists(_event, max_size=40), st.integers(1, 7))
@example([(m, "api_key.created", 0, key()) for m in (0, 1, 60)], 2)
@example([(m, "api_key.created", 0, key()) for m in (0, 59, 60, 61, 120)], 1)
@example([(m, "rate_limit.deleted", 0, _PEOPLE[0]) for m in (0, 300, 360)], 1)
def test_pages_in_order_leave_the_same_alerts_as_the_whole(
    drawn: list[tuple[int, str, int, dict[str, object]]], size: int
) -> None:
    events = _events(drawn)
    memory = Memory(Config())

    for start in range(0, len(events), size):
        memory.deliver(events[start : start + size])

    stored = sorted(memory.alerts.values(), key=lambda alert: alert.order)
    assert seen(stored) == seen(replay(events, Config()))


_cut_at = st.sets(st.integers(1, 39))


@settings(deadline=None)
@given(st.lists(_event, max_size=40), _cut_at, _cut_at)
def test_however_pages_are_cut_the_same_is_notified(
    drawn: list[tuple[int, str, int, dict[str, object]]], cuts: set[int], others: set[int]
) -> None:
    events = _events(drawn)
    memories = [Memory(Config()), Memory(Config())]

    for memory, at_ in zip(memories, (cuts, others), strict=True):
        for start, end in pairwise([0, *sorted(at_), len(events)]):
            memory.deliver(events[start:end])

    one, other = (seen(memory.alerts.values()) for memory in memories)
    assert sorted(one) == sorted(other)


@settings(deadline=None)
@given(st.lists(_event, max_size=40), st.randoms(use_true_random=False), st.integers(1, 7))
def test_late_and_doubled_events_leave_the_same_alerts(
    drawn: list[tuple[int, str, int, dict[str, object]]], chance: random.Random, size: int
) -> None:
    events = _events(drawn)
    late = chance.sample(events, len(events))
    memory = Memory(Config())

    for start in range(0, len(late), size):
        memory.deliver(late[start : start + size])
        memory.deliver(late[start : start + size])

    stored = sorted(memory.alerts.values(), key=lambda alert: alert.order)
    assert seen(stored) == seen(replay(events, Config()))


def _events(drawn: list[tuple[int, str, int, dict[str, object]]]) -> list[AuditLog]:
    """In the order of time."""
    events = read([at(m, type_, {"id": f"x{n}"}, by) for m, type_, n, by in sorted(drawn, key=str)])
    return sorted(unique(events), key=lambda event: (event.time, event.id))
