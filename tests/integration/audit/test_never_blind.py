"""Whatever one event or one answer holds, the others land and are evaluated, and that is told."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from functions.audit.backfill import BackfillRequest
from shared.audit.detection import Detection
from shared.audit.detections.operations import O2
from shared.audit.reading import read_page
from shared.audit.rules import Rule
from shared.audit.windows import StuckWalk
from tests.support.audit_logs import DAY, event, events
from tests.support.audit_world import NOW, AuditWorld, Event, audit_aws

OFF = event(901, NOW + 61, "scim.disabled", {"id": "org_1"})


@pytest.fixture
def aws() -> Any:
    with audit_aws():
        yield


@pytest.fixture
def world() -> Any:
    with audit_aws():
        world = AuditWorld()
        world.tick(1)
        yield world


def person(email: str, user: str | None = None) -> Event:
    return {"type": "session", "session": {"user": {"id": user, "email": email}}}


def listed(*entries: Event | bytes, **more: Any) -> bytes:
    raw = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in entries]
    rest = "".join(f',"{name}":{json.dumps(value)}' for name, value in more.items())
    return b'{"object":"list","data":[' + b",".join(raw) + b"]" + rest.encode() + b"}"


def answering(world: AuditWorld, answers: Callable[[dict[str, str]], bytes]) -> Any:
    """Edges for which OpenAI answers like this."""

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=answers(dict(request.url.params)))

    return world.connect(transport=httpx.MockTransport(answer))


def subjects(world: AuditWorld) -> list[str]:
    return [each["Subject"] for each in world.published()]


ODD = [
    {"actor": person("x" * 3_000 + "@example.com")},
    {"actor": person("ü" * 1_500 + "@example.com")},
    {"actor": person("d@example.com", "u" * 5_000)},
    {"id": "i" * 1_100},
    {"id": "ÿ" * 600},
    {"type": "x." + "y" * 4_000},
    {"project": {"id": "p" * 2_100, "name": "n"}},
    {"actor": {"type": "api_key", "api_key": {"id": "k" * 2_500}}},
]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: next(iter(odd)))
def test_values_longer_than_an_index_takes_are_stored(world: AuditWorld, odd: Event) -> None:
    strange = {**event(8, NOW + 61, "project.created", {"id": "p"}), **odd}
    world.add([strange, OFF])

    first, second = world.tick(), world.tick()

    assert (first["AuditEventsLanded"], second["AuditEventsLanded"]) == (2, 0)
    assert len(world.rows()) == 2
    assert sum("D3" in each for each in subjects(world)) == 1


@contextmanager
def refusing(world: AuditWorld, id_: str) -> Iterator[None]:
    """DynamoDB refuses whatever writes the row of this event with its text."""

    def refuse(params: Any, **_: Any) -> Any:
        body = bytes(params["body"]).decode().replace("\\", "").replace(" ", "")
        if f'"raw":{{"S":"{{"id":"{id_}"' not in body:
            return None
        error = {"Code": "ValidationException", "Message": "no"}
        return AWSResponse("", 400, HTTPHeaders(), None), {"Error": error, "ResponseMetadata": {}}

    emitter = world.edges.tables._plain.meta.events
    emitter.register_first("before-call.dynamodb", refuse)
    try:
        yield
    finally:
        emitter.unregister("before-call.dynamodb", refuse)


def test_an_event_that_dynamodb_never_takes_is_set_aside_and_told_once(world: AuditWorld) -> None:
    some = events(5, NOW + 61, 5)
    world.add([*some, OFF])

    with refusing(world, some[2]["id"]):
        for _ in range(3):
            world.tick()

    assert len(world.rows()) == 6
    assert len(world.keys("unreadable/")) == 1
    found = subjects(world)
    assert (sum("O3" in each for each in found), sum("D3" in each for each in found)) == (1, 1)


def test_an_event_at_which_a_detection_fails_is_set_aside_and_told_once(world: AuditWorld) -> None:
    def fails(seen: Any, _: Any, __: Any) -> None:
        raise KeyError(seen.id)

    broken = Detection(O2.about, frozenset({"project.created"}), fails, Rule())
    looking = world.edges.engine._by_type["project.created"][0]
    looking.append((broken, Rule()))
    world.add([event(3, NOW + 61, "project.created", {"id": "p"}), OFF])

    counts = world.tick()
    world.tick()

    assert (counts["AuditEventsLanded"], counts["AuditSetAside"]) == (2, 1)
    found = subjects(world)
    assert (sum("O3" in each for each in found), sum("D3" in each for each in found)) == (1, 1)


@pytest.mark.parametrize("depth", [600, 5_000, 100_000])
def test_one_entry_that_is_too_deep_leaves_the_others_of_its_page(depth: int) -> None:
    deep = b'{"id": "deep", "a": "]}\\"[", "b": ' + b"[" * depth + b"]" * depth + b"}"

    page = read_page(listed(OFF, deep, event(2, NOW, "x.y"), has_more=True, last_id="z"))

    assert [each.id for each in page.events] == [OFF["id"], event(2, NOW, "x.y")["id"]]
    assert page.unreadable == (deep,)
    assert (page.has_more, page.last_id) == (True, "z")


@pytest.mark.parametrize(
    "body",
    [
        {"object": "list", "data": None, "has_more": False},
        {"object": "list", "has_more": False},
        {"object": "list", "data": [], "has_more": "false"},
    ],
)
def test_an_empty_page_may_be_spelt_in_many_ways(body: dict[str, Any]) -> None:
    assert read_page(json.dumps(body).encode()) == ((), (), False, None)


@pytest.mark.parametrize(
    "spelt",
    [NOW * 1_000, NOW * 1_000_000, str(NOW), "2026-11-01T00:00:00Z", "2026-11-01T01:00:00+01:00"],
)
def test_times_may_be_spelt_in_many_ways(spelt: Any) -> None:
    (found,) = read_page(listed({**OFF, "effective_at": spelt})).events

    assert found.time == NOW


@pytest.mark.parametrize("length", [1, 2, 3, 7, 50])
def test_a_walk_in_a_circle_is_stuck_soon(world: AuditWorld, length: int) -> None:
    circle = [event(n, NOW + 10, "project.updated") for n in range(length)]
    asked: list[str] = []

    def answer(query: dict[str, str]) -> bytes:
        asked.append(query.get("after", ""))
        at = circle[len(asked) % length]
        return listed(at, has_more=True, last_id=at["id"])

    with pytest.raises(ExceptionGroup) as failed:
        world.tick(60, answering(world, answer))

    assert isinstance(failed.value.exceptions[0], StuckWalk)
    assert len(asked) <= 3 * length + 2


def test_a_long_walk_is_no_circle(world: AuditWorld) -> None:
    world.add(events(500, NOW + 10, 40))
    assert world.tick()["AuditEventsLanded"] == 500


@pytest.mark.parametrize(
    "request_",
    [
        {"backfil": {"from": "2026-01-01", "to": "2026-01-02"}},
        {"replay": {"from": "2026-01-01"}},
        {"backfill": {"from": "2026-01-01", "to": "2026-01-02"}, "alert": "on"},
        {"backfill": {"from": "2026-01-01", "to": "2026-01-02", "stream": "x"}},
    ],
)
def test_a_request_with_an_unknown_key_is_refused(request_: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Extra inputs"):
        BackfillRequest.model_validate(request_)


def dry(world: AuditWorld) -> list[str]:
    return [stream for stream in world.edges.tables.cursors() if "#dry#" in stream]


def test_a_dry_backfill_with_other_detections_is_another(world: AuditWorld) -> None:
    world.backfill("2026-10-01", "2026-10-02", "dry")
    world.backfill("2026-10-01", "2026-10-02", "dry")
    assert len(dry(world)) == 1

    world.edges.config = world.edges.config.model_copy(update={"ocsf": True})
    world.backfill("2026-10-01", "2026-10-02", "dry")

    assert len(dry(world)) == 2


@pytest.mark.usefixtures("aws")
def test_an_audit_that_is_switched_on_again_lands_nothing_twice() -> None:
    world = AuditWorld()
    world.add(events(30, NOW - DAY, 3_600))
    world.tick()
    assert len(world.lines()) == 30
    dynamodb = world.session.client("dynamodb")
    for table, keys in (("AuditEvents", ("id",)), ("AuditState", ("pk", "sk"))):
        for row in dynamodb.scan(TableName=table)["Items"]:
            dynamodb.delete_item(TableName=table, Key={key: row[key] for key in keys})

    world.edges = world.connect()
    world.add(events(10, NOW - DAY, 3_600, first=100))
    world.tick()

    assert (len(world.rows()), len(world.lines())) == (40, 40)
    assert {row["object"] for row in world.rows()} == set(world.keys("events/"))
