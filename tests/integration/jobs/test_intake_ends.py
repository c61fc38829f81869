"""Whatever a file is, intake comes to an end with it, and keeps nobody waiting meanwhile."""

import gzip
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from functions.intake.attempts import MOST_CHECKS, MOST_REFUSALS
from functions.intake.flow import take_in
from shared.batchfile.refusals import MOST_BAD_LINES
from shared.jobs.cancel import cancel
from shared.jobs.edges import JobEdges
from shared.jobs.model import Job, JobState
from shared.objects import Source
from tests.support.batch_files import chat, chats, lines
from tests.support.interrupts import Killed
from tests.support.names import INBOX
from tests.support.refusing_s3 import Refusal, RefusingSession
from tests.support.world import World

KMS = "User is not authorized to perform: kms:Decrypt on the resource"
SSEC = Refusal(400, "InvalidRequest", "stored using a form of Server Side Encryption")
FOR_GOOD = [
    ("HeadObject", SSEC, "--sse-c"),
    ("GetObject", SSEC, "--sse-c"),
    ("GetObject", Refusal(403, "InvalidObjectState"), "STANDARD"),
    ("GetObject", Refusal(400, "KMS.DisabledException"), "enable the key"),
    ("GetObject", Refusal(400, "KMS.NotFoundException"), "without naming a key"),
    ("GetObject", Refusal(400, "KMS.KMSInvalidStateException"), "bring the key back"),
    ("HeadObject", Refusal(404, "NoSuchKey"), "drop it again"),
    ("GetObject", Refusal(404, "NoSuchVersion"), "drop it again"),
]
MAYBE_NOT = [
    ("GetObject", Refusal(403, "AccessDenied"), "intake role"),
    ("GetObject", Refusal(403, "AccessDenied", KMS), "kms:Decrypt"),
    ("HeadObject", Refusal(403, "AccessDenied"), "intake role"),
    ("GetObject", Refusal(405, "SomethingNew"), "intake role"),
]
HOPELESS = {
    "braces.jsonl": b"{}\n" * 500_000,
    "braces.jsonl.gz": gzip.compress(b"{}\n" * 500_000),
    "words.jsonl": b"nonsense\n" * 500_000,
    "get.jsonl": lines([chat("a") | {"method": "GET"}]) * 150_000,
}


def refusing(world: World, call: str, refusal: Refusal, until: float = 1e12) -> JobEdges:
    begun = world.clock()
    still = lambda: (world.clock() - begun).total_seconds() < until  # noqa: E731
    return world.connect(RefusingSession(refusal, call, while_=still))


def run_until_over(world: World, job: str, edges: JobEdges, most: int = 200) -> Job:
    world.edges = edges
    for _ in range(most):
        world.run_functions()
        if world.job(job).over:
            break
        world.tick(60)
    return world.job(job)


@pytest.mark.parametrize(("call", "refusal", "remedy"), FOR_GOOD)
def test_file_that_s3_never_gives_is_rejected_at_once(
    world: World, call: str, refusal: Refusal, remedy: str
) -> None:
    source = dropped(world, "a.jsonl", chats(2))
    other = world.drop("other.jsonl", chats(20))

    rejected = take_in(refusing(world, call, refusal), source)

    assert rejected.state is JobState.REJECTED
    (problem,) = world.report(rejected)["problems"]
    assert remedy in problem["remedy"]
    assert [each["Subject"] for each in world.published() if "Rejected" in each["Subject"]]
    world.run_until_over(other)
    assert world.job(other).state is JobState.COMPLETED


@pytest.mark.parametrize(("call", "refusal", "remedy"), MAYBE_NOT)
def test_file_that_s3_refuses_is_rejected_after_a_few_tries(
    world: World, call: str, refusal: Refusal, remedy: str
) -> None:
    job = world.drop("a.jsonl", chats(2))
    begun = world.clock()

    rejected = run_until_over(world, job, refusing(world, call, refusal))

    assert (rejected.state, rejected.refusals) == (JobState.REJECTED, MOST_REFUSALS - 1)
    assert remedy in world.report(rejected)["problems"][0]["remedy"]
    assert (world.clock() - begun).total_seconds() < 3_600


def test_file_that_s3_refuses_for_a_while_is_answered(world: World) -> None:
    job = world.drop("a.jsonl", chats(2))

    done = run_until_over(
        world, job, refusing(world, "GetObject", Refusal(403, "AccessDenied"), until=150)
    )

    assert done.state is JobState.COMPLETED


