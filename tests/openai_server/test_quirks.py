"""Misbehaviour on request: each quirk does what its one line says."""

import json
from collections.abc import Callable

import httpx
import pytest

from local.openai import QUIRKS, SmallOpenAI
from local.openai.http.messages import ConnectionDropped
from tests.support.batch_files import chat, lines
from tests.support.clock import Clock
from tests.support.small_openai import Json, http, look, results, submit, upload

TEN = lines(chat(f"r{n}") for n in range(10))


@pytest.fixture
def client(small: SmallOpenAI) -> httpx.Client:
    return http(small)


@pytest.fixture
def ended(small: SmallOpenAI, client: httpx.Client, clock: Clock) -> Callable[..., Json]:
    """A batch of ten under a quirk, a day later."""

    def ended(name: str, **where: object) -> Json:
        small.misbehave(name, 1, **where)
        batch = submit(client, TEN)
        clock.advance(90_000)
        return look(client, batch)

    return ended


def test_an_unknown_quirk_is_an_error(small: SmallOpenAI) -> None:
    with pytest.raises(ValueError, match="no quirk is called 'dance'"):
        small.misbehave("dance")


def test_a_connection_dropped_before_the_work_leaves_nothing(
    small: SmallOpenAI, client: httpx.Client
) -> None:
    small.misbehave("cut_before", route="upload")

    with pytest.raises(httpx.RemoteProtocolError):
        upload(client, TEN)

    assert small.files == {}


def test_a_connection_dropped_after_the_work_loses_only_the_answer(
    small: SmallOpenAI, client: httpx.Client
) -> None:
    small.misbehave("cut_after", route="create_batch", job_id="two")
    submit(client, TEN, metadata={"job_id": "one"})

    with pytest.raises(httpx.RemoteProtocolError):
        submit(client, TEN, metadata={"job_id": "two"})

    assert [batch.metadata["job_id"] for batch in small.batches.values()] == ["one", "two"]
    assert small.calls[-1].status == 0


@pytest.mark.parametrize(("name", "made"), [("silent_before", 0), ("silent_after", 1)])
def test_an_answer_may_never_come(
    small: SmallOpenAI, client: httpx.Client, name: str, made: int
) -> None:
    small.misbehave(name, route="create_batch")

    with pytest.raises(httpx.ReadTimeout):
        submit(client, TEN)

    assert len(small.batches) == made


@pytest.mark.parametrize("status", [500, 502, 503])
@pytest.mark.parametrize(("when", "made"), [("before", 0), ("after", 1)])
def test_server_errors_come_before_or_after_the_work(
    small: SmallOpenAI, client: httpx.Client, status: int, when: str, made: int
) -> None:
    file = upload(client, TEN)
    small.misbehave(f"error_{status}_{when}", route="create_batch")

    answer = client.post(
        "/v1/batches",
        json={
            "input_file_id": file,
            "endpoint": "/v1/chat/completions",
            "completion_window": "24h",
        },
    )

    assert answer.status_code == status
    assert len(small.batches) == made


