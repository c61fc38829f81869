"""Batches on the small OpenAI: every refusal in its place, every status in its time."""

from math import ceil

import httpx
import orjson
import pytest

from local.openai import SmallOpenAI, SmallSettings
from tests.support.batch_files import chat, lines
from tests.support.clock import Clock
from tests.support.small_openai import Json, http, look, results, submit, upload

JOB = {"job_id": "job", "part": "1"}


@pytest.fixture
def client(small: SmallOpenAI) -> httpx.Client:
    return http(small)


GOOD: Json = {"endpoint": "/v1/chat/completions", "completion_window": "24h"}


@pytest.mark.parametrize(
    ("change", "param", "code", "words"),
    [
        (
            {"endpoint": None},
            "endpoint",
            "missing_required_parameter",
            "Missing required parameter: 'endpoint'.",
        ),
        (
            {"endpoint": "/v1/invalid/endpoint"},
            "endpoint",
            "invalid_value",
            "Invalid value: '/v1/invalid/endpoint'. Supported values are: '/v1/responses',",
        ),
        (
            {"completion_window": "48h"},
            "completion_window",
            "invalid_value",
            "Invalid value: '48h'. Supported values are: '24h'.",
        ),
        (
            {"metadata": {"tags": ["a"]}},
            "metadata.tags",
            "invalid_type",
            "Invalid type for 'metadata.tags': expected a string, but got an array instead.",
        ),
        (
            {"metadata": {f"k{n}": "v" for n in range(17)}},
            "metadata",
            "object_above_max_properties",
            "at most 16 properties",
        ),
        (
            {"metadata": {"k": "v" * 513}},
            "metadata.k",
            "string_above_max_length",
            "maximum length 512",
        ),
        (
            {"metadata": {"k" * 65: "v"}},
            "metadata",
            "property_name_above_max_length",
            "maximum length 64",
        ),
        (
            {"output_expires_after": {"anchor": "created_at", "seconds": 60}},
            "output_expires_after.seconds",
            "integer_below_min_value",
            ">= 3600",
        ),
        ({"priority": "high"}, "priority", "unknown_parameter", "Unknown parameter: 'priority'."),
        ({"input_file_id": "file-x"}, "file_id", None, "Cannot find file file-x, or project"),
    ],
)
def test_wrong_creations_are_refused_at_once(
    client: httpx.Client, change: Json, param: str, code: str | None, words: str
) -> None:
    file = upload(client, lines([chat("a")]))

    answer = client.post("/v1/batches", json={"input_file_id": file, **GOOD, **change})

    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["param"], error["code"], error["type"]) == (param, code, "invalid_request_error")
    assert words in error["message"]


def changed(**change: object) -> Json:
    return {key: value for key, value in {**chat("a"), **change}.items() if value is not None}


@pytest.mark.parametrize(
    ("line", "code", "param", "message"),
    [
        (b"{not json", "invalid_json_line", None, "This line is not parseable as valid JSON."),
        (b"", "invalid_json_line", None, "This line is not parseable as valid JSON."),
        (b"[1]", "invalid_json_line", None, "This line is not parseable as valid JSON."),
        (
            changed(custom_id=None),
            "missing_required_parameter",
            "custom_id",
            "Missing required parameter: 'custom_id'.",
        ),
        (
            changed(method=None),
            "missing_required_parameter",
            "method",
            "Missing required parameter: 'method'.",
        ),
        (
            changed(url=None),
            "missing_required_parameter",
            "url",
            "Missing required parameter: 'url'.",
        ),
        (
            changed(body=None),
            "missing_required_parameter",
            "body",
            "Missing required parameter: 'body'.",
        ),
        (changed(custom_id=7), "invalid_type", "custom_id", "Invalid type for 'custom_id'"),
        (
            chat("first"),
            "duplicate_custom_id",
            "custom_id",
            "The custom_id for this request is a duplicate of another request.",
        ),
        (changed(method="GET"), "invalid_value", "method", "Invalid value: 'GET'."),
        (
            changed(url="/v1/embeddings"),
            "invalid_url",
            "url",
            "The URL provided for this request does not match the batch endpoint.",
        ),
        (
            changed(body={"messages": []}),
            "invalid_request",
            "body.model",
            "Model parameter is required.",
        ),
        (
            changed(body={"model": "gpt-5-mini"}),
            "invalid_request",
            "body.messages",
            "Messages parameter is required.",
        ),
        (
            chat("b", model="nonexistent"),
            "model_not_found",
            "body.model",
            "The provided model 'nonexistent' is not supported by the Batch API.",
        ),
        (
            chat("b", model="gpt-4.1"),
            "mismatched_model",
            "body.model",
            "The model 'gpt-4.1' for this request does not match the rest of the batch.",
        ),
        (
            chat("b", stream=True),
            "streaming_unsupported",
            "body.stream",
            "Chat Completions: Streaming is not supported in the Batch API.",
        ),
    ],
)
def test_wrong_lines_fail_the_batch_and_are_named(
    client: httpx.Client, clock: Clock, *, line: Json | bytes, code: str, param: str, message: str
) -> None:
    bad = line if isinstance(line, bytes) else orjson.dumps(line)
    batch = submit(client, lines([chat("first")]) + bad + b"\n" + lines([chat("last")]))

    clock.advance(4)

    ended = look(client, batch)
    (error,) = ended["errors"]["data"]
    assert (ended["status"], error["code"], error["param"], error["line"]) == (
        "failed",
        code,
        param,
        2,
    )
    assert message in error["message"]
    assert ended["request_counts"] == {"total": 0, "completed": 0, "failed": 0}


