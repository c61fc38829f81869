"""Every function does all that makes it call AWS, and the calls are written down."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

import pytest
from moto import mock_aws
from moto.s3 import models

from functions.intake.flow import take_in_recipe
from functions.poll.flow import poll
from functions.poll.safety import tell_of_safety
from functions.poll.sweep import sweep
from local.openai import SmallSettings
from shared.jobs.cancel import cancel
from shared.jobs.edges import JobEdges
from shared.objects import Source
from tests.support.audit_logs import event
from tests.support.audit_world import NOW, AuditWorld, audit_aws
from tests.support.batch_files import chat, chats, lines, question
from tests.support.images import PNG
from tests.support.libraries import Folder
from tests.support.names import AUDIT as AUDIT_BUCKET
from tests.support.names import INBOX
from tests.support.rights import Call, TracedSession
from tests.support.table_files import DESCRIBED
from tests.support.table_files import TEXT as RECIPE
from tests.support.webhooks import event as event_of
from tests.support.world import World

ALERTS = "arn:aws:sns:us-east-1:123456789012:alerts"
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
    """One for all of a function's scenarios: it is slow to make."""
    return TracedSession()


@dataclass
class TracedWorld(World):
    """Each function works by a session of its own."""

    by_function: dict[str, JobEdges] = field(default_factory=dict)

    def edges_of(self, function: str) -> JobEdges:
        if function not in self.by_function:
            self.by_function[function] = self.connect(traced(function))
        return self.by_function[function]


