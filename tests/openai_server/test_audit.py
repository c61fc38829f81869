"""The audit log of the small OpenAI: true paging, ties, late events, bodies that are odd."""

from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import openai
import orjson
import pytest
from openai import OpenAI

from local.openai import SmallOpenAI, SmallSettings, serving
from shared.audit.config import Config
from shared.audit.events import read_event
from shared.audit.replay import replay
from tests.support.clock import Clock
from tests.support.small_openai import Json, http

LOGS = "/v1/organization/audit_logs"


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime.fromtimestamp(10_000, UTC))


@pytest.fixture
def client(small: SmallOpenAI) -> httpx.Client:
    return http(small, key="sk-admin-123456")


def event(number: int, at: int, kind: str = "api_key.created", **more: object) -> Json:
    return {"id": f"audit_log-{number}", "type": kind, "effective_at": at, **more}


@pytest.fixture
def page(client: httpx.Client) -> Callable[..., Json]:
    def page(**query: object) -> Json:
        answer = client.get(LOGS, params=query)  # type: ignore[arg-type]
        assert answer.status_code == 200, answer.text
        body: Json = answer.json()
        return body

    return page


@pytest.fixture
def numbers(page: Callable[..., Json]) -> Callable[..., list[int]]:
    """The numbers of the listed events."""

    def numbers(**query: object) -> list[int]:
        return [int(found["id"].partition("-")[2]) for found in page(**query)["data"]]

    return numbers