def test_busy_s3_is_asked_again_after_growing_pauses(world: World) -> None:
    source = dropped(world, "a.jsonl", chats(2))
    s3 = refusing(world, "GetObject", Refusal(503, "SlowDown"), until=7_200)

    seen = []
    for _ in range(6):
        job = take_in(s3, source)
        seen.append((job.due - world.clock()).total_seconds())
        assert (job.state, job.reason) == (JobState.CHECKING, "inbox/a.jsonl: SlowDown")
        world.clock.advance(seconds=seen[-1])

    assert seen == [60, 120, 240, 480, 900, 900]
    world.clock.advance(hours=2)
    assert take_in(s3, source).state is JobState.ACCEPTED


def test_file_is_rejected_once_s3_was_busy_for_a_day(world: World) -> None:
    source = dropped(world, "a.jsonl", chats(2))
    s3 = refusing(world, "GetObject", Refusal(503, "SlowDown"))
    assert take_in(s3, source).state is JobState.CHECKING
    world.clock.advance(hours=25)

    rejected = take_in(s3, source)

    assert rejected.state is JobState.REJECTED
    (problem,) = world.report(rejected)["problems"]
    assert (problem["code"], "SlowDown" in problem["message"]) == ("not_readable_in_time", True)


def test_file_whose_checks_all_die_is_rejected(world: World) -> None:
    source = dropped(world, "a.jsonl", chats(2))
    dying = dying_edges(world)

    for _ in range(MOST_CHECKS):
        with pytest.raises(MemoryError):
            take_in(dying, source)
        assert take_in(world.edges, source).state is JobState.CHECKING, "it may still be alive"
        world.clock.advance(minutes=16)
    rejected = take_in(world.edges, source)

    assert rejected.state is JobState.REJECTED
    assert world.report(rejected)["problems_by_code"] == {"check_died": 1}


def test_file_whose_first_check_died_is_answered(world: World) -> None:
    source = dropped(world, "a.jsonl", chats(2))
    with pytest.raises(MemoryError):
        take_in(dying_edges(world), source)

    job = world.all_jobs("a.jsonl")[0]
    world.run_until_over(job)

    assert world.job(job).state is JobState.COMPLETED


def test_five_notifications_of_a_file_that_is_read_now_end_nothing(world: World) -> None:
    source = dropped(world, "a.jsonl", chats(2))
    with pytest.raises(MemoryError):
        take_in(dying_edges(world), source)

    states = {take_in(world.edges, source).state for _ in range(9)}

    assert states == {JobState.CHECKING}


@pytest.mark.parametrize("name", HOPELESS)
@pytest.mark.parametrize("bad_lines", ["reject", "skip"])
def test_hopeless_file_stops_early_and_says_where(world: World, name: str, bad_lines: str) -> None:
    job = world.run_job(name, HOPELESS[name], bad_lines=bad_lines)

    assert job.state is JobState.REJECTED
    report = world.report(job)
    assert report["problems_by_code"]["too_many_bad_lines"] == 1
    assert MOST_BAD_LINES <= report["lines"] < 2 * MOST_BAD_LINES


def test_file_that_is_read_for_too_long_is_rejected_in_the_same_run() -> None:
    with mock_aws():
        world = World()
        job = world.drop("a.jsonl", chats(3_000))
        edges = slow_edges(world)

        run_until_over(world, job, edges, most=1)

        rejected = world.job(job)
        assert (rejected.state, rejected.checks) == (JobState.REJECTED, 1)
        assert world.report(rejected)["problems_by_code"] == {"too_slow": 1}


def test_job_is_cancelled_while_it_waits_to_be_checked(world: World) -> None:
    job = world.drop("a.jsonl", chats(2))
    world.edges = refusing(world, "GetObject", Refusal(503, "SlowDown"))
    world.run_functions()

    assert cancel(world.edges, job) == "cancelling"
    world.tick()

    cancelled = world.job(job)
    assert cancelled.state is JobState.CANCELLED
    assert world.report(cancelled)["state"] == "cancelled"
    assert [each["Subject"] for each in world.published() if "Cancelled" in each["Subject"]]
    assert cancel(world.edges, job) == "cancelled"


def test_job_is_cancelled_while_another_run_reads_its_file(world: World) -> None:
    source = dropped(world, "a.jsonl", chats(2))
    with pytest.raises(MemoryError):
        take_in(dying_edges(world), source)
    (job,) = world.all_jobs("a.jsonl")

    cancel(world.edges, job)
    world.tick()

    assert world.job(job).state is JobState.CANCELLED
    assert world.small.files == {}


