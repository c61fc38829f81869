"""Every field of every notification of a job says what ledger, report and buckets say."""

import json
import re
from typing import Any

import pytest
from moto import mock_aws

from functions.poll.sweep import sweep
from local.openai import SmallSettings
from local.paths import ROOT
from shared.jobs.cancel import cancel
from shared.jobs.model import Job
from tests.support.aws import drain, subscribe
from tests.support.batch_files import chat, chats, lines
from tests.support.names import DATA, INBOX
from tests.support.refusing_s3 import Refusal, RefusingSession
from tests.support.world import World

GOOD, BAD = chat("good"), chat("bad", "small-openai:400")
ENDS: dict[str, tuple[bytes, dict[str, str]]] = {
    "completed": (lines([GOOD]), {}),
    "completed_with_failures": (lines([GOOD, BAD]), {"max_failures": "50%"}),
    "failed": (lines([BAD]), {}),
    "rejected": (b"nonsense\n", {}),
}
Event = dict[str, Any]


def told(world: World) -> list[Event]:
    """What the bus delivered, oldest first; the topic said the same by its attributes."""
    events = [json.loads(body) for body in drain(world.session, world.queues["bus"])]
    for event, message in zip(events, world.published(), strict=True):
        attributes = {name: each["Value"] for name, each in message["MessageAttributes"].items()}
        state = {"state": event["detail"]["state"]} if "state" in event["detail"] else {}
        assert attributes == {"type": event["detail-type"], **state}
        assert message["Message"].endswith(f"id {event['detail']['id']}")
        assert message["Subject"].startswith(event["detail-type"])
    return events


@pytest.fixture
def heard(world: World) -> World:
    """A world whose bus is listened to."""
    world.queues["bus"] = subscribe(world.session, "bus", {"source": ["batchdrop"]})
    return world


def job_fields(job: Job, state: str) -> Event:
    return {
        "job": job.id,
        "state": state,
        "bucket": INBOX,
        "key": job.source.key,
        "requests": job.requests,
        "parts": job.parts,
        "estimated_prompt_tokens": job.tokens,
        **priced(job),
    }


def priced(job: Job) -> Event:
    """These requests set no limit to their answers; a rejected file has no price."""
    expected = job.estimate.expected if job.estimate else None
    return {"expected_usd": expected / 1_000_000} if expected else {}


def part_fields(world: World, job: Job, number: int) -> Event:
    (part,) = (each for each in world.parts(job.id) if each.number == number)
    return job_fields(job, "accepted") | {
        "part": part.number,
        "attempt": part.attempt,
        "model": part.model,
        "reason": part.reason,
        "part_requests": part.requests,
    }


def end_fields(world: World, job: Job, state: str) -> Event:
    report = world.report(job)
    files = {name: f"{job.results_prefix}{name}.jsonl" for name in ("results", "errors")}
    retry = f"{job.results_prefix}retry.jsonl"
    files |= {"retry": retry} if retry in world.keys(job.results_prefix) else {}
    files |= {"report": f"{job.results_prefix}report.json"}
    files |= {"page": f"{job.results_prefix}report.html"}
    assert set(files.values()) <= set(world.keys(job.results_prefix))
    assert (report["state"], report["reason"]) == (state, job.reason)
    requests = {name: report["requests"][name] for name in ("succeeded", "failed", "incomplete")}
    tokens = ("input_tokens", "output_tokens", "cached_tokens")
    usage = {name: report["usage"][name] for name in tokens}
    cost = {"cost_usd": report["cost"]["usd"], "unpriced_models": report["cost"]["unpriced_models"]}
    return job_fields(job, state) | requests | usage | cost | files


def rejected_fields(world: World, job: Job, state: str = "rejected") -> Event:
    key = f"{job.results_prefix}report.json"
    report = json.loads(world.read(key))
    assert report["state"] == job.state == state
    return job_fields(job, state) | {"problems": report["problems_total"], "report": key}


def without_ids(events: list[Event]) -> list[tuple[str, Event]]:
    shown = [(each["detail-type"], dict(each["detail"])) for each in events]
    assert all(len(detail.pop("id")) == 32 for _, detail in shown)
    return shown


@pytest.mark.parametrize("state", ENDS)
def test_every_field_about_an_end_is_that_of_the_world(heard: World, state: str) -> None:
    content, options = ENDS[state]

    job = heard.run_job("some folder/a file.jsonl", content, **options)

    title = f"Job {state.replace('_', ' ').title()}"
    accepted = [("Job Accepted", job_fields(job, "accepted"))] if job.requests else []
    ended = end_fields(heard, job, state) if job.requests else rejected_fields(heard, job)
    assert without_ids(told(heard)) == [*accepted, (title, ended)]
    assert job.state == state
    page = heard.read(f"{job.results_prefix}report.html").decode()
    assert f'class="badge {state}">{state.replace("_", " ")}<' in page


def test_every_field_about_a_cancelled_job_is_that_of_the_world(heard: World) -> None:
    dropped = heard.drop("file.jsonl", chats(2_000))
    heard.run_functions()
    heard.clock.advance(seconds=20)
    cancel(heard.edges, dropped)
    heard.tick(1)
    heard.run_until_over(dropped)

    job = heard.job(dropped)
    assert without_ids(told(heard)) == [
        ("Job Accepted", job_fields(job, "accepted")),
        ("Job Cancelled", end_fields(heard, job, "cancelled")),
    ]


