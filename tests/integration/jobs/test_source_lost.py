"""The dropped file is taken away while its job runs: what was paid for lands, and the job ends."""

import pytest

from shared.jobs.cancel import cancel
from shared.jobs.model import JobState
from tests.support.batch_files import chat, lines
from tests.support.names import INBOX
from tests.support.refusing_s3 import Refusal, RefusingSession
from tests.support.world import World

CONTENT = lines(
    [chat("a"), chat("b", "small-openai:500-once"), chat("c", "small-openai:400"), chat("d")]
)
LOCKED = [
    Refusal(403, "AccessDenied"),
    Refusal(403, "InvalidObjectState", "archived"),
    Refusal(400, "KMS.DisabledException", "disabled"),
]


def delete_for_good(world: World) -> None:
    (version,) = world.s3.list_object_versions(Bucket=INBOX)["Versions"]
    world.s3.delete_object(Bucket=INBOX, Key=version["Key"], VersionId=version["VersionId"])


def lock(world: World, refusal: Refusal, hours: float = 1e6) -> None:
    begun = world.clock()
    is_locked = lambda: (world.clock() - begun).total_seconds() < hours * 3_600  # noqa: E731
    session = RefusingSession(refusal, "GetObject", while_=is_locked, within=INBOX)
    world.edges = world.connect(session)


def ended(world: World, job: str) -> list[tuple[str, str]]:
    """Each request with its status, or the code of its error."""
    found = world.results(world.job(job))
    return [
        (
            each["custom_id"],
            each["error"]["code"] if each["error"] else str(each["response"]["status_code"]),
        )
        for each in found
    ]


@pytest.mark.parametrize("refusal", [*LOCKED, None], ids=str)
def test_answers_land_by_openais_copy_of_the_requests(
    world: World, refusal: Refusal | None
) -> None:
    job = world.drop("a.jsonl", CONTENT)
    world.run_functions()
    delete_for_good(world) if refusal is None else lock(world, refusal)

    world.run_until_over(job)

    assert ended(world, job) == [("a", "200"), ("b", "200"), ("c", "400"), ("d", "200")]
    assert world.job(job).state is JobState.COMPLETED_WITH_FAILURES
    assert len(world.small.billed) == 3
    assert any("retry.jsonl" in note for note in world.report(world.job(job))["notes"])


@pytest.mark.parametrize("refusal", LOCKED, ids=str)
def test_file_that_is_locked_before_it_is_submitted_waits_with_its_reason(
    world: World, refusal: Refusal
) -> None:
    job = world.drop("a.jsonl", CONTENT)
    world.run_function("intake")
    lock(world, refusal, hours=3)
    for _ in range(4):
        world.tick(600)

    (part,) = world.parts(job)
    assert refusal.code in part.reason
    assert "must read it" in part.reason
    assert {each.used for each in world.edges.ledger.capacities()} == {0}
    world.run_until_over(job)
    assert len(ended(world, job)) == 4
    assert len(world.small.billed) == 3


@pytest.mark.parametrize("limit", [0, 20])
def test_file_that_is_deleted_before_it_is_submitted_ends_line_by_line(
    world: World, limit: int
) -> None:
    """Also where it would be split first."""
    if limit:
        world.edges.ledger.learn_limit("gpt-5-mini", limit, "tokens", world.clock())
    job = world.drop("a.jsonl", CONTENT)
    world.run_function("intake")
    delete_for_good(world)

    world.run_until_over(job)

    assert world.job(job).state is JobState.FAILED
    assert ended(world, job) == [(f"line {n}", "object_gone") for n in range(1, 5)]
    assert world.small.billed == []


def test_locked_file_whose_job_is_cancelled_ends(world: World) -> None:
    job = world.drop("a.jsonl", CONTENT)
    world.run_function("intake")
    lock(world, LOCKED[0])
    world.tick(600)

    cancel(world.edges, job)
    world.run_until_over(job)

    assert world.job(job).state is JobState.CANCELLED
    assert len(ended(world, job)) == 4


def test_file_and_copy_that_are_both_gone_end_after_a_week_without_a_second_payment(
    world: World,
) -> None:
    job = world.drop("a.jsonl", CONTENT)
    world.run_functions()
    world.clock.advance(seconds=3_600)  # OpenAI is done
    lock(world, LOCKED[0])
    (part,) = world.parts(job)
    world.edges.openai.delete_file(part.file_id or "")
    for _ in range(6):
        world.tick(86_400)
    assert not world.job(job).over
    assert "AccessDenied" in world.parts(job)[0].reason

    for _ in range(3):
        world.tick(86_400)

    assert world.job(job).over
    assert [each for each, _ in ended(world, job)] == [f"line {n}" for n in range(1, 5)]
    assert world.report(world.job(job))["extra_answers"] == 4
    assert len(world.small.billed) == 2


def test_file_that_stays_locked_before_it_is_submitted_ends_after_a_week(world: World) -> None:
    job = world.drop("a.jsonl", CONTENT)
    world.run_function("intake")
    lock(world, LOCKED[0])
    for _ in range(6):
        world.tick(86_400)
    assert not world.job(job).over

    for _ in range(2):
        world.tick(86_400)

    assert world.job(job).state is JobState.FAILED
    assert {code for _, code in ended(world, job)} == {"AccessDenied"}


@pytest.mark.parametrize(("quirk", "after"), [("download_short", 200), ("download_cut", 90)])
def test_openais_copy_is_believed_only_if_it_is_whole(world: World, quirk: str, after: int) -> None:
    """Cut between two lines, or in one of them: neither shortens what lands."""
    job = world.drop("a.jsonl", CONTENT)
    world.run_functions()
    lock(world, LOCKED[0])
    world.small.misbehave(quirk, times=7, purpose="batch", after_bytes=after)

    world.run_until_over(job)

    assert [each for each, _ in ended(world, job)] == ["a", "b", "c", "d"]


@pytest.mark.parametrize("cancelled", [False, True])
def test_moments_refusal_of_file_and_copy_loses_no_name(world: World, cancelled: bool) -> None:
    """Also where the job is cancelled, and where the first try came late."""
    job = world.drop("a.jsonl", CONTENT)
    world.run_functions()
    if cancelled:
        cancel(world.edges, job)
    world.clock.advance(hours=1)
    lock(world, LOCKED[0], hours=0.1)
    world.small.misbehave("not_found", times=3, route="download")

    world.run_until_over(job)

    assert [each for each, _ in ended(world, job)] == ["a", "b", "c", "d"]
