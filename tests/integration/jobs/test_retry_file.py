"""retry.jsonl holds the failed requests as they were asked, ready to be dropped again."""

import gzip
import json

import pytest

from shared.jobs.model import Job, JobState
from tests.support.batch_files import chat, lines, question
from tests.support.libraries import Folder
from tests.support.names import INBOX
from tests.support.refusing_s3 import Refusal, RefusingSession
from tests.support.world import World

MODELS = ("gpt-5-mini", "gpt-4.1", "o4-mini")


def retry_file(world: World, job: Job) -> bytes:
    return world.read(world.report(job)["files"]["retry"])


def mixed(count: int) -> list[bytes]:
    """Every third fails; models take turns, so no part's lines lie side by side."""
    texts = ("Hello", "small-openai:400", "ü 😀")
    asked = [chat(f"r{n}", texts[n % 3], model=MODELS[n % 2]) for n in range(count)]
    return [json.dumps(each, ensure_ascii=n % 2 == 0).encode() for n, each in enumerate(asked)]


@pytest.mark.parametrize("name", ["file.jsonl", "file.jsonl.gz"])
@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\n\n \n"])
def test_failed_requests_come_back_in_their_own_bytes_and_order(
    world: World, name: str, newline: bytes
) -> None:
    asked = mixed(30)
    content = b"\xef\xbb\xbf" + newline.join(asked)
    packed = gzip.compress(content) if name.endswith(".gz") else content

    job = world.run_job(name, packed)

    found = retry_file(world, job)
    assert [line.rstrip(b"\r") for line in found.splitlines()] == asked[1::3]
    assert job.state is JobState.COMPLETED_WITH_FAILURES


def test_retry_file_can_be_dropped_as_it_is(world: World) -> None:
    requests = [chat("a"), chat("b", "small-openai:500-until-attempt-2"), chat("c")]
    first = world.run_job("file.jsonl", lines(requests), max_attempts="1")

    second = world.run_job("again.jsonl", retry_file(world, first), max_attempts="2")

    assert first.state is JobState.COMPLETED_WITH_FAILURES
    assert second.state is JobState.COMPLETED
    assert [each["custom_id"] for each in world.results(second)] == ["b"]


def test_bad_lines_left_out_are_not_in_the_retry_file(world: World) -> None:
    bad = chat("b", "small-openai:400")
    content = b"nonsense\n" + lines([chat("a"), bad]) + b"{}\n" + lines([chat("c")])

    job = world.run_job("file.jsonl", content, bad_lines="skip")

    assert retry_file(world, job) == lines([bad])


def test_every_request_of_a_refused_batch_is_in_the_retry_file(world: World) -> None:
    requests = [chat(f"r{n}", model="gpt-nonexistent") for n in range(5)]

    job = world.run_job("file.jsonl", lines(requests))

    assert job.state is JobState.FAILED
    assert retry_file(world, job) == lines(requests)


def test_retry_file_names_the_library_as_the_dropped_file_did(world: World) -> None:
    folder = Folder(world)
    folder.put("cats.md", "Cats sleep.")
    folder.settle()
    asked = lines([question("small-openai:400 cats?", "library:handbook"), chat("a")])

    job = world.run_job("file.jsonl", asked)

    assert retry_file(world, job) == asked.splitlines(keepends=True)[0]


@pytest.mark.parametrize("name", ["results", "errors", "extras-1"])
@pytest.mark.parametrize("prefix", [b"", b"\n \n", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("options", [{}, {"bad_lines": "skip"}])
def test_our_own_output_is_recognised_when_it_is_dropped(
    world: World, name: str, prefix: bytes, options: dict[str, str]
) -> None:
    world.small.misbehave("unknown_custom_id")
    first = world.run_job("file.jsonl", lines([chat("a", "small-openai:400"), chat("b")]))
    output = world.read(world.report(first)["files"][name])

    job = world.run_job("again.jsonl", prefix + output, **options)

    assert output
    assert job.state is JobState.REJECTED
    (problem,) = json.loads(world.read(f"{job.results_prefix}report.json"))["problems"]
    assert (problem["code"], problem.get("line")) == ("output_file", None)
    assert "drop retry.jsonl" in problem["remedy"]


@pytest.mark.parametrize("name", ["again.jsonl", "again.jsonl.gz"])
@pytest.mark.parametrize("size", [10, 300_000])
def test_output_of_a_batch_made_elsewhere_is_recognised(world: World, name: str, size: int) -> None:
    answer = {"choices": [{"message": {"content": "x" * size}}]}
    response = {"status_code": 200, "request_id": "r", "body": answer}
    line = {"id": "batch_req_1", "custom_id": "a", "response": response, "error": None}
    output = lines([line, line | {"custom_id": "b"}])

    job = world.run_job(name, gzip.compress(output) if name.endswith(".gz") else output)

    (problem,) = world.report(job)["problems"]
    assert problem["code"] == "output_file"


def test_job_without_failures_has_no_retry_file(world: World) -> None:
    job = world.run_job("file.jsonl", lines([chat("a")]))

    assert "retry" not in world.report(job)["files"]
    assert world.keys(f"{job.results_prefix}retry") == []


@pytest.mark.parametrize(
    "refusal",
    [
        Refusal(404, "NoSuchVersion"),
        Refusal(403, "InvalidObjectState"),
        Refusal(403, "AccessDenied"),
        Refusal(400, "KMS.DisabledException"),
    ],
    ids=lambda refusal: refusal.code,
)
def test_job_whose_dropped_file_cannot_be_read_any_more_ends_and_says_so(
    world: World, refusal: Refusal
) -> None:
    content = gzip.compress(lines([chat("a", "small-openai:400")]))
    dropped = world.drop("file.jsonl.gz", content)
    world.run_functions()
    refusing = RefusingSession(refusal, "GetObject", while_=lambda: True, within=INBOX)
    world.edges = world.connect(refusing)
    world.run_until_over(dropped)

    report = world.report(world.job(dropped))
    assert report["notes"] == [
        "The dropped file can't be read any more, so there is no retry.jsonl."
    ]
    assert "retry" not in report["files"]
