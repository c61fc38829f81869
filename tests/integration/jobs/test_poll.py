"""The clock's function: many batches in few calls, and nothing left half-open."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import httpx
import pytest
from moto import mock_aws

from functions.poll.flow import poll
from functions.poll.sweep import sweep
from shared.jobs.cancel import cancel
from shared.jobs.model import JobState
from shared.jobs.part import PartState
from tests.support.aws import drain
from tests.support.batch_files import chat, chats, lines
from tests.support.interrupts import Killed
from tests.support.names import INBOX
from tests.support.refusing_s3 import Refusal, RefusingSession
from tests.support.wires import TwistedWire, named
from tests.support.world import World


def submitted(world: World, content: bytes, name: str = "file.jsonl") -> str:
    job = world.drop(name, content)
    world.run_functions()
    return job


def openai_calls(world: World) -> list[str]:
    return [call.route for call in world.small.calls]


def test_tick_looks_up_many_batches_in_few_calls() -> None:
    with mock_aws():
        world = World(settings={"max_part_requests": 1})
        submitted(world, chats(104))
        assert len(world.small.batches) == 104
        before = len(openai_calls(world))

        poll(world.edges)

        assert len(openai_calls(world)) - before <= math.ceil(104 / 100) + 2


def test_claim_whose_lease_ran_out_is_taken_over(world: World) -> None:
    job = world.drop("file.jsonl", chats(2))
    world.small.misbehave("quota_exhausted", route="upload")
    world.run_functions()
    (part,) = world.parts(job)
    claimed = part.claimed(world.clock(), world.config.lease)
    world.edges.ledger.take_capacity(part, claimed, world.edges.ledger.capacity(part.model))

    world.tick(60)
    assert world.parts(job)[0].state is PartState.SUBMITTING
    world.tick(world.config.lease_seconds)

    assert world.parts(job)[0].state is PartState.SUBMITTED
    world.run_until_over(job)
    assert [capacity.used for capacity in world.edges.ledger.capacities()] == [0]


def test_lost_message_to_land_is_sent_again(world: World) -> None:
    job = submitted(world, chats(2))
    world.clock.advance(minutes=2)
    poll(world.edges)
    world.sqs.purge_queue(QueueUrl=world.queues["land"])

    world.tick(16 * 60)

    assert world.job(job).state is JobState.COMPLETED


def test_lost_message_to_submit_is_sent_again(world: World) -> None:
    job = world.drop("file.jsonl", chats(2))
    world.run_function("intake")
    world.sqs.purge_queue(QueueUrl=world.queues["submit"])

    world.tick(16 * 60)

    assert world.parts(job)[0].state is PartState.SUBMITTED


def test_event_of_a_job_that_died_while_checking_is_replayed(world: World) -> None:
    job = world.drop("file.jsonl", chats(2))
    version = world.s3.head_object(Bucket=INBOX, Key="inbox/file.jsonl")["VersionId"]
    world.sqs.purge_queue(QueueUrl=world.queues["intake"])
    world.open_only("inbox/file.jsonl", version)

    world.tick(2 * 3600)
    world.run_until_over(job)

    assert world.job(job).state is JobState.COMPLETED


def test_second_batch_of_a_part_is_cancelled_and_published(world: World) -> None:
    job = submitted(world, chats(300))
    (part,) = world.parts(job)
    world.clock.advance(seconds=20)
    assert part.file_id
    world.edges.openai.create_batch(part.file_id, part.endpoint, "24h", part.metadata)
    world.published()

    world.tick(1)

    first, second = sorted(world.small.batches.values(), key=lambda batch: batch.created_at)
    assert first.id == world.parts(job)[0].batch_id
    assert second.status in {"cancelling", "cancelled"}
    assert "Second Batch Cancelled" in world.published()[0]["Subject"]
    world.run_until_over(job)
    assert len(world.results(world.job(job))) == 300


def test_older_of_two_batches_is_kept_if_the_ledger_knows_the_younger(
    world: World,
) -> None:
    job = submitted(world, chats(300))
    (part,) = world.parts(job)
    world.clock.advance(seconds=20)
    assert part.file_id
    younger = world.edges.openai.create_batch(part.file_id, part.endpoint, "24h", part.metadata)
    world.edges.ledger.replace_part(part, part.with_batch(younger))

    world.tick(1)

    assert world.parts(job)[0].batch_id == part.batch_id
    assert world.small.batches[younger.id].status in {"cancelling", "cancelled"}


@pytest.mark.parametrize("quirk", ["stuck_validating", "stuck_in_progress"])
def test_stuck_batch_is_published_once(world: World, quirk: str) -> None:
    world.small.misbehave(quirk)
    submitted(world, chats(3))
    world.published()
    for _ in range(3):
        world.tick(21 * 3600 / 3 + 60)

    assert [each["Subject"][:10] for each in world.published()] == ["Part Stuck"]


def test_failure_at_one_part_does_not_hold_up_the_others(world: World) -> None:
    jobs = [submitted(world, chats(1), f"{n}.jsonl") for n in range(3)]
    broken = world.parts(jobs[0])[0]
    world.small.misbehave("error_500_before", times=None, route="retrieve_batch")
    world.small.misbehave("batch_not_listed", seconds=10**6, batch=broken.batch_id)
    world.clock.advance(minutes=3)

    with pytest.raises(ExceptionGroup):
        poll(world.edges)
    world.run_functions()

    assert [world.job(job).state for job in jobs[1:]] == [JobState.COMPLETED] * 2


def test_unknown_status_is_kept_and_waited_out(world: World) -> None:
    world.small.misbehave("paused", seconds=600)
    job = submitted(world, chats(3))
    world.tick(60)

    (part,) = world.parts(job)
    assert (part.state, part.batch_status) == (PartState.SUBMITTED, "paused")
    world.run_until_over(job)
    assert len(world.small.batches) == 1
    assert len(world.small.billed) == 3


def test_batch_that_is_slow_to_show_up_is_not_taken_for_gone(world: World) -> None:
    world.small.misbehave("batch_not_visible", seconds=600)
    job = submitted(world, chats(3))
    for _ in range(3):
        world.tick(60)

    world.run_until_over(job)

    assert len(world.small.batches) == 1
    assert len(world.small.billed) == 3


def test_cancelled_job_ends_waiting_parts_and_lands_what_was_done(world: World) -> None:
    job = submitted(world, chats(2000))
    world.clock.advance(seconds=20)
    assert cancel(world.edges, job) == "cancelling"
    assert cancel(world.edges, job) == "cancelling"
    poll(world.edges)

    world.run_until_over(job)

    ended = world.job(job)
    assert ended.state is JobState.CANCELLED
    assert len(world.results(ended)) == 2000
    report = world.report(ended)
    assert report["requests"]["succeeded"] == len(world.small.billed) > 0
    assert cancel(world.edges, job) == "cancelled"


def test_cancel_that_comes_too_late_leaves_a_job_completed(world: World) -> None:
    job = submitted(world, chats(2))
    world.clock.advance(seconds=600)
    cancel(world.edges, job)

    world.run_until_over(job)

    assert world.job(job).state is JobState.COMPLETED


def test_job_cancelled_before_it_has_a_batch_creates_none(world: World) -> None:
    world.small.misbehave("quota_exhausted", route="upload")
    job = submitted(world, lines([chat("a"), chat("b", model="gpt-4.1")]))
    cancel(world.edges, job)

    world.run_until_over(job)

    assert world.job(job).state is JobState.CANCELLED
    assert len(world.results(world.job(job))) == 2
    assert len(world.small.billed) <= 1


def test_cancel_of_an_unknown_job_says_so(world: World) -> None:
    assert cancel(world.edges, "0" * 16) == "unknown"


def test_sweep_replays_files_whose_event_was_lost(world: World) -> None:
    put = world.s3.put_object(Bucket=INBOX, Key="inbox/a silent+one.jsonl", Body=chats(2))
    world.clock.moment = datetime.now(UTC)
    world.clock.advance(hours=2)

    assert sweep(world.edges)["FilesReplayed"] == 1
    world.run_functions()
    assert sweep(world.edges)["FilesReplayed"] == 0
    assert len(world.small.batches) == 1
    assert put["VersionId"]


def test_sweep_deletes_uploads_that_no_part_needs(world: World) -> None:
    job = world.run_job("file.jsonl", chats(1))
    orphan, other = world.upload(f"{job.id}-1-1.jsonl"), world.upload("somebody.jsonl")
    world.clock.advance(hours=7)
    assert sweep(world.edges)["UploadsDeleted"] == 1

    assert orphan not in world.small.files
    assert other in world.small.files


class DiesAfterLanding(boto3.Session):
    """Once the last part has landed, and before its job is closed."""

    def __init__(self, last: int) -> None:
        super().__init__(region_name="us-east-1")
        self._left = last
        self.events.register_last("after-call.dynamodb.TransactWriteItems", self._count)

    def _count(self, **_: Any) -> None:
        self._left -= 1
        if self._left == 0:
            raise Killed("landed")


def test_job_closes_though_the_message_of_its_last_part_is_lost() -> None:
    with mock_aws():
        world = World(settings={"max_part_requests": 1})
        job = world.drop("a.jsonl", chats(2))
        world.run_functions()
        world.clock.advance(hours=1)
        poll(world.edges)
        dying = world.connect(DiesAfterLanding(last=2))
        with pytest.raises(Killed):
            world.run_functions(dying)
        assert {part.state for part in world.parts(job)} == {PartState.LANDED}

        for _ in range(6):  # nothing is delivered again
            world.tick(900)

        assert world.job(job).state is JobState.COMPLETED


def test_landing_is_asked_for_once_while_it_works(world: World) -> None:
    world.drop("a.jsonl", chats(1))
    world.run_functions()
    world.clock.advance(hours=1)
    for _ in range(5):
        poll(world.edges)
        world.clock.advance(seconds=60)
    assert len(drain(world.session, world.queues["land"])) == 1

    world.clock.advance(seconds=900)
    poll(world.edges)
    assert len(drain(world.session, world.queues["land"])) == 1


def test_age_of_a_job_counts_from_its_drop_and_not_from_its_last_step(world: World) -> None:
    begun = world.clock()
    busy = lambda: world.clock() < begun + timedelta(minutes=30)  # noqa: E731
    world.edges = world.connect(RefusingSession(Refusal(503, "SlowDown"), "GetObject", while_=busy))
    world.small.misbehave("stuck_in_progress")
    job = world.drop("a.jsonl", chats(1))
    world.run_functions()
    while world.job(job).state is JobState.CHECKING:
        world.tick(60)
    assert world.clock() - begun >= timedelta(minutes=30)

    world.clock.moment = max(world.job(job).due, world.clock())
    age = (world.clock() - begun).total_seconds()

    assert poll(world.edges)["OldestOpenJobSeconds"] == age


@pytest.mark.parametrize("after", [timedelta(minutes=50), timedelta(days=15)])
def test_sweep_leaves_a_file_alone_that_is_new_or_old(world: World, after: timedelta) -> None:
    """The event of a new one may be on its way; an old one is nobody's any more."""
    world.s3.put_object(Bucket=INBOX, Key="inbox/a.jsonl", Body=chats(1))
    world.clock.moment = datetime.now(UTC) + after

    assert sweep(world.edges)["FilesReplayed"] == 0