def test_every_field_about_a_retry_is_that_of_the_world(heard: World) -> None:
    requests = [chat("a", "small-openai:500-once"), chat("b"), chat("c", "small-openai:429-once")]

    job = heard.run_job("file.jsonl", lines(requests))

    _, retried, ended = without_ids(told(heard))
    reason = "2 request(s) failed in a way that may pass"  # while it waits; no more, once it ran
    assert retried == ("Part Retried", part_fields(heard, job, 100_001) | {"reason": reason})
    assert retried[1]["part_requests"] == 2
    assert ended[1]["succeeded"] == 3


def test_every_field_about_a_waiting_part_is_that_of_the_world() -> None:
    with mock_aws():
        world = World(SmallSettings(), settings={"enqueued_limits": "*=8000"})
        world.queues["bus"] = subscribe(world.session, "bus", {"source": ["batchdrop"]})
        dropped = world.drop("big.jsonl", lines(chat(f"a{n}", "x" * 4_000) for n in range(12)))
        world.run_functions()

        events = [each for each in without_ids(told(world)) if each[0] == "Part Waiting"]
        expected = part_fields(world, world.job(dropped), events[0][1]["part"])
        assert events == [("Part Waiting", expected)]


def test_every_field_about_a_stuck_batch_is_that_of_the_world(heard: World) -> None:
    heard.small.misbehave("stuck_in_progress")
    dropped = heard.drop("file.jsonl", chats(3))
    heard.run_functions()
    heard.tick(21 * 3_600)

    job = heard.job(dropped)
    (part,) = heard.parts(dropped)
    batch = {"batch": part.batch_id, "status": heard.small.batches[part.batch_id or ""].status}
    assert without_ids(told(heard))[-1] == ("Part Stuck", part_fields(heard, job, 1) | batch)


def test_every_field_about_a_second_batch_is_that_of_the_world(heard: World) -> None:
    dropped = heard.drop("file.jsonl", chats(300))
    heard.run_functions()
    heard.clock.advance(seconds=20)
    (part,) = heard.parts(dropped)
    assert part.file_id
    second = heard.edges.openai.create_batch(part.file_id, part.endpoint, "24h", part.metadata)
    heard.tick(10)

    (found,) = [each for each in without_ids(told(heard)) if each[0] == "Second Batch Cancelled"]
    assert heard.small.batches[second.id].status in {"cancelling", "cancelled"}
    assert heard.parts(dropped)[0].batch_id == part.batch_id
    heard.run_until_over(dropped)
    billed = [id_ for id_, _ in heard.small.billed]
    assert 0 < found[1].pop("billed_twice") <= billed.count(second.id)
    assert found[1] == {
        "job": dropped,
        "part": 1,
        "cancelled": second.id,
        "kept": part.batch_id,
    }


def test_every_field_about_a_deleted_upload_is_that_of_the_world(heard: World) -> None:
    job = heard.run_job("file.jsonl", chats(1))
    orphan = heard.upload(f"{job.id}-1-1.jsonl")
    size = heard.small.files[orphan].bytes
    heard.clock.advance(hours=7)
    sweep(heard.edges)

    deleted = {"job": job.id, "part": 1, "file": orphan, "bytes": size}
    assert without_ids(told(heard))[-1] == ("Orphan File Deleted", deleted)
    assert orphan not in heard.small.files


def test_every_field_about_a_job_cancelled_while_it_is_checked_is_that_of_the_world(
    heard: World,
) -> None:
    dropped = heard.drop("a.jsonl", chats(2))
    busy = RefusingSession(Refusal(503, "SlowDown"), "GetObject", while_=lambda: True)
    heard.edges = heard.connect(busy)
    heard.run_functions()
    cancel(heard.edges, dropped)
    heard.tick()

    job = heard.job(dropped)
    fields = rejected_fields(heard, job, "cancelled")
    assert without_ids(told(heard)) == [("Job Cancelled", fields)]


def test_files_of_an_ended_job_are_in_the_bucket_it_names(heard: World) -> None:
    heard.run_job("file.jsonl", chats(3))

    detail = told(heard)[-1]["detail"]
    sizes = {
        name: heard.s3.head_object(Bucket=DATA, Key=detail[name])["ContentLength"]
        for name in ("results", "errors", "report", "page")
    }
    assert [name for name, size in sizes.items() if not size] == ["errors"]


def test_example_of_a_rule_hears_what_it_names(world: World) -> None:
    page = (ROOT / "docs" / "reference.md").read_text()
    (found,) = re.findall(r"--event-pattern '(.+)'", page)
    queue = subscribe(world.session, "bus", json.loads(found))

    world.run_job("fine.jsonl", lines([GOOD]))
    world.run_job("bad.jsonl", lines([BAD]))
    world.run_job("worse.jsonl", b"nonsense\n")

    types = [json.loads(body)["detail-type"] for body in drain(world.session, queue)]
    assert types == ["Job Failed", "Job Rejected"]
