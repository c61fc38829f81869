"""What a lost answer of create leaves open is closed later, whatever shows up, and when."""

from io import BytesIO

import httpx
import pytest
from moto import mock_aws

from functions.land.flow import land
from functions.poll.flow import poll
from functions.poll.sweep import sweep
from local.openai import SmallSettings
from shared.errors import TryLater
from shared.jobs.cancel import cancel
from shared.jobs.uploads import upload_name
from shared.objects import PartRef
from tests.support.aws import receive
from tests.support.batch_files import chat, chats, lines
from tests.support.interrupts import Killed
from tests.support.refusing_s3 import Refusal, RefusingSession
from tests.support.wires import TwistedWire, named
from tests.support.world import World


def second_batches(world: World) -> list[str]:
    return [each["Message"] for each in world.published() if "Second Batch" in each["Subject"]]


def test_capacity_stays_taken_while_a_batch_may_be_there(world: World) -> None:
    world.small.misbehave("cut_after", route="create_batch")
    world.small.misbehave("batch_not_listed", seconds=120)
    job = world.drop("a.jsonl", chats(2))
    world.run_functions()
    (part,) = world.parts(job)
    (capacity,) = world.edges.ledger.capacities()
    assert part.state == "waiting"
    assert capacity.used == part.tokens

    world.run_until_over(job)

    assert [each.used for each in world.edges.ledger.capacities()] == [0]
    assert len(world.small.batches) == 1


def test_second_batch_that_shows_up_at_the_end_is_published_by_sweep(world: World) -> None:
    world.small.misbehave("cut_after", route="create_batch")
    world.small.misbehave("batch_not_listed", seconds=3_000)
    job = world.run_job("a.jsonl", chats(2))
    assert job.state == "completed"
    assert len(world.small.batches) == 2
    assert second_batches(world) == []
    world.clock.advance(hours=1)

    found = sweep(world.edges)

    assert found["SecondBatches"] == 1
    assert "2 requests of the cancelled one were done" in second_batches(world)[0]
    assert world.small.files == {}


def test_batch_that_its_part_still_looks_for_is_no_second_batch() -> None:
    with mock_aws():
        world = World(SmallSettings(enqueued_limits={"*": 10_000}, working=200))
        world.small.misbehave("token_limit")
        job = world.drop("a.jsonl", chats(2))
        world.run_functions()
        world.small.misbehave("stuck_in_progress")
        world.drop("another.jsonl", chats(1))  # something lives, so poll reads the list
        world.small.misbehave("cut_after", route="create_batch", job_id=job)

        world.run_until_over(job)

        assert second_batches(world) == []
        assert len(world.small.billed) == 2


def test_batch_that_shows_up_after_a_cancel_is_published(world: World) -> None:
    world.small.misbehave("cut_after", route="create_batch")
    world.small.misbehave("batch_not_listed", seconds=3_000)
    job = world.drop("a.jsonl", chats(2))
    world.run_functions()
    cancel(world.edges, job)
    world.run_until_over(job)
    assert world.job(job).state == "cancelled"
    world.clock.advance(hours=1)

    assert sweep(world.edges)["SecondBatches"] == 1

    assert "none stays" in second_batches(world)[0]
    assert world.small.files == {}


def test_missing_batch_does_not_keep_a_job_from_being_cancelled(world: World) -> None:
    world.small.misbehave("batch_vanishes")
    job = world.drop("a.jsonl", chats(2))
    world.run_functions()
    cancel(world.edges, job)

    world.run_until_over(job)

    assert world.job(job).state == "cancelled"


def test_lost_batch_is_found_behind_a_page_of_others_by_a_clock_that_is_late(world: World) -> None:
    """OpenAI's clock is twenty minutes behind ours, and a hundred batches came after it."""
    world.small.misbehave("cut_after", route="create_batch")
    job = world.drop("a.jsonl", chats(2))
    world.run_functions()
    assert len(world.small.batches) == 1
    others = world.upload("others.jsonl")
    for _ in range(100):
        world.edges.openai.create_batch(others, "/v1/chat/completions", "24h", {"owner": "others"})
    for batch in world.small.batches.values():
        batch.created_at -= 1_200

    world.run_until_over(job)

    ours = [each for each in world.small.batches.values() if "job_id" in each.metadata]
    assert len(ours) == 1
    assert world.job(job).state == "completed"


def test_part_of_an_upload_is_not_taken_for_the_whole(world: World) -> None:
    """The connection broke in the middle, and OpenAI kept what had come."""
    content = chats(3)
    world.small.misbehave("cut_before", route="upload")
    job = world.drop("a.jsonl", content)
    world.run_functions()
    (part,) = world.parts(job)
    world.edges.openai.upload(upload_name(part), BytesIO(content[: content.index(b"\n") + 1]))

    world.run_until_over(job)

    assert world.job(job).state == "completed"
    assert (len(world.small.batches), len(world.small.billed)) == (1, 3)