def test_every_wrong_line_is_named_up_to_a_limit(client: httpx.Client, clock: Clock) -> None:
    batch = submit(client, lines([chat("first"), *[{"custom_id": "x"}] * 250]))

    clock.advance(4)

    errors = look(client, batch)["errors"]["data"]
    assert [error["line"] for error in errors] == list(range(2, 102))


@pytest.mark.parametrize(
    ("content", "filename"),
    [
        (b"", "requests.jsonl"),
        (b"\x00\x01binary\n", "requests.jsonl"),
        (b"not json\n" + lines([chat("a")]), "requests.jsonl"),
        (lines([chat("a")]), "requests.txt"),
    ],
)
def test_a_file_that_is_no_batch_file_is_refused_at_upload(
    client: httpx.Client, content: bytes, filename: str
) -> None:
    answer = client.post(
        "/v1/files", data={"purpose": "batch"}, files={"file": (filename, content)}
    )

    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == (
        "Invalid file format for Batch API. Must be .jsonl"
    )


@pytest.mark.parametrize("filename", ["requests.jsonl", "upload", "a.b.jsonl", "requests"])
def test_a_batch_file_is_named_jsonl_or_without_an_ending(
    client: httpx.Client, filename: str
) -> None:
    content = lines([chat("a")])

    answer = client.post(
        "/v1/files", data={"purpose": "batch"}, files={"file": (filename, content)}
    )

    assert (answer.status_code, answer.json()["filename"]) == (200, filename)


@pytest.mark.parametrize("filename", ["requests.txt", "requests.json", "a.jsonl.gz", "upload.csv"])
def test_a_batch_file_with_another_ending_is_refused_twice_over(
    client: httpx.Client, filename: str
) -> None:
    content = lines([chat("a")])

    answer = client.post(
        "/v1/files", data={"purpose": "batch"}, files={"file": (filename, content)}
    )

    message = "Invalid file format for Batch API. Must be .jsonl"
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    assert answer.status_code == 400
    assert answer.json() == {"error": error, "detail": {"message": message, "code": None}}


def test_a_byte_order_mark_fails_the_batch_later(client: httpx.Client, clock: Clock) -> None:
    batch = submit(client, b"\xef\xbb\xbf" + lines([chat("a")]))

    clock.advance(4)

    (error,) = look(client, batch)["errors"]["data"]
    assert (error["code"], error["line"]) == ("invalid_json_line", 1)


def test_a_file_deleted_before_validation_fails_its_batch(
    client: httpx.Client, clock: Clock
) -> None:
    batch = submit(client, lines([chat("a")]))
    client.delete(f"/v1/files/{batch['input_file_id']}")

    clock.advance(4)

    (error,) = look(client, batch)["errors"]["data"]
    assert (error["code"], error["param"], error["line"]) == ("invalid_request", "file_id", None)


def test_a_file_deleted_after_validation_does_no_harm(client: httpx.Client, clock: Clock) -> None:
    batch = submit(client, lines([chat("a")]))
    clock.advance(5)
    assert look(client, batch)["status"] == "in_progress"
    client.delete(f"/v1/files/{batch['input_file_id']}")

    clock.advance(100)

    assert len(results(client, look(client, batch)["output_file_id"])) == 1


def test_the_limits_of_a_batch_are_enforced(clock: Clock) -> None:
    small = SmallOpenAI(
        clock=clock.seconds,
        settings=SmallSettings(max_requests=3, max_input_bytes=2_000, max_embedding_inputs=4),
    )
    client = http(small)
    many = submit(client, lines(chat(str(n)) for n in range(4)))
    large = submit(client, lines(chat(str(n), "x" * 900) for n in range(3)))
    inputs = submit(client, lines(embedding(str(n), ["a", "b"]) for n in range(3)), EMBEDDINGS)
    tokens = submit(client, lines(embedding(str(n), [1, 2, 3]) for n in range(3)), EMBEDDINGS)

    clock.advance(4)

    assert look(client, many)["errors"]["data"][0]["code"] == "too_many_tasks"
    assert look(client, large)["errors"]["data"][0]["message"] == (
        "The batch input file is larger than the 2000 maximum for the gpt-5-mini model"
    )
    assert look(client, inputs)["errors"]["data"][0]["code"] == "too_many_tasks"
    assert look(client, tokens)["status"] == "in_progress"


