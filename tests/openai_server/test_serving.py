"""The small OpenAI on real sockets, and as a process of its own."""

import gc
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from local.openai import SmallOpenAI, SmallSettings, serving
from local.paths import ROOT
from tests.support.batch_files import chat, lines
from tests.support.clock import Clock
from tests.support.small_openai import http, look, submit, upload

KEY = {"Authorization": "Bearer sk-test-123456"}


@pytest.fixture
def small() -> SmallOpenAI:
    return SmallOpenAI(clock=Clock().seconds, settings=SmallSettings(max_file_bytes=100_000))


@pytest.fixture
def wire(small: SmallOpenAI) -> Iterator[httpx.Client]:
    with serving(small) as url, httpx.Client(base_url=url[:-3], headers=KEY) as client:
        yield client


def test_after_a_dropped_connection_the_next_one_works(
    small: SmallOpenAI, wire: httpx.Client
) -> None:
    small.misbehave("cut_after", route="create_batch")

    with pytest.raises(httpx.RemoteProtocolError):
        submit(wire, lines([chat("a")]))

    assert [shown["id"] for shown in wire.get("/v1/batches").json()["data"]] == list(small.batches)


def test_work_may_be_done_without_an_answer(small: SmallOpenAI, wire: httpx.Client) -> None:
    small.misbehave("silent_after", route="create_batch")
    wire.timeout = httpx.Timeout(0.2)

    with pytest.raises(httpx.ReadTimeout):
        submit(wire, lines([chat("a")]))

    assert len(wire.get("/v1/batches").json()["data"]) == 1


def test_each_of_many_parallel_callers_gets_its_own_answer(
    wire: httpx.Client, small: SmallOpenAI
) -> None:
    with ThreadPoolExecutor(max_workers=8) as callers:
        made = list(callers.map(lambda n: submit(wire, lines([chat(str(n))])), range(40)))

    assert len({batch["id"] for batch in made}) == len(small.batches) == 40
    assert len({batch["input_file_id"] for batch in made}) == len(small.files) == 40


def test_a_dropped_download_ends_early(small: SmallOpenAI, wire: httpx.Client) -> None:
    file = upload(wire, lines([chat("a")]))
    small.misbehave("download_cut", after_bytes=20)

    with pytest.raises(httpx.RemoteProtocolError):
        wire.get(f"/v1/files/{file}/content")

    assert wire.get(f"/v1/files/{file}/content").content == lines([chat("a")])


@pytest.mark.parametrize("cut", [True, False])
def test_an_unread_download_in_process_leaves_no_file_open(small: SmallOpenAI, cut: bool) -> None:
    client = http(small)
    file = upload(client, lines([chat("a")]))
    if cut:
        small.misbehave("download_cut", after_bytes=20)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")

        request = client.build_request("GET", f"/v1/files/{file}/content")
        small.transport().handle_request(request)
        gc.collect()

    assert caught == []


def test_an_unread_body_does_not_disturb_the_next_request(wire: httpx.Client) -> None:
    body = {"file": ("a.jsonl", lines([chat("a")] * 50))}
    refused = wire.post("/v1/files", files=body, headers={"Authorization": "Bearer nonsense"})

    assert refused.status_code == 401
    assert wire.get("/v1/files").json()["data"] == []


def test_a_file_that_is_too_large_is_refused(wire: httpx.Client) -> None:
    little, much = (
        wire.post("/v1/files", data={"purpose": "user_data"}, files={"file": ("a", b"x" * size)})
        for size in (100_001, 3_000_000)
    )

    assert (little.status_code, little.json()["error"]["message"]) == (413, "File is too large.")
    assert (much.status_code, much.json()["error"]["message"]) == (413, "Request Entity Too Large")


def test_a_body_may_come_in_chunks(wire: httpx.Client) -> None:
    chunks = iter([b'{"input_file_id": "file-x", "endpoint": "/v1/resp', b'onses"}'])

    answer = wire.post("/v1/batches", content=chunks)

    assert answer.json()["error"]["param"] == "completion_window"


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/v1/nothing", 404, "Invalid URL (GET /v1/nothing)"),
        ("PATCH", "/v1/files", 405, "Invalid method for URL (PATCH /v1/files)"),
        ("GET", "/v1/files?limit=0", 400, "Expected a value >= 1, but got 0"),
        ("GET", "/v1/batches?limit=101", 400, "Expected a value <= 100, but got 101"),
        ("GET", "/v1/files?order=up", 400, "Invalid value: 'up'"),
        ("GET", "/v1/batches?after=batch_x", 400, "No object found with id 'batch_x'."),
        ("POST", "/v1/files", 400, "Missing required parameter: 'purpose'."),
    ],
)
def test_unknown_calls_are_refused(
    wire: httpx.Client, method: str, path: str, status: int, words: str
) -> None:
    answer = wire.request(method, path)

    assert answer.status_code == status
    assert words in answer.json()["error"]["message"]
    assert answer.headers["x-request-id"].startswith("req_")


def test_invalid_json_is_refused(wire: httpx.Client) -> None:
    answer = wire.post("/v1/batches", content=b"{", headers={"Content-Type": "application/json"})

    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith("We could not parse the JSON body")


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({}, "You didn't provide an API key."),
        ({"Authorization": "Basic sk-x"}, "You didn't provide an API key."),
        ({"Authorization": "Bearer wrong-key"}, "Incorrect API key provided: wr********ey."),
    ],
)
def test_without_a_valid_key_every_call_is_refused(
    small: SmallOpenAI, headers: dict[str, str], words: str
) -> None:
    client = httpx.Client(transport=small.transport(), base_url="http://small", headers=headers)

    answer = client.get("/v1/files")

    assert answer.status_code == 401
    assert words in answer.json()["error"]["message"]


def test_the_command_serves_until_it_is_stopped(tmp_path: Path) -> None:
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "local", "openai"),
            *("--speed", "10000", "--enqueued-limit", "gpt-5-mini=5"),
            *("--quirk", "error_503_before:1,route=list_files", "--quirk", "extra_fields"),
        ],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        assert process.stdout
        url = process.stdout.readline().removeprefix("small OpenAI at ").strip()
        with httpx.Client(base_url=url[:-3], headers=KEY) as client:
            assert [client.get("/v1/files").status_code for _ in range(2)] == [503, 200]
            batch = submit(client, lines([chat("a")]))
            assert "priority" in look(client, batch)
            assert client.get("/_small/state").json()["enqueued_limits"] == {"gpt-5-mini": 5}
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
        assert process.stdout.read() == ""


def test_answers_show_the_time_of_the_clock(small: SmallOpenAI) -> None:
    assert http(small).get("/v1/files").headers["Date"] == "Sun, 01 Nov 2026 00:00:00 GMT"