@pytest.mark.parametrize(
    ("name", "status", "code", "retry_after"),
    [
        ("rate_limited", 429, "rate_limit_exceeded", "7"),
        ("rate_limited_silent", 429, "rate_limit_exceeded", None),
        ("quota_exhausted", 429, "insufficient_quota", None),
        ("unauthorized", 401, "invalid_api_key", None),
        ("forbidden", 403, "missing_scope", None),
        ("not_found", 404, None, None),
    ],
)
def test_refusals_come_as_often_as_asked(
    small: SmallOpenAI,
    client: httpx.Client,
    *,
    name: str,
    status: int,
    code: str | None,
    retry_after: str | None,
) -> None:
    small.misbehave(name, times=2, route="list_files", retry_after=7)

    answers = [client.get("/v1/files") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [status, status, 200]
    assert answers[0].json()["error"]["code"] == code
    assert answers[0].headers.get("Retry-After") == retry_after


def test_a_quirk_without_an_end_lasts_until_it_is_cleared(
    small: SmallOpenAI, client: httpx.Client
) -> None:
    small.misbehave("error_500_before", times=None)
    assert [client.get("/v1/files").status_code for _ in range(5)] == [500] * 5

    small.clear_quirks()

    assert client.get("/v1/files").status_code == 200


def test_a_file_may_not_be_found_right_after_its_upload(
    small: SmallOpenAI, client: httpx.Client, clock: Clock
) -> None:
    small.misbehave("file_not_visible", seconds=3)
    file = upload(client, TEN)
    wanted = {
        "input_file_id": file,
        "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
    }

    early = client.post("/v1/batches", json=wanted)
    clock.advance(3)
    late = client.post("/v1/batches", json=wanted)

    assert early.status_code == 400
    assert early.json()["error"]["message"].startswith(f"Cannot find file {file}, or project")
    assert late.status_code == 200


def test_a_new_batch_may_be_invisible_at_first(
    small: SmallOpenAI, client: httpx.Client, clock: Clock
) -> None:
    small.misbehave("batch_not_visible", seconds=10)
    batch = submit(client, TEN)
    assert client.get(f"/v1/batches/{batch['id']}").status_code == 404
    assert client.get("/v1/batches").json()["data"] == []

    clock.advance(10)

    assert [shown["id"] for shown in client.get("/v1/batches").json()["data"]] == [batch["id"]]


def test_a_batch_may_be_retrievable_but_not_listed(
    small: SmallOpenAI, client: httpx.Client, clock: Clock
) -> None:
    small.misbehave("batch_not_listed")
    batch = submit(client, TEN)

    assert look(client, batch)["status"] == "validating"
    assert client.get("/v1/batches").json()["data"] == []
    clock.advance(30)
    assert len(client.get("/v1/batches").json()["data"]) == 1


def test_a_batch_may_vanish(small: SmallOpenAI, client: httpx.Client, clock: Clock) -> None:
    small.misbehave("batch_vanishes", seconds=20)
    batch = submit(client, TEN)
    clock.advance(19)
    assert look(client, batch)["status"] == "in_progress"

    clock.advance(90_000)

    assert client.get(f"/v1/batches/{batch['id']}").status_code == 404
    assert client.get("/v1/batches").json()["data"] == []
    assert small.billed == []
    assert small.enqueued == {"gpt-5-mini": 0}


def test_a_quirk_can_be_given_to_an_existing_batch(
    small: SmallOpenAI, client: httpx.Client
) -> None:
    one, other = submit(client, TEN), submit(client, TEN)

    small.misbehave("batch_vanishes", batch=one["id"])

    assert client.get(f"/v1/batches/{one['id']}").status_code == 404
    assert look(client, other)["status"] == "validating"


def test_batches_may_be_stuck(ended: Callable[..., Json]) -> None:
    assert ended("stuck_validating")["status"] == "validating"
    stuck = ended("stuck_in_progress")
    assert stuck["status"] == "expired"
    assert stuck["request_counts"] == {"total": 10, "completed": 0, "failed": 0}


def test_a_batch_may_expire_with_one_of_ten_done(
    ended: Callable[..., Json], small: SmallOpenAI, client: httpx.Client
) -> None:
    batch = ended("expires_partly", done=0.1)

    assert batch["status"] == "expired"
    assert batch["request_counts"] == {"total": 10, "completed": 1, "failed": 0}
    assert len(results(client, batch["output_file_id"])) == len(small.billed) == 1
    undone = results(client, batch["error_file_id"])
    assert [line["error"]["code"] for line in undone] == ["batch_expired"] * 9
    assert undone[0]["error"]["message"] == (
        "This request could not be executed before the completion window expired."
    )


def test_somebody_may_cancel_a_batch(ended: Callable[..., Json]) -> None:
    assert ended("cancelled_by_someone", seconds=20)["status"] == "cancelled"


def test_an_unknown_status_is_shown_for_a_while(
    small: SmallOpenAI, client: httpx.Client, clock: Clock
) -> None:
    small.misbehave("paused", seconds=60)
    batch = submit(client, TEN)
    clock.advance(59)
    assert look(client, batch)["status"] == "paused"

    clock.advance(1)

    assert look(client, batch)["status"] == "completed"


def test_validation_may_fail_with_any_code(ended: Callable[..., Json]) -> None:
    batch = ended("validation_fails", code="odd", message="Because.", line=3)

    assert batch["status"] == "failed"
    assert batch["errors"]["data"] == [
        {"code": "odd", "message": "Because.", "param": None, "line": 3}
    ]


def test_the_token_quota_may_be_refused_or_released_late(
    ended: Callable[..., Json], small: SmallOpenAI, client: httpx.Client, clock: Clock
) -> None:
    refused = ended("token_limit")
    assert refused["errors"]["data"][0]["code"] == "token_limit_exceeded"

    small.misbehave("quota_not_released", seconds=600)
    submit(client, TEN)
    clock.advance(100)
    assert small.enqueued["gpt-5-mini"] > 0
    clock.advance(600)
    assert small.enqueued["gpt-5-mini"] == 0


@pytest.mark.parametrize(
    ("name", "output", "error", "counts"),
    [
        ("all_failed", None, True, (10, 0, 10)),
        ("no_files", None, "", (10, 10, 0)),
        ("null_ids", True, None, (10, 10, 0)),
        ("counts_wrong", True, "", (12, 9, 0)),
        ("zero_byte_error_file", True, True, (10, 10, 0)),
    ],
)
def test_batches_may_end_in_odd_ways(
    ended: Callable[..., Json],
    name: str,
    output: object,
    error: object,
    counts: tuple[int, int, int],
) -> None:
    batch = ended(name)

    assert batch["status"] == "completed"
    assert (batch["output_file_id"] and True) == output
    assert (batch["error_file_id"] and True) == error
    assert tuple(batch["request_counts"].values()) == counts


def test_an_error_file_may_have_no_bytes(ended: Callable[..., Json], client: httpx.Client) -> None:
    batch = ended("zero_byte_error_file")

    assert client.get(f"/v1/files/{batch['error_file_id']}").json()["bytes"] == 0
    assert client.get(f"/v1/files/{batch['error_file_id']}/content").content == b""


def test_every_absent_file_id_may_be_empty(
    small: SmallOpenAI, client: httpx.Client, clock: Clock
) -> None:
    small.misbehave("empty_ids", times=2)
    small.misbehave("all_failed")
    failed, running = submit(client, TEN), submit(client, TEN)
    small.misbehave("stuck_in_progress", batch=running["id"])

    clock.advance(1_000)

    assert look(client, failed)["output_file_id"] == ""
    shown = look(client, running)
    assert (shown["output_file_id"], shown["error_file_id"]) == ("", "")


def test_answers_may_carry_a_system_fingerprint(
    ended: Callable[..., Json], client: httpx.Client
) -> None:
    batch = ended("system_fingerprint")

    found = results(client, batch["output_file_id"])
    assert {line["response"]["body"]["system_fingerprint"][:3] for line in found} == {"fp_"}


def test_fields_may_be_missing_or_unknown(ended: Callable[..., Json]) -> None:
    assert "request_counts" not in ended("counts_missing")
    assert "usage" not in ended("usage_missing")
    assert ended("extra_fields")["priority"] == {"tier": 7}


@pytest.mark.parametrize(
    ("name", "readable", "paid"),
    [
        ("unknown_custom_id", 11, 10),
        ("repeated_custom_id", 11, 10),
        ("missing_lines", 9, 9),
        ("blank_lines", 10, 10),
        ("bom", 10, 10),
    ],
)
def test_output_files_may_be_odd(
    ended: Callable[..., Json],
    small: SmallOpenAI,
    client: httpx.Client,
    *,
    name: str,
    readable: int,
    paid: int,
) -> None:
    batch = ended(name)

    content = client.get(f"/v1/files/{batch['output_file_id']}/content").content
    found = [line for line in content.splitlines() if b"batch_req_" in line]
    assert (len(found), len(small.billed)) == (readable, paid)


def test_a_line_may_be_truncated(
    ended: Callable[..., Json], small: SmallOpenAI, client: httpx.Client
) -> None:
    batch = ended("malformed_line")

    content = client.get(f"/v1/files/{batch['output_file_id']}/content").content
    first, *others = content.splitlines()
    assert not first.endswith(b"}")
    assert len(others) == len(small.billed) == 9


def test_a_dropped_download_can_be_resumed(small: SmallOpenAI, client: httpx.Client) -> None:
    file = upload(client, TEN)
    small.misbehave("download_ranges", times=2)
    small.misbehave("download_cut", after_bytes=500)
    head: list[bytes] = []

    with (
        client.stream("GET", f"/v1/files/{file}/content") as cut,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        head.extend(cut.iter_raw())
    rest = client.get(
        f"/v1/files/{file}/content",
        headers={"Range": "bytes=500-", "If-Range": cut.headers["ETag"]},
    )

    assert int(cut.headers["Content-Length"]) == len(TEN)
    assert (b"".join(head), rest.status_code) == (TEN[:500], 206)
    assert rest.headers["Content-Range"] == f"bytes 500-{len(TEN) - 1}/{len(TEN)}"
    assert rest.content == TEN[500:]


def test_a_range_with_another_etag_gets_the_whole_file(
    small: SmallOpenAI, client: httpx.Client
) -> None:
    file = upload(client, TEN)
    small.misbehave("download_ranges")

    whole = client.get(
        f"/v1/files/{file}/content", headers={"Range": "bytes=5-", "If-Range": '"old"'}
    )

    assert (whole.status_code, whole.content) == (200, TEN)


def test_a_range_beyond_the_end_is_refused(small: SmallOpenAI, client: httpx.Client) -> None:
    file = upload(client, TEN)
    small.misbehave("download_ranges")

    beyond = client.get(f"/v1/files/{file}/content", headers={"Range": "bytes=999999-"})

    assert beyond.status_code == 416


def test_content_may_be_truncated(small: SmallOpenAI, client: httpx.Client) -> None:
    file = upload(client, TEN)
    small.misbehave("download_short", file=file, after_bytes=300)

    assert client.get(f"/v1/files/{file}/content").content == TEN[:300]
    assert client.get(f"/v1/files/{file}").json()["bytes"] == len(TEN)
    assert client.get(f"/v1/files/{file}/content").content == TEN


def test_an_answer_may_not_be_json(small: SmallOpenAI, client: httpx.Client) -> None:
    small.misbehave("not_json", route="list_batches")

    assert client.get("/v1/batches").text == "upstream says hello"


def test_call_may_be_refused_in_any_words(small: SmallOpenAI, client: httpx.Client) -> None:
    small.misbehave("refused", route="list_files", status=402, code="billing_not_active")

    answer = client.get("/v1/files")

    assert (answer.status_code, answer.json()["error"]["code"]) == (402, "billing_not_active")
    assert client.get("/v1/files").status_code == 200


@pytest.mark.parametrize("path", ["/v1/files", "/v1/batches"])
def test_list_may_not_advance(small: SmallOpenAI, client: httpx.Client, path: str) -> None:
    submit(client, TEN)
    (only,) = (each["id"] for each in client.get(path).json()["data"])
    small.misbehave("list_stands_still", times=2)
    small.misbehave("list_promises_more")

    promises = client.get(path, params={"after": only}).json()
    again = client.get(path, params={"after": only}).json()

    assert (promises["data"], promises["has_more"]) == ([], True)
    assert ([each["id"] for each in again["data"]], again["has_more"]) == ([only], True)


def test_list_may_have_an_odd_neighbour(small: SmallOpenAI, client: httpx.Client) -> None:
    submit(client, TEN)
    small.misbehave("list_odd_neighbour")

    assert client.get("/v1/batches").json()["data"][0]["metadata"] == ""
    assert len(client.get("/v1/batches").json()["data"]) == 1


def test_answered_request_may_have_a_failed_line_too(
    small: SmallOpenAI, client: httpx.Client, clock: Clock
) -> None:
    small.misbehave("failed_first")
    id_ = submit(client, TEN)["id"]
    clock.advance(seconds=100_000)
    batch = client.get(f"/v1/batches/{id_}").json()

    failed = client.get(f"/v1/files/{batch['error_file_id']}/content").text.splitlines()
    answers = client.get(f"/v1/files/{batch['output_file_id']}/content").text.splitlines()

    assert (len(failed), len(answers)) == (1, 10)
    assert json.loads(failed[0])["response"]["status_code"] == 500


def test_quirks_are_added_and_cleared_over_http(client: httpx.Client) -> None:
    laid = client.post(
        "/_small/quirks",
        json={"name": "not_found", "times": 5, "where": {"route": "list_files"}},
    )

    assert laid.status_code == 200
    assert client.get("/v1/files").status_code == 404
    client.delete("/_small/quirks")
    assert client.get("/v1/files").status_code == 200
    assert client.post("/_small/quirks", json={"name": "dance"}).status_code == 400
    assert client.post("/_small/quirks", json={"name": "bom", "where": 7}).status_code == 400
    assert client.get("/_small/quirks").json() == QUIRKS


def test_the_state_shows_what_was_billed_and_billed_twice(
    small: SmallOpenAI, client: httpx.Client, clock: Clock
) -> None:
    job = {"job_id": "job", "part": "1", "attempt": "1"}
    submit(client, TEN, metadata=job)
    submit(client, lines([chat("r3"), chat("new")]), metadata=job | {"part": "2"})
    submit(client, lines([chat("r3")]), metadata={"job_id": "other"})
    clock.advance(100)

    state = client.get("/_small/state").json()

    assert state["billed"] == {
        "total": 13,
        "duplicates": 1,
        "examples": [["job", "r3"]],
        "parts": [
            {"job_id": "job", "part": "1", "attempt": "1", "requests": 10},
            {"job_id": "job", "part": "2", "attempt": "1", "requests": 2},
            {"job_id": "other", "part": "", "attempt": "", "requests": 1},
        ],
    }
    assert state["batches"] == {"completed": 3}
    assert state["calls"] == {"POST upload": 3, "POST create_batch": 3}
    assert state["peak_enqueued"] == small.peak_enqueued


def test_another_wsgi_transport_sees_the_dropped_connection() -> None:
    small = SmallOpenAI(clock=Clock().seconds)
    transport = httpx.WSGITransport(app=small)
    headers = {"Authorization": "Bearer sk-x"}
    client = httpx.Client(transport=transport, base_url="http://small", headers=headers)
    small.misbehave("cut_after", route="create_batch")

    with pytest.raises(ConnectionDropped):
        submit(client, TEN)

    assert len(client.get("/v1/batches").json()["data"]) == 1
