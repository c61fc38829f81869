"""The four functions over moto and the small OpenAI: what a user sees of a dropped file."""

import gzip
import json
from typing import Any

import pytest

from functions.intake.flow import take_in
from functions.land.flow import land
from functions.poll.flow import poll
from functions.submit.flow import submit
from shared.jobs.model import ENDED, JobState
from shared.jobs.part import PartState
from shared.objects import PartRef, Source
from tests.support.batch_files import chat, chats, lines
from tests.support.names import DATA, INBOX
from tests.support.world import World


def ids(results: list[dict[str, Any]]) -> list[str]:
    return [each["custom_id"] for each in results]


def test_dropped_file_ends_as_results_in_the_order_of_its_lines(world: World) -> None:
    job = world.run_job("some folder/a file.jsonl", chats(60))

    assert job.state is JobState.COMPLETED
    assert ids(world.results(job)) == [f"r/{number}" for number in range(1, 61)]
    assert world.read(f"{job.results_prefix}errors.jsonl") == b""
    assert job.results_prefix == f"results/some folder/a file/{job.id}/"
    assert world.report(job)["requests"] == {
        "total": 60,
        "succeeded": 60,
        "failed": 0,
        "retried": 0,
        "skipped": 0,
        "incomplete": 0,
        "answered": 60,
    }


def test_file_that_fits_goes_to_openai_without_a_copy(world: World) -> None:
    job = world.run_job("file.jsonl", chats(5))

    assert world.parts(job.id)[0].source.bucket == INBOX
    assert world.keys("parts/") == []


def test_mixed_compressed_file_ends_as_one_file_of_results(world: World) -> None:
    models = ["gpt-5-mini", "gpt-4.1", "o4-mini"]
    requests = [chat(f"r{n}", model=models[n % 3]) for n in range(90)]

    job = world.run_job("mixed.jsonl.gz", gzip.compress(lines(requests)))

    assert ids(world.results(job)) == [f"r{n}" for n in range(90)]
    report = world.report(job)
    assert sorted(part["model"] for part in report["parts"]) == sorted(models)
    assert set(report["usage_by_model"]) == set(models)


def test_event_delivered_five_times_makes_one_job_and_one_batch(world: World) -> None:
    job = world.drop("file.jsonl", chats(3))
    version = world.s3.head_object(Bucket=INBOX, Key="inbox/file.jsonl")["VersionId"]
    for _ in range(4):
        world.notify("inbox/file.jsonl", version)
    world.run_until_over(job)
    world.notify("inbox/file.jsonl", version)
    world.run_functions()

    assert len(world.small.batches) == 1
    assert len(world.small.billed) == 3


def test_two_intakes_at_once_make_one_job_and_one_batch(world: World) -> None:
    put = world.s3.put_object(Bucket=INBOX, Key="inbox/file.jsonl", Body=chats(3))
    source = Source(bucket=INBOX, key="inbox/file.jsonl", version=put["VersionId"], size=1)
    first, second = world.connect(), world.connect()

    job = take_in(first, source)
    again = take_in(second, source)
    world.run_until_over(job.id)

    assert again.id == job.id
    assert len(world.small.batches) == 1


def test_two_submits_at_once_make_one_batch(world: World) -> None:
    job = world.drop("file.jsonl", chats(3))
    world.run_functions()
    ask = PartRef(job=job, part=1)

    assert submit(world.connect(), ask) == "not now"
    assert submit(world.connect(), ask) == "not now"
    assert len(world.small.batches) == 1


@pytest.mark.parametrize("function", [submit, land])
def test_request_for_an_unknown_part_does_nothing(world: World, function: Any) -> None:
    assert function(world.edges, PartRef(job="0" * 16, part=1)) == "unknown"


def test_landing_again_after_the_end_changes_nothing(world: World) -> None:
    job = world.run_job("file.jsonl", chats(3))
    world.published()

    assert land(world.edges, PartRef(job=job.id, part=1)) == "completed"
    assert world.published() == []