@contextmanager
def small_pieces() -> Iterator[None]:
    """A multipart upload is one above 8 MB; moto's pieces, as S3's, have at least 5 MB."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models, "S3_UPLOAD_PART_MIN_SIZE", 1)
        yield


def expect(found: object, wanted: object) -> None:
    """How a scenario has to end."""
    if found != wanted:
        raise AssertionError(f"found {found!r}, expected {wanted!r}")


def a_plain_file() -> None:
    world = TracedWorld()
    expect(world.run_job("a.jsonl", chats(3)).state, "completed")


def a_mixed_file_with_bad_lines_and_retries() -> None:
    world = TracedWorld()
    job = world.run_job("a.jsonl", MIXED + b"nonsense\n", bad_lines="skip")
    expect((job.state, job.skipped), ("completed", 1))
    expect(len(world.parts(job.id)) > 2, True)


def rejected_files() -> None:
    world = TracedWorld()
    expect(world.run_job("a.jsonl", chats(2) + chats(1)).state, "rejected")
    expect(world.run_job("b.txt", b"").state, "rejected")


def a_file_in_a_bucket_without_versioning() -> None:
    world = TracedWorld()
    key = "inbox/a.jsonl"
    world.s3.put_bucket_versioning(Bucket=INBOX, VersioningConfiguration={"Status": "Suspended"})
    world.s3.put_object(Bucket=INBOX, Key=key, Body=chats(2))
    world.notify(key, "null", 2)
    world.run_functions()
    (job,) = world.edges.ledger.open_jobs(world.clock().replace(year=2100))
    world.run_until_over(job.id)
    expect(world.job(job.id).state, "completed")


def a_file_too_large_for_the_capacity() -> None:
    world = TracedWorld(SmallSettings(enqueued_limits={"*": 3_000}))
    expect(world.run_job("a.jsonl", HEAVY).state, "completed_with_failures")


def a_refused_batch() -> None:
    world = TracedWorld()
    world.small.misbehave("not_found", route="create_batch")
    expect(world.run_job("a.jsonl", chats(2)).state, "failed")


def a_lost_answer_and_a_second_batch() -> None:
    world = TracedWorld()
    world.small.misbehave("cut_after", route="create_batch")
    world.small.misbehave("batch_not_listed", seconds=3_000)
    world.run_job("a.jsonl", chats(2))
    world.clock.advance(hours=1)
    expect(sweep(world.edges_of("poll"))["SecondBatches"], 1)


def a_cancelled_job() -> None:
    world = TracedWorld()
    job = world.drop("a.jsonl", chats(4_000))  # at work for longer than a tick
    world.run_functions()
    world.clock.advance(seconds=20)
    cancel(world.edges_of("poll"), job)
    world.run_until_over(job)
    expect(world.job(job).state, "cancelled")


def an_intake_that_died() -> None:
    world = TracedWorld()
    put = world.s3.put_object(Bucket=INBOX, Key="inbox/a.jsonl", Body=chats(2))
    world.open_only("inbox/a.jsonl", put["VersionId"])
    (job,) = world.all_jobs("a.jsonl")
    world.clock.advance(hours=2)
    world.run_until_over(job)


def a_file_without_notification_and_an_orphaned_upload() -> None:
    world = TracedWorld()
    job = world.run_job("a.jsonl", chats(1))
    world.s3.put_object(Bucket=INBOX, Key="inbox/silent.jsonl", Body=chats(2))
    world.upload(f"{job.id}-1-1.jsonl")
    world.clock.moment = datetime.now(UTC)
    world.clock.advance(hours=7)
    found = sweep(world.edges_of("poll"))
    expect(found["FilesReplayed"] >= 1, True)
    expect(found["UploadsDeleted"], 1)


def a_table() -> None:
    world = TracedWorld()
    world.s3.put_object(Bucket=INBOX, Key="inbox/a/recipe.yaml", Body=RECIPE)
    take_in_recipe(world.edges_of("intake"), Source(bucket=INBOX, key="inbox/a/recipe.yaml"))
    rows = b"title,text\na,b\nc,small-openai:prose-once\n"
    expect(world.run_job("a/b/t.csv", rows).state, "completed")
    expect(world.run_job("nowhere/t.csv", rows).state, "rejected")


def a_table_with_images() -> None:
    world = TracedWorld()
    world.clock.moment = datetime.now(UTC)
    for key in ("inbox/a/1.png", "inbox/a/2.png"):
        put = world.s3.put_object(Bucket=INBOX, Key=key, Body=PNG)
        world.notify(key, put["VersionId"])
    world.run_functions()  # looks at them again later
    world.s3.put_object(Bucket=INBOX, Key="inbox/a/recipe.yaml", Body=DESCRIBED)
    world.notify("inbox/a/1.png", put["VersionId"])
    rows = b"name,image\na,1.png\nb,2.png\nc,3.png\n"
    expect(world.run_job("a/t.csv", rows, bad_lines="skip").state, "completed")
    world.clock.advance(hours=2)
    expect(sweep(world.edges_of("poll"))["FilesReplayed"], 0)


def a_large_table() -> None:
    world = TracedWorld(settings={"upload_piece_bytes": 2_000})
    world.s3.put_object(Bucket=INBOX, Key="inbox/recipe.yaml", Body=RECIPE)
    with small_pieces():
        rows = b"title,text\n" + b"a,b\n" * 200
        expect(world.run_job("t.csv", rows).state, "completed")


def large_objects() -> None:
    with small_pieces():
        world = TracedWorld(settings={"upload_piece_bytes": 2_000})
        expect(world.run_job("a.jsonl", BIG).state, "completed")


def a_library() -> None:
    with small_pieces():
        world = TracedWorld(settings={"upload_piece_bytes": 100})  # a report of several pieces
        folder = Folder(world)
        folder.put("a.md", "Cats sleep.")
        folder.put("no/library.exe", "x" * 10)
        for _ in range(4):
            world.clock.advance(seconds=60)
            poll(world.edges_of("poll"))
            world.run_functions()
        sweep(world.edges_of("poll"))
        world.run_functions()
        expect(folder.texts(), ["Cats sleep."])


def questions_that_wait_for_a_library() -> None:
    """For its store, for a document, and for a store that was lost meanwhile."""
    with small_pieces():
        world = TracedWorld(settings={"upload_piece_bytes": 100})
        folder = Folder(world)
        folder.put("a.md", "Cats sleep.", notify=False)
        asked = lines([question("How long?", "library:handbook")])
        first = world.drop("first.jsonl", asked)
        world.run_until_over(first)
        folder.put("b.md", "Dogs bark.", notify=False)
        second = world.drop("second.jsonl", asked)
        world.run_functions()
        (store,) = world.small.stores
        world.edges.openai.call_with_retries("DELETE", f"/vector_stores/{store}")
        world.run_until_over(second)
        expect([world.job(each).state for each in (first, second)], ["completed", "completed"])


def webhooks() -> None:
    world = TracedWorld(
        SmallSettings(working=1, enqueued_limits={"*": 300}),
        {"enqueued_limits": "*=300", "max_part_requests": 8},
    )
    world.config = world.config.model_copy(update={"alert_topic_arn": ALERTS})
    world.session.client("sns").create_topic(Name="alerts")
    world.turn_webhooks_on(traced("webhook"))
    job = world.drop("a.jsonl", chats(16))
    world.run_functions()
    batch = next(iter(world.small.batches))
    for body in (event_of("batch.completed", batch), event_of("weather.changed")):
        expect(world.receive(world.sign(body), body), 200)
    world.run_functions()  # too early: it is looked at again
    world.clock.advance(seconds=60)
    for _ in range(60):
        world.small.deliver_webhooks()
        world.run_functions()
        world.clock.advance(seconds=10)
    expect(world.job(job).state, "completed")
    body = event_of("safety.alert.created", "alert_1")
    expect(world.receive(world.sign(body), body), 200)
    told = {"type": "safety.alert.created", "event": "evt_1", "object": "alert_1"}
    expect(tell_of_safety(world.edges_of("poll"), told), "told")


BATCHES = [
    a_plain_file,
    a_mixed_file_with_bad_lines_and_retries,
    rejected_files,
    a_file_in_a_bucket_without_versioning,
    a_file_too_large_for_the_capacity,
    a_refused_batch,
    a_lost_answer_and_a_second_batch,
    a_cancelled_job,
    an_intake_that_died,
    a_file_without_notification_and_an_orphaned_upload,
    a_table,
    a_table_with_images,
    a_large_table,
    large_objects,
    a_library,
    questions_that_wait_for_a_library,
    webhooks,
]


def events_and_alerts(**settings: Any) -> None:
    world = AuditWorld(settings)
    edges = world.connect(traced("audit"))
    for rule in (b"{title: a, detection: {s: {type: a}, condition: s}}", b"{title: broken}"):
        world.s3.put_object(Bucket=AUDIT_BUCKET, Key="rules/ours.yaml", Body=rule)
    world.add([event(2, NOW - 3_600, "project.created", {"id": "proj_1"})])
    world.tick(edges=edges)
    world.add([event(1, NOW + 70, "scim.disabled", {"id": "org_1"})])
    world.tick(edges=edges)
    world.backfill("2026-09-01", "2026-09-02", "on")
    for _ in range(3):
        world.tick(90_000, edges=edges)
    expect(len(world.published()) >= 1, True)
    expect(bool(world.keys("events/")), True)


def a_page_of_very_long_events() -> None:
    with small_pieces():
        events_and_alerts(upload_piece_bytes=100)


AUDIT = [events_and_alerts, a_page_of_very_long_events]


class Traced(NamedTuple):
    """Every function's calls, and the scenarios that did not end as they should."""

    calls: dict[str, list[Call]]
    failures: dict[str, str]


def run_scenarios() -> Traced:
    failures = {}
    for world, scenarios in ((mock_aws, BATCHES), (audit_aws, AUDIT)):
        for scenario in scenarios:
            with world():
                try:
                    scenario()
                except AssertionError as error:
                    failures[scenario.__name__] = str(error)
    functions = ("audit", "intake", "land", "poll", "library", "submit", "webhook")
    return Traced({function: traced(function).calls for function in functions}, failures)