def test_the_official_client_reads_every_page(small: SmallOpenAI) -> None:
    for number in range(250):
        small.add_audit_event(event(number, at=1_000 + number // 100))

    with serving(small) as url, OpenAI(admin_api_key="sk-admin-1", base_url=url) as client:
        walk = client.admin.organization.audit_logs.list(limit=100, effective_at={"gte": 1_000})
        found = [entry.id for entry in walk]

    assert found == [f"audit_log-{number}" for number in range(249, -1, -1)]


def test_pages_go_back_in_time_and_say_if_there_is_more(
    small: SmallOpenAI, page: Callable[..., Json]
) -> None:
    for number in range(25):
        small.add_audit_event(event(number, at=number))

    first = page()
    second = page(after=first["last_id"])

    assert (first["first_id"], first["last_id"], first["has_more"]) == (
        "audit_log-24",
        "audit_log-5",
        True,
    )
    assert (len(second["data"]), second["has_more"]) == (5, False)
    assert page(after=second["last_id"]) == {
        "object": "list",
        "data": [],
        "first_id": None,
        "last_id": None,
        "has_more": False,
    }


def test_before_pages_forward_in_time(
    small: SmallOpenAI, numbers: Callable[..., list[int]]
) -> None:
    for number in range(10):
        small.add_audit_event(event(number, at=number))

    assert numbers(before="audit_log-3", limit=2) == [5, 4]
    assert numbers(before="audit_log-5", limit=10) == [9, 8, 7, 6]


def test_bounds_include_every_event_of_a_second(
    small: SmallOpenAI, numbers: Callable[..., list[int]]
) -> None:
    for number in range(9):
        small.add_audit_event(event(number, at=number // 3))

    assert numbers(**{"effective_at[gte]": 1}) == [8, 7, 6, 5, 4, 3]
    assert numbers(**{"effective_at[gt]": 1}) == [8, 7, 6]
    assert numbers(**{"effective_at[lte]": 1}) == [5, 4, 3, 2, 1, 0]
    assert numbers(**{"effective_at[lt]": 1}) == [2, 1, 0]
    assert numbers(**{"effective_at[gte]": 1, "effective_at[lte]": 1, "limit": 2}) == [5, 4]
    assert numbers(**{"effective_at[gte]": 1, "effective_at[lte]": 1, "after": "audit_log-4"}) == [
        3
    ]


def test_a_late_event_is_listed_in_order(
    small: SmallOpenAI, clock: Clock, numbers: Callable[..., list[int]]
) -> None:
    small.add_audit_event(event(1, at=9_000))
    small.add_audit_event(event(2, at=8_000), visible_at=10_060)
    assert numbers() == [1]

    clock.advance(60)

    assert numbers() == [1, 2]
    assert numbers(**{"effective_at[lte]": 8_500}) == [2]


def test_new_events_do_not_shift_the_pages(
    small: SmallOpenAI, page: Callable[..., Json], numbers: Callable[..., list[int]]
) -> None:
    for number in range(6):
        small.add_audit_event(event(number, at=number))
    last = page(limit=3)["last_id"]

    small.add_audit_event(event(6, at=6))

    assert numbers(after=last, limit=3) == [2, 1, 0]


def test_filters_compare_ids_types_and_emails(
    small: SmallOpenAI, numbers: Callable[..., list[int]]
) -> None:
    ana = {"type": "session", "session": {"user": {"id": "user-ana", "email": "ana@x.org"}}}
    bot = {"type": "api_key", "api_key": {"id": "key_1", "service_account": {"id": "sa-1"}}}
    small.add_audit_event(event(1, 1, actor=ana, project={"id": "proj_a"}))
    small.add_audit_event(event(2, 2, actor=bot) | {"api_key.created": {"id": "key_9"}})
    small.add_audit_event(event(3, 3, kind="login.failed", actor=None))

    assert numbers(**{"project_ids[]": ["proj_a", "proj_b"]}) == [1]
    assert numbers(**{"actor_ids[]": ["user-ana", "sa-1"]}) == [2, 1]
    assert numbers(**{"actor_ids[]": "key_1"}) == [2]
    assert numbers(**{"actor_emails[]": "ana@x.org"}) == [1]
    assert numbers(**{"resource_ids[]": "key_9"}) == [2]
    assert numbers(**{"event_types[]": ["login.failed", "api_key.created"]}) == [3, 2, 1]


def test_tenant_events_are_listed_only_when_asked_for(
    small: SmallOpenAI, client: httpx.Client, numbers: Callable[..., list[int]]
) -> None:
    small.add_audit_event(event(1, 1))
    small.add_audit_event(event(2, 2, kind="tenant.policy.deleted"))
    small.add_audit_event(event(3, 3, kind="role.bound_to_resource"))

    assert numbers() == [1]
    assert numbers(tenant_only="true") == [3, 2]
    refused = client.get(LOGS, params={"tenant_only": "true", "event_types[]": "login.failed"})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "event_types")


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"limit": "101"}, "limit"),
        ({"order": "asc"}, "order"),
        ({"after": "audit_log-nobody"}, "after"),
        ({"before": "audit_log-nobody"}, "before"),
        ({"effective_at[gte]": "yesterday"}, "effective_at[gte]"),
        ({"event_types[]": "login.failed,login.succeeded"}, "event_types"),
        ({"tenant_only": "maybe"}, "tenant_only"),
    ],
)
def test_wrong_parameters_are_refused(
    client: httpx.Client, query: dict[str, str], param: str
) -> None:
    answer = client.get(LOGS, params=query)

    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_a_project_key_cannot_read_the_log(small: SmallOpenAI) -> None:
    refused = http(small, key="sk-proj-1").get(LOGS)

    assert refused.status_code == 403
    assert "Missing scopes: api.audit_logs.read" in refused.json()["error"]["message"]


def test_a_key_without_the_scope_is_a_typed_exception(small: SmallOpenAI) -> None:
    small.misbehave("forbidden", route="list_audit_logs")

    with (
        serving(small) as url,
        OpenAI(admin_api_key="sk-admin-1", base_url=url, max_retries=0) as client,
        pytest.raises(openai.PermissionDeniedError, match=r"api\.audit_logs\.read"),
    ):
        client.admin.organization.audit_logs.list()


def test_the_log_can_be_rate_limited(small: SmallOpenAI, client: httpx.Client) -> None:
    small.misbehave("rate_limited", route="list_audit_logs", retry_after=3)

    busy = client.get(LOGS)

    assert (busy.status_code, busy.headers["Retry-After"]) == (429, "3")


@pytest.fixture
def five(small: SmallOpenAI) -> SmallOpenAI:
    for number in range(5):
        small.add_audit_event(event(number, at=number))
    return small


def test_the_log_can_be_off(five: SmallOpenAI, page: Callable[..., Json]) -> None:
    five.misbehave("audit_off")

    off = page()

    assert (off["data"], off["has_more"]) == ([], False)
    assert len(page()["data"]) == 5