def test_file_refused_by_openai_ends_as_a_failed_job_with_errors(world: World) -> None:
    requests = [chat("a"), chat("b", model="gpt-nonexistent"), chat("c", model="gpt-nonexistent")]

    job = world.run_job("file.jsonl", lines(requests[1:]))

    assert job.state is JobState.FAILED
    report = world.report(job)
    assert [error["code"] for error in report["parts"][0]["errors"]] == ["model_not_found"] * 2
    assert [error["line"] for error in report["parts"][0]["errors"]] == [1, 2]
    assert [each["error"]["code"] for each in world.results(job)] == ["model_not_found"] * 2
    assert world.small.billed == []


def test_refused_part_does_not_keep_the_others_from_landing(world: World) -> None:
    requests = [chat("a"), chat("b", model="gpt-nonexistent"), chat("c")]

    job = world.run_job("file.jsonl", lines(requests))

    assert job.state is JobState.COMPLETED_WITH_FAILURES
    assert [each["error"] and each["error"]["code"] for each in world.results(job)] == [
        None,
        "model_not_found",
        None,
    ]
    assert world.report(job)["parts"][0]["errors"] or world.report(job)["parts"][1]["errors"]


def test_bad_lines_are_skipped_if_the_option_says_so(world: World) -> None:
    content = lines([chat("a")]) + b"nonsense\n" + lines([chat("b")])

    job = world.run_job("file.jsonl", content, bad_lines="skip")

    assert ids(world.results(job)) == ["a", "b"]
    report = world.report(job)
    assert report["requests"]["skipped"] == 1
    assert [each["line"] for each in report["skipped"]["problems"]] == [2]


def test_options_reach_openai_and_the_report(world: World) -> None:
    job = world.run_job("file.jsonl", chats(1), metadata='{"team": "search"}', keep_files="true")

    (batch,) = world.small.batches.values()
    assert batch.metadata["team"] == "search"
    assert batch.metadata["job_id"] == job.id
    assert world.report(job)["options"]["metadata"] == {"team": "search"}
    assert len(world.small.files) == 2


def test_unknown_option_rejects_the_file_with_a_report(world: World) -> None:
    job = world.run_job("file.jsonl", chats(1), max_attempt="2")

    assert job.state is JobState.REJECTED
    report = json.loads(world.read(f"rejected/file/{job.id}/report.json"))
    assert [each["code"] for each in report["problems"]] == ["unknown_option"]


def test_file_deleted_before_it_was_read_ends_in_a_report(world: World) -> None:
    version = world.s3.put_object(Bucket=INBOX, Key="inbox/x.jsonl", Body=chats(1))["VersionId"]
    world.s3.delete_object(Bucket=INBOX, Key="inbox/x.jsonl", VersionId=version)
    job = take_in(world.edges, Source(bucket=INBOX, key="inbox/x.jsonl", version=version))

    assert job.state is JobState.REJECTED
    assert b"object_gone" in world.read(f"rejected/x/{job.id}/report.json")


def test_notifications_come_in_order(world: World) -> None:
    world.run_job("file.jsonl", chats(2))
    world.run_job("bad.jsonl", b"nonsense")

    subjects = world.subjects()
    assert subjects == ["Job Accepted", "Job Completed", "Job Rejected"]


def test_landed_files_are_deleted_at_openai(world: World) -> None:
    world.run_job("file.jsonl", lines([chat("a"), chat("b", "small-openai:400")]))

    assert world.small.files == {}


@pytest.mark.parametrize(
    ("name", "billed"), [("500", 3), ("429", 3), ("timeout", 3), ("status0", 3), ("missing", 3)]
)
def test_only_requests_that_may_succeed_are_retried(world: World, name: str, billed: int) -> None:
    requests = [chat("a"), chat("b", f"small-openai:{name}-until-attempt-2"), chat("c")]

    job = world.run_job("file.jsonl", lines(requests))

    assert [each["response"]["status_code"] for each in world.results(job)] == [200, 200, 200]
    report = world.report(job)
    assert report["requests"]["retried"] == 1
    assert [(part["attempt"], part["requests"]) for part in report["parts"]] == [(1, 3), (2, 1)]
    succeeded = [custom_id for _, custom_id in world.small.billed]
    assert sorted(set(succeeded)) == ["a", "b", "c"]
    assert succeeded.count("a") == 1


