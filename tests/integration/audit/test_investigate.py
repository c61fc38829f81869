"""From an alert to its event, from there to everything of the actor; from a key to its maker."""

import re
import shlex
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from local.ops.investigate_audit import Question, answers, investigation
from shared.audit.investigate import may_be_in
from shared.audit.rows import INDEXES
from tests.support.audit_logs import HOUR, MINUTE, event
from tests.support.audit_world import NOW, AuditWorld, Event, audit_aws
from tests.support.aws import template
from tests.unit.audit.timelines import LAGOS, LAPTOP, SCRIPT, key, session

THIEF = session("p1", "2001:DB8::7", LAGOS, SCRIPT)
BY_KEY = key("key_new", user="p1")
STORY = [
    event(1, NOW + 70, "login.succeeded"),
    event(8, NOW + 80, "scim.disabled", {"id": "org_1"}) | {"actor": THIEF},
    event(15, NOW + 90, "api_key.created", {"id": "key_new"}) | {"actor": THIEF},
    event(22, NOW + HOUR, "file.deleted", {"id": "file-1"})
    | {"actor": BY_KEY, "project": {"id": "proj_1", "name": "One"}},
    event(3, NOW + HOUR + 1, "api_key.deleted", {"id": "key_new"}),
]


@pytest.fixture
def world() -> Iterator[AuditWorld]:
    with audit_aws():
        made = AuditWorld()
        made.tick()
        made.add(STORY[:3])
        made.tick(2 * MINUTE)
        made.add(STORY[3:])
        made.tick(2 * HOUR)
        yield made


def asked(world: AuditWorld, *values: str, **more: Any) -> list[str]:
    question = Question(values, **more)
    now = datetime.fromtimestamp(world.clock.seconds(), UTC)
    return list(answers(question, investigation(world.session, "AuditEvents"), now))


def types(lines: list[str]) -> list[str]:
    return [line.split()[2] for line in lines]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("user-p1", ["login.succeeded", "scim.disabled", "api_key.created", "file.deleted"]),
        ("p1@example.com", ["login.succeeded", "scim.disabled", "api_key.created", "file.deleted"]),
        ("key_new", ["api_key.created", "file.deleted", "api_key.deleted"]),
        ("2001:db8:0::7", ["scim.disabled", "api_key.created"]),
        (SCRIPT, ["scim.disabled", "api_key.created"]),
        (LAPTOP.upper(), ["login.succeeded", "api_key.deleted"]),
        ("proj_1", ["file.deleted"]),
        ("file-1", ["file.deleted"]),
        ("scim.disabled", ["scim.disabled"]),
        ("user-nobody", []),
    ],
)
def test_everything_of_a_value_in_order(world: AuditWorld, value: str, expected: list[str]) -> None:
    assert types(asked(world, value)) == expected


def test_only_the_time_that_is_asked_for(world: AuditWorld) -> None:
    early = asked(world, "user-p1", until="2026-11-01T00:01:25")
    late = asked(world, "user-p1", since="2026-11-01T00:01:25+00:00")

    assert types(early) == ["login.succeeded", "scim.disabled"]
    assert types(late) == ["api_key.created", "file.deleted"]


def test_an_event_is_shown_whole_with_its_object(world: AuditWorld) -> None:
    (shown,) = asked(world, STORY[2]["id"])

    assert '"object": "events/dt=2026-11-01/hour=00/organization-' in shown
    assert "key_new" in shown


def test_a_line_says_who_from_where_with_what(world: AuditWorld) -> None:
    last = asked(world, "user-p1")[-1]

    assert last == (
        "2026-11-01 01:00:00  file.deleted file-1 in proj_1  "
        "by p1@example.com with key key_new · by API key, no address"
    )


def test_nothing_is_read_through(world: AuditWorld) -> None:
    calls: Counter[str] = Counter()
    client = world.session.resource("dynamodb").meta.client
    client.meta.events.register(
        "before-call.dynamodb", lambda model, **_: calls.update([model.name])
    )

    asked(world, "key_new")

    assert calls == {"GetItem": 1, "Query": len(may_be_in("key_new"))}


@pytest.mark.parametrize("index", INDEXES)
def test_an_index_answers_by_itself(index: str) -> None:
    made = template()["Resources"]["AuditEvents"]["Properties"]["GlobalSecondaryIndexes"]
    (found,) = (each for each in made if each["IndexName"] == index)

    shown = {*found["Projection"]["NonKeyAttributes"], index}
    assert shown >= {
        "time",
        "type",
        "actor",
        "email",
        "place",
        "project",
        "key",
        "target",
        "object",
    }


def test_an_alert_leads_to_its_event_and_to_everything_of_the_actor(world: AuditWorld) -> None:
    (told,) = (each for each in world.published() if " A5 " in each["Subject"])
    text: str = told["Message"]

    event_ = re.search(r"^Event     (.*)$", text, re.MULTILINE)
    stored = re.search(r"^Stored    s3://test-audit/(.*)$", text, re.MULTILINE)
    rest = re.search(r"^The rest  batchdrop investigate (.*)$", text, re.MULTILINE)
    assert event_ is not None
    assert stored is not None
    assert rest is not None
    assert STORY[1]["id"] in event_[1]
    assert STORY[1]["id"] in {line["id"] for line in world.lines(stored[1])}
    value, _, since, _, until = shlex.split(rest[1])
    assert "file.deleted" in types(asked(world, value, since=since, until=until))
    assert re.search(r"^Alert     [0-9a-f]{32}$", text, re.MULTILINE)
    assert "(user-p1)" in text


def test_an_event_of_an_earlier_page_is_found_too(world: AuditWorld) -> None:
    """What comes late shows that an event before it completed something."""
    begun, modest = world.clock.seconds() + 60, {"scopes": ["api.model.request"]}
    keys: list[Event] = [
        event(70 + 7 * n, begun + n, "api_key.created", {"id": f"k{n}", "data": modest})
        for n in range(5)
    ]
    world.add(keys[:2] + keys[3:])
    world.tick(2 * MINUTE)
    world.published()
    world.add(keys[2:3])
    world.tick(2 * MINUTE)

    (told,) = (each for each in world.published() if " K3 " in each["Subject"])
    assert keys[4]["id"] in told["Message"].partition("Event     ")[2].partition("\n")[0]