def test_sweep_leaves_files_that_a_person_keeps(world: World) -> None:
    world.run_job("a.jsonl", chats(1), keep_files="true")
    kept = set(world.small.files)
    world.clock.advance(hours=30)

    sweep(world.edges)

    assert set(world.small.files) == kept
    assert kept


def test_sweep_leaves_an_upload_that_may_be_about_to_have_its_batch(world: World) -> None:
    job = world.run_job("a.jsonl", chats(1))
    orphan = world.upload(f"{job.id}-1-1.jsonl")
    world.clock.advance(hours=5)
    assert sweep(world.edges)["UploadsDeleted"] == 0
    assert set(world.small.files) == {orphan}

    world.clock.advance(hours=2)
    assert sweep(world.edges)["UploadsDeleted"] == 1


def test_sweep_leaves_the_input_of_a_batch_that_runs(world: World) -> None:
    world.small.misbehave("stuck_in_progress")
    submitted(world, chats(1))
    (file,) = world.small.files
    world.clock.advance(hours=7)

    sweep(world.edges)

    assert set(world.small.files) == {file}


def with_raw_ids(request: httpx.Request, response: httpx.Response) -> httpx.Response | None:
    """Lists files by other ids than an upload got, as LiteLLM's proxy does."""
    if named(request) != "GET /v1/files":
        return None
    body = response.json()
    for file in body["data"]:
        file["id"] = f"raw-{file['id']}"
    return httpx.Response(response.status_code, json=body)


