"""What the report of a dropped file says beyond the counts."""

import json
from typing import Any

from moto import mock_aws

from local.openai import SmallSettings
from shared.jobs.cancel import cancel
from shared.jobs.model import Job, JobState
from tests.support.batch_files import chat, chats, lines
from tests.support.world import World

BAD = (
    b'{"custom_id": "b", "method": "PUT", "url": "<script>", "body": {"x": "'
    + b"y" * 500
    + b'"}}\n'
)


def problems_of(world: World, job: Job) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = world.report(job)["problems"]
    return found


def test_report_of_a_refused_file_shows_how_its_bad_lines_begin(world: World) -> None:
    job = world.run_job("file.jsonl", lines([chat("a")]) + BAD + b"nonsense \xff\n")

    shown = {(each["line"], each["excerpt"]) for each in problems_of(world, job)}
    assert shown == {(2, BAD.decode()[:119] + "…"), (3, "nonsense \ufffd")}
    page = world.read(world.report(job)["files"]["page"]).decode()
    assert "&lt;script&gt;" in page
    assert "<script>" not in page


def test_report_shows_how_the_lines_that_were_left_out_begin(world: World) -> None:
    job = world.run_job("file.jsonl", lines([chat("a")]) + b"nonsense\n", bad_lines="skip")

    assert [each["excerpt"] for each in world.report(job)["skipped"]["problems"]] == ["nonsense"]


def test_report_shows_the_first_three_answers_that_succeeded(world: World) -> None:
    requests = [chat("bad", "small-openai:400"), *(chat(f"r{n}", f"Word {n}") for n in range(9))]

    job = world.run_job("file.jsonl", lines(requests))

    samples = world.report(job)["samples"]
    assert [(each["custom_id"], each["line"]) for each in samples] == [
        ("r0", 2),
        ("r1", 3),
        ("r2", 4),
    ]
    assert all(f"Word {n}" in each["answer"] for n, each in enumerate(samples))
    assert "Word 2" in world.read(f"{job.results_prefix}report.html").decode()


def test_report_says_what_was_done_and_failed_in_each_part(world: World) -> None:
    requests = [chat("a"), chat("b", "small-openai:500-once"), chat("c", "small-openai:400")]

    job = world.run_job("file.jsonl", lines(requests))

    parts = world.report(job)["parts"]
    assert [(each["part"], each["done"], each["failed"]) for each in parts] == [
        (1, 1, 2),
        (100_001, 1, 0),
    ]
    page = world.read(f"{job.results_prefix}report.html").decode()
    assert "Part 1, second attempt" in page
    assert "2 parts (1 to try requests again)" in page


def test_report_counts_what_was_answered_of_a_cancelled_job(world: World) -> None:
    dropped = world.drop("file.jsonl", chats(2_000))
    world.run_functions()
    world.clock.advance(seconds=20)
    cancel(world.edges, dropped)
    world.tick(1)
    world.run_until_over(dropped)

    job = world.job(dropped)
    requests = world.report(job)["requests"]
    assert job.state is JobState.CANCELLED
    assert requests["answered"] == requests["succeeded"] == len(world.small.billed) < 2_000
    results = [json.dumps(each) for each in world.results(job)]
    assert requests["failed"] == sum("batch_cancelled" in each for each in results)


def test_report_says_how_long_the_job_waited_and_for_what() -> None:
    with mock_aws():
        world = World(SmallSettings(), settings={"enqueued_limits": "*=8000"})

        job = world.run_job("big.jsonl", lines(chat(f"a{n}", "x" * 4_000) for n in range(12)))

        report = world.report(job)
        longest = report["waited"][0]
        assert longest["reason"].startswith("no capacity")
        assert longest["seconds"] == max(s for p in report["parts"] for s in p["waited"].values())
        assert 60 <= longest["seconds"] < 3_600
        page = world.read(f"{job.results_prefix}report.html").decode()
        assert "Waited for" in page