def test_request_is_tried_as_often_as_the_option_says(world: World) -> None:
    requests = [chat("a", "small-openai:500"), chat("b")]

    job = world.run_job("file.jsonl", lines(requests), max_attempts="2")

    report = world.report(job)
    assert [part["attempt"] for part in report["parts"]] == [1, 2]
    assert report["requests"]["failed"] == 1
    assert world.results(job)[0]["response"]["status_code"] == 500


def test_wrong_request_is_not_retried(world: World) -> None:
    job = world.run_job("file.jsonl", lines([chat("a", "small-openai:400"), chat("b")]))

    report = world.report(job)
    assert len(report["parts"]) == 1
    assert report["errors"][0]["count"] == 1
    assert report["errors"][0]["example_custom_id"] == "a"
    assert len(world.read(f"{job.results_prefix}errors.jsonl").splitlines()) == 1


def test_expired_batch_lands_what_was_done_and_retries_the_rest(world: World) -> None:
    world.small.misbehave("expires_partly", done=0.3)

    job = world.run_job("file.jsonl", chats(10))

    assert [each["response"]["status_code"] for each in world.results(job)] == [200] * 10
    assert world.report(job)["parts"][1]["requests"] == 7
    assert len(world.small.billed) == 10


@pytest.mark.parametrize(
    "quirk",
    [
        "empty_ids",
        "counts_wrong",
        "counts_missing",
        "usage_missing",
        "extra_fields",
        "zero_byte_error_file",
        "blank_lines",
        "bom",
        "paused",
        "no_files",
        "missing_lines",
        "malformed_line",
        "all_failed",
        "batch_vanishes",
        "download_cut",
        "download_ranges",
        "file_not_visible",
        "batch_not_visible",
    ],
)
def test_strange_batch_still_ends_with_every_request_answered(world: World, quirk: str) -> None:
    world.small.misbehave(quirk)

    job = world.run_job("file.jsonl", chats(6))

    assert ids(world.results(job)) == [f"r/{number}" for number in range(1, 7)]
    assert job.state in ENDED
    assert [part.state for part in world.parts(job.id) if part.state != PartState.LANDED] == []


def test_mark_before_the_first_answer_is_not_in_the_results(world: World) -> None:
    world.small.misbehave("bom")

    job = world.run_job("file.jsonl", chats(6))

    assert len(world.small.batches) == 1
    assert b"\xef\xbb\xbf" not in world.read(f"{job.results_prefix}results.jsonl")


@pytest.mark.parametrize("quirk", ["unknown_custom_id", "repeated_custom_id"])
def test_extra_answers_are_kept_aside_and_counted(world: World, quirk: str) -> None:
    world.small.misbehave(quirk)

    job = world.run_job("file.jsonl", chats(4))

    assert len(world.results(job)) == 4
    report = world.report(job)
    assert report["extra_answers"] == 1
    assert world.read(report["files"]["extras-1"]).count(b"\n") == 1


def test_batch_cancelled_at_openai_lands_what_was_done(world: World) -> None:
    world.small.misbehave("cancelled_by_someone", seconds=20)

    job = world.run_job("file.jsonl", chats(2000))

    report = world.report(job)
    assert len(world.results(job)) == 2000
    assert len(report["parts"]) == 1
    assert report["requests"]["succeeded"] == len(world.small.billed)


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_job_without_every_result_is_not_closed(world: World, kept: int) -> None:
    requests = [chat(f"r{n}", model=("gpt-5-mini", "gpt-4.1")[n % 2]) for n in range(6)]
    job = world.drop("file.jsonl", lines(requests))
    world.run_functions()
    world.clock.advance(minutes=5)
    poll(world.edges)
    land(world.edges, PartRef(job=job, part=1))
    landed = f"parts/{job}/000001.results.jsonl"
    lines_kept = world.read(landed).splitlines(keepends=True)[:kept]
    world.s3.put_object(Bucket=DATA, Key=landed, Body=b"".join(lines_kept))

    with pytest.raises((AssertionError, ValueError)):
        land(world.edges, PartRef(job=job, part=2))

    assert not world.job(job).over
    assert [each["Subject"][:12] for each in world.published()] == ["Job Accepted"]