EMBEDDINGS = "/v1/embeddings"


def embedding(custom_id: str, given: object) -> Json:
    body = {"model": "text-embedding-3-small", "input": given}
    return {"custom_id": custom_id, "method": "POST", "url": EMBEDDINGS, "body": body}


def test_a_batch_passes_through_its_statuses(client: httpx.Client, clock: Clock) -> None:
    batch = submit(client, lines(chat(str(n)) for n in range(100)))

    seen = [look(client, batch)["status"] for _ in clock.ticks(40, step=2)]

    assert list(dict.fromkeys(seen)) == ["validating", "in_progress", "finalizing", "completed"]
    ended = look(client, batch)
    assert ended["in_progress_at"] == ended["created_at"] + 4
    assert ended["finalizing_at"] == ended["created_at"] + 36
    assert ended["completed_at"] == ended["created_at"] + 38


def test_polling_late_shows_what_polling_often_shows(clock: Clock) -> None:
    content = lines(chat(str(n)) for n in range(20))
    early, late = (http(SmallOpenAI(clock=clock.seconds, seed=7)) for _ in range(2))
    batch, same = submit(early, content), submit(late, content)

    for _ in range(100):
        clock.advance(1)
        look(early, batch)

    assert look(early, batch) == look(late, same)
    assert results(early, look(early, batch)["output_file_id"]) == results(
        late, look(late, same)["output_file_id"]
    )


def test_time_can_be_sped_up(clock: Clock) -> None:
    client = http(SmallOpenAI(clock=clock.seconds, settings=SmallSettings(speed=100)))
    batch = submit(client, lines([chat("a")]))

    clock.advance(1)

    assert look(client, batch)["status"] == "completed"


def test_a_cancellation_before_any_work_leaves_no_files(client: httpx.Client, clock: Clock) -> None:
    batch = submit(client, lines([chat("a")]))
    client.post(f"/v1/batches/{batch['id']}/cancel")

    clock.advance(10)

    ended = look(client, batch)
    assert (ended["status"], ended["output_file_id"], ended["error_file_id"]) == (
        "cancelled",
        None,
        None,
    )


def test_outputs_expire_when_output_expires_after_says(client: httpx.Client, clock: Clock) -> None:
    expiry = {"anchor": "created_at", "seconds": 3_600}
    batch = submit(client, lines([chat("a")]), output_expires_after=expiry)
    clock.advance(50)
    output = look(client, batch)["output_file_id"]
    assert client.get(f"/v1/files/{output}").json()["purpose"] == "batch_output"

    clock.advance(3_600)

    assert client.get(f"/v1/files/{output}/content").status_code == 404
    assert look(client, batch)["output_file_id"] == output


def test_a_model_has_a_limit_of_enqueued_tokens(clock: Clock) -> None:
    content = lines(chat(str(n)) for n in range(10))
    body = orjson.dumps(chat("0")["body"])
    needs = 10 * ceil(len(body) / 4)
    small = SmallOpenAI(
        clock=clock.seconds, settings=SmallSettings(enqueued_limits={"gpt-5-mini": 2 * needs})
    )
    client = http(small)
    batches = [submit(client, content) for _ in range(3)]

    clock.advance(5)

    assert [look(client, batch)["status"] for batch in batches] == [
        "in_progress",
        "in_progress",
        "failed",
    ]
    (error,) = look(client, batches[2])["errors"]["data"]
    assert (error["code"], error["line"]) == ("token_limit_exceeded", None)
    assert error["message"].startswith(
        "Enqueued token limit reached for gpt-5-mini in organization org-small. "
        f"Limit: {2 * needs:,} enqueued tokens."
    )
    clock.advance(100)
    again = submit(client, content)
    clock.advance(5)
    assert look(client, again)["status"] == "in_progress"
    assert small.peak_enqueued == {"gpt-5-mini": 2 * needs}
    clock.advance(100)
    assert small.enqueued == {"gpt-5-mini": 0}


def test_creations_and_uploads_are_rate_limited(clock: Clock) -> None:
    small = SmallOpenAI(
        clock=clock.seconds, settings=SmallSettings(creations_per_hour=2, uploads_per_minute=1)
    )
    client = http(small)
    file = upload(client, lines([chat("a")]))
    wanted = {"input_file_id": file, **GOOD}

    made = [client.post("/v1/batches", json=wanted).status_code for _ in range(3)]
    again = client.post(
        "/v1/files", data={"purpose": "batch"}, files={"file": ("a.jsonl", b"{}\n")}
    )

    assert made == [200, 200, 429]
    assert (again.status_code, again.json()["error"]["code"]) == (429, "rate_limit_exceeded")
    clock.advance(3_600)
    assert client.post("/v1/batches", json=wanted).status_code == 200


