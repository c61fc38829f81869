"""Every function does all that makes it call AWS, and the calls are written down."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache

import pytest
from moto import mock_aws
from moto.s3 import models

from functions.poll.flow import poll
from functions.poll.sweep import sweep
from local.openai import SmallSettings
from shared.aws import s3
from shared.jobs.cancel import cancel
from shared.jobs.edges import Edges
from tests.support.audit_logs import event
from tests.support.audit_world import NOW, AuditWorld, audit_aws
from tests.support.batch_files import chat, chats, lines
from tests.support.libraries import Folder
from tests.support.names import INBOX
from tests.support.rights import Call, TracedSession
from tests.support.world import World

LATER = "small-openai:500-until-attempt-2"
MODELS = ("gpt-5-mini", "gpt-4.1")
MIXED = lines([chat("a"), chat("b", LATER, model="gpt-4.1"), chat("c"), chat("d", model="gpt-4.1")])
BIG = lines(chat(f"r{n}", LATER, model=MODELS[n % 2]) for n in range(60))
HEAVY = lines(
    [
        *(chat(f"r{n}", "x" * 4_000, model=("gpt-5-mini", "o3")[n % 2]) for n in range(12)),
        chat("never fits", "x" * 40_000),
    ]
)


@cache
def traced(function: str) -> TracedSession:
    """One for all of a function's stories: it is slow to make."""
    return TracedSession()


@dataclass
class TracedWorld(World):
    """Each function works by a session of its own."""

    by_function: dict[str, Edges] = field(default_factory=dict)

    def edges_of(self, function: str) -> Edges:
        if function not in self.by_function:
            self.by_function[function] = self.connect(traced(function))
        return self.by_function[function]


def a_plain_file() -> None:
    world = TracedWorld()
    assert world.run_job("a.jsonl", chats(3)).state == "completed"


def a_mixed_file_with_bad_lines_some_of_it_asked_again() -> None:
    world = TracedWorld()
    job = world.run_job("a.jsonl", MIXED + b"nonsense\n", bad_lines="skip")
    assert (job.state, job.skipped) == ("completed", 1)
    assert len(world.parts(job.id)) > 2


def refused_files() -> None:
    world = TracedWorld()
    assert world.run_job("a.jsonl", chats(2) + chats(1)).state == "rejected"
    assert world.run_job("b.txt", b"").state == "rejected"


def a_file_of_a_bucket_whose_versioning_was_suspended() -> None:
    world = TracedWorld()
    key = "inbox/a.jsonl"
    world.s3.put_bucket_versioning(Bucket=INBOX, VersioningConfiguration={"Status": "Suspended"})
    world.s3.put_object(Bucket=INBOX, Key=key, Body=chats(2))
    world.notify(key, "null", 2)
    world.run_functions()
    (job,) = world.edges.ledger.open_jobs(world.clock().replace(year=2100))
    world.run_until_over(job.id)
    assert world.job(job.id).state == "completed"


def a_file_too_large_for_the_room() -> None:
    world = TracedWorld(SmallSettings(enqueued_limits={"*": 3_000}))
    assert world.run_job("a.jsonl", HEAVY).state == "completed"


def a_batch_whose_answer_was_lost_and_one_too_many() -> None:
    world = TracedWorld()
    world.small.misbehave("cut_after", route="create_batch")
    world.small.misbehave("batch_not_listed", seconds=3_000)
    world.run_job("a.jsonl", chats(2))
    world.clock.advance(hours=1)
    assert sweep(world.edges_of("poll"))["SecondBatches"] == 1


def a_job_that_is_stopped() -> None:
    world = TracedWorld()
    job = world.drop("a.jsonl", chats(4_000))  # at work for longer than a tick
    world.run_functions()
    world.clock.advance(seconds=20)
    cancel(world.edges_of("poll"), job)
    world.run_until_over(job)
    assert world.job(job).state == "cancelled"


def what_died_on_the_way_is_asked_for_again() -> None:
    world = TracedWorld()
    put = world.s3.put_object(Bucket=INBOX, Key="inbox/a.jsonl", Body=chats(2))
    world.open_only("inbox/a.jsonl", put["VersionId"])
    (job,) = world.all_jobs("a.jsonl")
    world.clock.advance(hours=2)
    world.run_until_over(job)


def a_silent_file_and_an_orphan() -> None:
    world = TracedWorld()
    job = world.run_job("a.jsonl", chats(1))
    world.s3.put_object(Bucket=INBOX, Key="inbox/silent.jsonl", Body=chats(2))
    world.upload(f"{job.id}-1-1.jsonl")
    world.clock.moment = datetime.now(UTC)
    world.clock.advance(hours=7)
    found = sweep(world.edges_of("poll"))
    assert found["FilesReplayed"] >= 1
    assert found["UploadsDeleted"] == 1


def large_objects() -> None:
    """A multipart upload is one above 8 MB; here above 2 KB, which nothing small reaches."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(s3, "WHOLE", 2_000)
        patch.setattr(models, "S3_UPLOAD_PART_MIN_SIZE", 1)  # moto's, as S3's, is 5 MB
        world = TracedWorld()
        assert world.run_job("a.jsonl", BIG).state == "completed"


def a_library() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(s3, "WHOLE", 100)  # a report of several pieces
        patch.setattr(models, "S3_UPLOAD_PART_MIN_SIZE", 1)
        world = TracedWorld()
        folder = Folder(world)
        folder.put("a.md", "Cats sleep.")
        folder.put("no/library.exe", "x" * 10)
        for _ in range(4):
            world.clock.advance(seconds=60)
            poll(world.edges_of("poll"))
            world.run_functions()
        sweep(world.edges_of("poll"))
        world.run_functions()
        assert folder.texts() == ["Cats sleep."]


BATCHES = [
    a_plain_file,
    a_mixed_file_with_bad_lines_some_of_it_asked_again,
    refused_files,
    a_file_of_a_bucket_whose_versioning_was_suspended,
    a_file_too_large_for_the_room,
    a_batch_whose_answer_was_lost_and_one_too_many,
    a_job_that_is_stopped,
    what_died_on_the_way_is_asked_for_again,
    a_silent_file_and_an_orphan,
    large_objects,
    a_library,
]


def events_and_alerts() -> None:
    world = AuditWorld()
    edges = world.connect(traced("audit"))
    world.tick(edges=edges)
    world.add([event(1, NOW + 70, "scim.disabled", {"id": "org_1"})])
    world.tick(edges=edges)
    world.backfill("2026-09-01", "2026-09-02", "on")
    for _ in range(3):
        world.tick(90_000, edges=edges)
    assert len(world.published()) >= 1
    assert world.keys("audit/")


def a_page_of_very_long_events() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(s3, "WHOLE", 100)
        events_and_alerts()


AUDIT = [events_and_alerts, a_page_of_very_long_events]


def lived_through() -> dict[str, list[Call]]:
    """Every function's calls."""
    for world, stories in ((mock_aws, BATCHES), (audit_aws, AUDIT)):
        for story in stories:
            with world():
                story()
    return {
        function: traced(function).calls
        for function in ("audit", "intake", "land", "poll", "library", "submit")
    }