@pytest.mark.parametrize("keep_files", ["true", "false"])
def test_sweep_knows_an_input_by_its_name_where_lists_have_other_ids(
    world: World, keep_files: str
) -> None:
    world.small.misbehave("stuck_in_progress")
    world.drop("a.jsonl", chats(1))
    kept = world.run_job("b.jsonl", chats(2), keep_files=keep_files)
    world.clock.advance(hours=7)
    behind = world.connect(transport=TwistedWire(world.small.transport(), after=with_raw_ids))

    assert sweep(behind)["UploadsDeleted"] == 0
    assert kept.state == "completed"


def test_sweep_deletes_the_upload_that_lost_the_race_of_a_part_that_runs(world: World) -> None:
    world.small.misbehave("stuck_in_progress")
    job = submitted(world, chats(1))
    (file,) = world.small.files
    loser = world.upload(f"{job}-1-1.jsonl")
    world.clock.advance(hours=7)

    assert sweep(world.edges)["UploadsDeleted"] == 1
    assert (file in world.small.files, loser in world.small.files) == (True, False)


def test_sweep_replays_the_newest_of_two_versions(world: World) -> None:
    for content in (chats(1), chats(2)):
        put = world.s3.put_object(Bucket=INBOX, Key="inbox/a.jsonl", Body=content)
    world.clock.moment = datetime.now(UTC) + timedelta(hours=2)

    assert sweep(world.edges)["FilesReplayed"] == 1
    world.run_functions()
    newest, *older = (world.edges.ledger.job(job) for job in world.all_jobs("a.jsonl"))
    assert newest
    assert newest.source.version == put["VersionId"]
    assert older == [None]


def test_part_that_waited_is_asked_for_as_soon_as_it_is_due(world: World) -> None:
    world.small.misbehave("rate_limited", route="create_batch", retry_after=200)
    job = submitted(world, chats(1))
    assert world.parts(job)[0].state is PartState.WAITING
    world.tick(210)

    assert world.parts(job)[0].state is PartState.SUBMITTED