def test_upload_whose_answer_was_lost_is_not_sent_again(world: World) -> None:
    world.small.misbehave("cut_after", route="upload")
    job = world.drop("a.jsonl", chats(3))

    world.run_until_over(job)

    assert world.job(job).state == "completed"
    assert [call.route for call in world.small.calls].count("upload") == 1


def test_lost_batch_is_found_in_a_list_that_begins_with_the_oldest(world: World) -> None:
    others = world.upload("others.jsonl")
    for _ in range(120):
        world.edges.openai.create_batch(others, "/v1/chat/completions", "24h", {"owner": "others"})
        world.clock.advance(seconds=300)  # the first page ends an hour before our batch
    wire = TwistedWire(world.small.transport())
    wire.after = lambda request, response: oldest_first(world, request)
    world.edges = world.connect(transport=wire)
    world.small.misbehave("cut_after", route="create_batch")
    job = world.drop("a.jsonl", chats(2))

    world.run_until_over(job)

    ours = [each for each in world.small.batches.values() if "job_id" in each.metadata]
    assert len(ours) == 1


def test_batch_of_a_process_that_died_has_its_time_to_be_listed() -> None:
    with mock_aws():
        world = World(settings={"lost_answer_seconds": 3_000})
        world.small.misbehave("batch_not_listed", seconds=2_000)
        job = world.drop("a.jsonl", chats(2))
        wire = TwistedWire(world.small.transport())
        wire.after = lambda request, response: dies_after_create(request)
        with pytest.raises(Killed):
            world.run_functions(world.connect(transport=wire))
        world.redeliver()
        world.clock.advance(seconds=1_000)  # nobody holds the part any more

        world.run_until_over(job)

        assert world.job(job).state == "completed"
        assert len(world.small.batches) == 1


def dies_after_create(request: httpx.Request) -> None:
    if named(request) == "POST /v1/batches":
        raise Killed("created")


def oldest_first(world: World, request: httpx.Request) -> httpx.Response | None:
    """A server that lists batches in the other order."""
    if named(request) != "GET /v1/batches":
        return None
    batches = list(world.small.batches.values())
    start = next(
        (n for n, b in enumerate(batches, 1) if b.id == request.url.params.get("after")), 0
    )
    page = batches[start : start + 100]
    views = [each.view(world.clock.seconds()) for each in page]
    more = start + 100 < len(batches)
    return httpx.Response(200, json={"object": "list", "data": views, "has_more": more})


def test_of_two_batches_the_older_one_stays() -> None:
    with mock_aws():
        world = World(SmallSettings(working=80_000))
        world.small.misbehave("cut_after", route="create_batch")
        world.small.misbehave("batch_not_listed", seconds=3_000)
        job = world.drop("a.jsonl", chats(2))
        world.run_functions()
        for _ in range(120):
            world.tick(60)

        older, younger = sorted(world.small.batches.values(), key=lambda each: each.created_at)
        assert (older.status, younger.status) == ("in_progress", "cancelled")
        assert [part.batch_id for part in world.parts(job)] == [older.id]
        assert len(second_batches(world)) == 1


def test_second_batch_is_found_behind_a_page_of_old_and_new_ones(world: World) -> None:
    others = world.upload("others.jsonl")
    for _ in range(100):
        world.edges.openai.create_batch(others, "/v1/chat/completions", "24h", {"owner": "others"})
    world.clock.advance(hours=96)
    next(iter(world.small.batches.values())).created_at = world.clock.seconds()
    world.small.misbehave("cut_after", route="create_batch")
    world.small.misbehave("batch_not_listed", seconds=3_000)
    world.run_job("a.jsonl", chats(2))
    wire = TwistedWire(world.small.transport())
    wire.after = lambda request, response: oldest_first(world, request)
    world.edges = world.connect(transport=wire)
    world.clock.advance(hours=1)

    assert sweep(world.edges)["SecondBatches"] == 1


def test_files_of_a_part_whose_land_died_are_deleted_when_poll_closes_the_job(
    world: World,
) -> None:
    """Its message may be gone too: another process had it, and was done with it."""
    job = world.drop("a.jsonl", lines([chat("a"), chat("b", model="gpt-4.1")]))
    world.run_functions()
    world.clock.advance(seconds=200)
    poll(world.edges)
    receive(world.session, world.queues["land"])  # nobody lands them

    def dies(request: httpx.Request) -> httpx.Response | None:
        if request.method == "DELETE":
            raise KeyboardInterrupt
        return None

    shut = Refusal(503, "SlowDown")
    busy = RefusingSession(shut, "PutObject", while_=lambda: True, within="results/")
    dying = world.connect(transport=TwistedWire(world.small.transport(), before=dies))
    with pytest.raises(KeyboardInterrupt):
        land(dying, PartRef(job=job, part=1))
    with pytest.raises(TryLater):
        land(world.connect(busy), PartRef(job=job, part=2))
    world.clock.advance(hours=2)

    for _ in range(3):
        world.tick(1_000)

    assert world.job(job).over
    assert not [each for each in world.small.files.values() if each.purpose != "assistants"]