def dropped(world: World, name: str, content: bytes) -> Source:
    """A file of which no message lies in the queue."""
    key = f"inbox/{name}"
    put = world.s3.put_object(Bucket=INBOX, Key=key, Body=content)
    return Source(bucket=INBOX, key=key, version=put["VersionId"], size=len(content))


def dying_edges(world: World) -> JobEdges:
    """A function that has no memory left as soon as it reads."""

    def die() -> bool:
        raise MemoryError

    return world.connect(RefusingSession(Refusal(500, "never"), "GetObject", while_=die))


def slow_edges(world: World) -> JobEdges:
    """A quarter of an hour goes by before S3 gives the first byte."""

    def wait() -> bool:
        world.clock.advance(minutes=15)
        return False

    never: Any = Refusal(500, "never")
    return world.connect(RefusingSession(never, "GetObject", while_=wait))


def test_metadata_of_clients_is_noted_in_the_report(world: World) -> None:
    job = world.run_job("a.jsonl", chats(1), btime="2026-11-01T00:00:00Z", rdev="0", mtime="1")

    assert job.state is JobState.COMPLETED
    assert world.report(job)["notes"] == ["Metadata that is no option was left alone: btime, rdev."]


def test_metadata_that_is_not_ascii_reaches_openai(world: World) -> None:
    encoded = "=?UTF-8?B?eyJ0ZWFtIjogIkdyw7zDn2UifQ==?="

    world.run_job("a.jsonl", chats(1), metadata=encoded)

    (batch,) = world.small.batches.values()
    assert batch.metadata["team"] == "Grüße"


@pytest.mark.parametrize("call", ["events.PutEvents", "sns.Publish"])
def test_file_that_was_said_to_be_refused_is_refused(world: World, call: str) -> None:
    """The run that refused it died before the ledger knew, and then S3 gives the file."""
    begun = world.clock()
    locked = lambda: world.clock() < begun + timedelta(hours=2)  # noqa: E731
    session = RefusingSession(Refusal(403, "AccessDenied"), "GetObject", while_=locked)

    def die(**_: Any) -> None:
        raise Killed(call)

    session.events.register_last(f"after-call.{call}", die)
    world.edges = world.connect(session)
    job = world.drop("a.jsonl", chats(1))
    with pytest.raises(Killed):
        world.run_until_over(job)
    world.clock.advance(seconds=7_200)
    world.edges = world.connect()
    world.redeliver()
    world.run_until_over(job)

    assert world.job(job).state is JobState.REJECTED
    kinds = {each["MessageAttributes"]["type"]["Value"] for each in world.published()}
    assert kinds == {"Job Rejected"}


def test_stuck_files_keep_no_other_from_its_answers(world: World) -> None:
    """All are dropped at once, the good one last."""
    begun = world.clock()
    session = RefusingSession(
        Refusal(403, "AccessDenied", KMS), "GetObject", while_=lambda: True, within="locked.jsonl"
    )
    world.edges = world.connect(session)
    names = ("braces.jsonl", "braces.jsonl.gz")
    stuck = [world.drop(name, HOPELESS[name]) for name in names]
    stuck.append(world.drop("locked.jsonl", chats(2)))
    good = world.drop("good.jsonl", chats(20))

    world.run_until_over(good)
    assert world.job(good).state is JobState.COMPLETED
    assert world.clock() - begun < timedelta(minutes=10)

    world.run_until_over(*stuck)
    reports = [world.report(world.job(each)) for each in stuck]
    assert {world.job(each).state for each in stuck} == {JobState.REJECTED}
    assert [list(each["problems_by_code"]) for each in reports][2] == ["unreadable_object"]
    assert all("too_many_bad_lines" in each["problems_by_code"] for each in reports[:2])


@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidAccessKeyId", "SignatureDoesNotMatch"])
def test_rights_of_ours_that_are_wrong_refuse_nobody_s_file(world: World, code: str) -> None:
    source = dropped(world, "a.jsonl", chats(2))
    refusing_edges = refusing(world, "GetObject", Refusal(403, code))

    for _ in range(MOST_REFUSALS + 1):
        with pytest.raises(ClientError, match=code):
            take_in(refusing_edges, source)
        world.clock.advance(seconds=world.config.lease_seconds + 1)

    assert take_in(world.edges, source).state is JobState.ACCEPTED