def test_requests_end_as_their_text_asks(client: httpx.Client, clock: Clock) -> None:
    requests = [chat(name, f"please small-openai:{name} now") for name in ("429", "500", "timeout")]
    requests += [
        chat(name, metadata={"fate": f"small-openai:{name}"}) for name in ("missing", "400")
    ]
    requests += [chat("status0", user="small-openai:status0"), chat("good")]
    batch = submit(client, lines(requests))

    clock.advance(100)

    ended = look(client, batch)
    output = {line["custom_id"]: line for line in results(client, ended["output_file_id"])}
    errors = {line["custom_id"]: line for line in results(client, ended["error_file_id"])}
    assert sorted(output) == ["good"]
    assert sorted(errors) == ["400", "429", "500", "status0", "timeout"]
    assert errors["status0"]["response"] == {"status_code": 0, "request_id": "", "body": {}}
    assert errors["status0"]["error"] is None
    assert errors["429"]["response"]["status_code"] == 429
    assert errors["500"]["error"] is None
    assert errors["timeout"] == errors["timeout"] | {
        "response": None,
        "error": {"code": "request_timeout", "message": "This request timed out."},
    }
    assert ended["request_counts"] == {"total": 7, "completed": 3, "failed": 4}


def test_a_request_may_fail_only_for_its_first_attempts(
    client: httpx.Client, small: SmallOpenAI, clock: Clock
) -> None:
    content = lines(
        [chat("thrice", "small-openai:500-until-attempt-3"), chat("once", "small-openai:429-once")]
    )
    batches = [submit(client, content, metadata={**JOB, "attempt": n}) for n in ("1", "2", "3")]

    clock.advance(100)

    failed = [
        sorted(line["custom_id"] for line in results(client, look(client, batch)["error_file_id"]))
        for batch in batches
    ]
    assert failed == [["once", "thrice"], ["thrice"], []]
    assert sorted(custom_id for _, custom_id in small.billed) == ["once", "once", "thrice"]


@pytest.mark.parametrize(
    ("change", "param", "message"),
    [
        ({"messages": []}, "messages", "empty array"),
        ({"messages": "hello"}, "messages", "Invalid type for 'messages'"),
        ({"messages": [{"content": "x"}]}, "messages[0].role", "Missing required parameter"),
        ({"messages": [{"role": "boss"}]}, "messages[0].role", "Invalid value: 'boss'"),
        ({"temperature": 3}, "temperature", "decimal above maximum value"),
    ],
)
def test_a_wrong_body_is_a_400_in_the_error_file(
    client: httpx.Client,
    small: SmallOpenAI,
    clock: Clock,
    *,
    change: Json,
    param: str,
    message: str,
) -> None:
    batch = submit(client, lines([chat("bad", **change)]))

    clock.advance(100)

    ended = look(client, batch)
    (line,) = results(client, ended["error_file_id"])
    assert (ended["status"], ended["output_file_id"]) == ("completed", None)
    assert (line["error"], line["response"]["status_code"]) == (None, 400)
    assert line["response"]["body"]["error"]["param"] == param
    assert message in line["response"]["body"]["error"]["message"]
    assert small.billed == []


@pytest.mark.parametrize(
    ("endpoint", "body", "shape"),
    [
        ("/v1/completions", {"prompt": "Hello"}, "text_completion"),
        ("/v1/responses", {"input": [{"role": "user", "content": "Hello"}]}, "response"),
        ("/v1/embeddings", {"input": ["a", "b"]}, "list"),
        ("/v1/moderations", {"input": "Hello"}, None),
        ("/v1/images/generations", {"prompt": "A cat"}, None),
        ("/v1/images/edits", {"prompt": "A cat", "images": []}, None),
        ("/v1/videos", {"prompt": "A cat"}, "video"),
    ],
)
def test_every_endpoint_answers_in_its_shape_repeatably(
    client: httpx.Client, clock: Clock, endpoint: str, body: Json, shape: str | None
) -> None:
    line = {
        "custom_id": "a",
        "method": "POST",
        "url": endpoint,
        "body": {"model": "gpt-5-mini", **body},
    }
    first, second = (submit(client, lines([line]), endpoint) for _ in range(2))

    clock.advance(100)

    one, two = (results(client, look(client, b)["output_file_id"])[0] for b in (first, second))
    assert one["response"]["body"] == two["response"]["body"]
    assert one["response"]["body"].get("object") == shape
    assert one["id"] != two["id"]