def test_the_log_can_be_listed_oldest_first(
    five: SmallOpenAI, numbers: Callable[..., list[int]]
) -> None:
    five.misbehave("audit_reversed", times=None)

    assert numbers(limit=3) == [0, 1, 2]
    assert numbers(limit=3, after="audit_log-2") == [3, 4]
    assert numbers(limit=1, before="audit_log-2") == [1]


def test_a_body_can_be_two_documents(five: SmallOpenAI, client: httpx.Client) -> None:
    five.misbehave("audit_many_documents")

    parts = [orjson.loads(part) for part in client.get(LOGS).text.split("\n")]

    assert [len(part["data"]) for part in parts] == [2, 3]


def test_a_body_can_have_a_trailing_comma(five: SmallOpenAI, client: httpx.Client) -> None:
    five.misbehave("audit_trailing_comma")

    body = client.get(LOGS).content

    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(body)
    assert len(orjson.loads(body.replace(b",]", b"]"))["data"]) == 5


def test_a_log_can_hold_an_everyday_life_that_goes_on() -> None:
    clock = Clock()
    small = SmallOpenAI(clock=clock.seconds, settings=SmallSettings(everyday=True))
    with httpx.Client(transport=small.transport(), base_url="http://small.test") as client:
        headers = {"Authorization": "Bearer sk-admin-1"}
        before = client.get(LOGS, params={"limit": 1}, headers=headers).json()["data"]
        clock.advance(seconds=100)
        after = client.get(LOGS, params={"limit": 100}, headers=headers).json()["data"]

    times = [each["effective_at"] for each in after]
    assert len([each for each in times if each > before[0]["effective_at"]]) == 5
    assert times == sorted(times, reverse=True)
    assert max(times) <= clock.seconds()
    alerts = replay([read_event(orjson.dumps(each)) for each in small.audit_events], Config())
    assert alerts == []


def test_pages_can_be_untidy(five: SmallOpenAI, numbers: Callable[..., list[int]]) -> None:
    five.misbehave("audit_doubled")
    assert numbers(limit=3) == [4, 4, 3, 2]

    five.misbehave("audit_left_out", count=2)
    assert numbers(limit=3) == [2]

    five.misbehave("audit_shuffled")
    assert sorted(shuffled := numbers(limit=5)) == [0, 1, 2, 3, 4] != shuffled[::-1]


def test_cursors_can_be_missing_refused_or_ignored(
    five: SmallOpenAI, client: httpx.Client, page: Callable[..., Json]
) -> None:
    five.misbehave("audit_ids_missing")
    assert page()["last_id"] is None

    five.misbehave("audit_cursor_refused")
    assert len(page(limit=2)["data"]) == 2
    assert client.get(LOGS, params={"after": "audit_log-3"}).status_code == 400
    five.misbehave("audit_cursor_ignored")
    assert page(after="audit_log-3", limit=2) == page(limit=2)


def test_an_empty_page_can_say_there_is_more(five: SmallOpenAI, page: Callable[..., Json]) -> None:
    five.misbehave("audit_empty_page")

    empty = page()

    assert (empty["data"], empty["has_more"]) == ([], True)
    assert len(page()["data"]) == 5


def test_a_key_may_lack_the_scope_for_tenant_events(
    five: SmallOpenAI, client: httpx.Client
) -> None:
    five.misbehave("audit_tenant_refused", times=None)

    assert client.get(LOGS).status_code == 200
    assert client.get(LOGS, params={"tenant_only": "true"}).status_code == 403


def test_events_are_added_over_http(
    small: SmallOpenAI, client: httpx.Client, clock: Clock, numbers: Callable[..., list[int]]
) -> None:
    fed = orjson.dumps(event(1, 1)) + b"\n" + orjson.dumps(event(2, 2) | {"visible_at": 10_005})

    answer = client.post("/_small/audit_events", content=fed)

    assert answer.json() == {"added": 2}
    assert numbers() == [1]
    clock.advance(5)
    assert numbers() == [2, 1]
    assert "visible_at" not in small.audit_events[1]
    assert client.get("/_small/state").json()["audit_events"] == 2
    assert client.post("/_small/audit_events", content=fed).status_code == 400
    assert client.post("/_small/audit_events", content=b"nonsense").status_code == 400
