"""What has no room waits, visibly; nothing fails that could wait."""

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
from moto import mock_aws

from local.openai import SmallSettings
from shared.batchfile.schema import CHAT
from shared.errors import CapacityExceeded, Conflict
from shared.jobs.estimate import Used
from shared.jobs.model import JobState
from shared.jobs.part import PartState
from tests.support.batch_files import chat, chats, lines
from tests.support.wires import TwistedWire, named, refused
from tests.support.world import World

# About 1,030 tokens a request: 40 of them make about 41,000.
BIG = lines(chat(f"r{n}", "x" * 4_000) for n in range(40))


def tight(limit: int, **settings: Any) -> World:
    return World(SmallSettings(enqueued_limits={"*": limit}), settings=settings)


def test_job_larger_than_the_limit_completes_without_exceeding_it() -> None:
    with mock_aws():
        world = tight(8_000)
        job = world.run_job("big.jsonl", BIG)

        assert [each["custom_id"] for each in world.results(job)] == [f"r{n}" for n in range(40)]
        assert job.state is JobState.COMPLETED
        assert world.small.peak_enqueued["gpt-5-mini"] <= 8_000
        assert len(world.small.billed) == 40
        assert [capacity.used for capacity in world.edges.ledger.capacities()] == [0]


def test_limit_is_learned_from_a_refusal_and_the_part_split() -> None:
    with mock_aws():
        world = tight(8_000)
        job = world.run_job("big.jsonl", BIG)

        (capacity,) = world.edges.ledger.capacities()
        assert capacity.limit == 8_000
        first, *pieces = world.report(job)["parts"]
        assert first["split_again"]
        assert max(piece["estimated_prompt_tokens"] for piece in pieces) <= 8_000
        refused = [b for b in world.small.batches.values() if b.status == "failed"]
        assert len(refused) == 1


def test_configured_limit_is_never_exceeded() -> None:
    with mock_aws():
        world = tight(8_000, enqueued_limits="gpt-5-mini=8000")
        world.run_job("big.jsonl", BIG)

        assert [b.status for b in world.small.batches.values()] == ["completed"] * 6


def test_waiting_for_capacity_is_published_once_a_job() -> None:
    with mock_aws():
        world = tight(8_000, enqueued_limits="*=8000")
        job = world.drop("big.jsonl", BIG)
        world.run_functions()

        waiting = [part for part in world.parts(job) if part.state is PartState.WAITING]
        assert len(waiting) == 5
        assert all(part.reason.startswith("no capacity") for part in waiting)
        assert [each["Subject"][:12] for each in world.published()].count("Part Waiting") == 1


def test_request_larger_than_the_limit_fails_alone() -> None:
    with mock_aws():
        world = tight(8_000, enqueued_limits="*=8000")
        content = lines([chat("a"), chat("huge", "x" * 40_000), chat("b")])
        job = world.run_job("file.jsonl", content)

        codes = [each["error"] and each["error"]["code"] for each in world.results(job)]
        assert codes == [None, "token_limit_exceeded", None]


def test_small_part_passes_a_big_one_until_that_waited_long() -> None:
    with mock_aws():
        slow = SmallSettings(enqueued_limits={"*": 8_000}, working=3_600)
        world = World(slow, settings={"enqueued_limits": "*=8000"})
        first = world.drop("first.jsonl", lines(chat(f"a{n}", "x" * 4_000) for n in range(5)))
        world.run_functions()
        big = world.drop("big.jsonl", lines(chat(f"b{n}", "x" * 4_000) for n in range(6)))
        early = world.drop("early.jsonl", lines([chat("c", "x" * 4_000)]))
        world.run_functions()
        world.clock.advance(minutes=31)
        world.tick()
        late = world.drop("late.jsonl", lines([chat("d", "x" * 4_000)]))
        world.run_functions()

        states = {job: world.parts(job)[0].state for job in (first, big, early, late)}
        assert states == {
            first: PartState.SUBMITTED,
            big: PartState.WAITING,
            early: PartState.SUBMITTED,
            late: PartState.WAITING,
        }
        world.run_until_over(first, big, early, late)


@pytest.mark.parametrize(
    "quirk",
    [
        "rate_limited",
        "rate_limited_silent",
        "quota_exhausted",
        "unauthorized",
        "error_500_before",
        "error_503_before",
        "cut_before",
    ],
)
@pytest.mark.parametrize("route", ["upload", "create_batch"])
def test_passing_refusal_makes_a_part_wait(world: World, quirk: str, route: str) -> None:
    world.small.misbehave(quirk, route=route)
    job = world.drop("file.jsonl", lines([chat("a")]))
    world.run_functions()

    (part,) = world.parts(job)
    assert part.state is PartState.WAITING
    assert part.reason
    world.run_until_over(job)
    assert world.job(job).state is JobState.COMPLETED
    assert len(world.small.billed) == 1


@pytest.mark.parametrize("quirk", ["cut_after", "error_500_after", "error_503_after", "not_json"])
def test_batch_with_a_lost_answer_is_found_and_not_created_again(world: World, quirk: str) -> None:
    world.small.misbehave(quirk, route="create_batch")
    job = world.drop("file.jsonl", lines([chat("a"), chat("b")]))

    world.run_until_over(job)

    assert len(world.small.batches) == 1
    assert len(world.small.billed) == 2


def test_lost_batch_that_shows_up_late_is_waited_for(world: World) -> None:
    world.small.misbehave("cut_after", route="create_batch")
    world.small.misbehave("batch_not_visible", seconds=200)
    job = world.drop("file.jsonl", lines([chat("a")]))

    world.run_until_over(job)

    assert len(world.small.batches) == 1


def test_batches_are_created_within_the_hourly_rate() -> None:
    with mock_aws():
        world = World(settings={"max_part_requests": 1, "batches_per_hour": 40})
        job = world.drop("file.jsonl", lines(chat(f"r{n}") for n in range(5)))
        world.run_functions()

        made = [part for part in world.parts(job) if part.state is PartState.SUBMITTED]
        assert len(made) == 40 // 13
        world.clock.advance(minutes=5)
        world.run_until_over(job)
        assert len(world.small.billed) == 5


def test_learned_limit_is_forgotten_after_a_day() -> None:
    with mock_aws():
        world = tight(8_000)
        world.edges.ledger.learn_limit("gpt-5-mini", 10, "tokens", world.clock())
        (capacity,) = world.edges.ledger.capacities()

        assert capacity.as_known(world.clock(), None).limit == 10
        assert capacity.as_known(world.clock() + timedelta(hours=25), None).limit is None
        assert capacity.as_known(world.clock(), 5).limit == 5


def refusing(world: World, message: str, most: int, code: str | None = None) -> TwistedWire:
    """A server that takes so many requests at a time, and says so when a batch is validated."""
    wire = TwistedWire(world.small.transport())

    def enqueued() -> int:
        over = {"completed", "failed", "expired", "cancelled"}
        running = (b for b in world.small.batches.values() if b.status not in over)
        return sum(requests_of(b.input_file_id) for b in running)

    def requests_of(file: str) -> int:
        return world.small.files[file].path.read_bytes().count(b"\n")

    def before(request: httpx.Request) -> httpx.Response | None:
        if named(request) != "POST /v1/batches":
            return None
        count = requests_of(json.loads(request.content)["input_file_id"])
        return refused(429, message, code) if enqueued() + count > most else None

    wire.before = before
    world.edges = world.connect(transport=wire)
    return wire


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("Enqueued request limit reached for gpt-5-mini. Limit: 7 enqueued requests.", None),
        ("Enqueued request limit reached. Limit: 7 enqueued requests.", "token_limit_exceeded"),
        ("Too many enqueued requests; request limit of 7 for the deployment.", None),
    ],
)
def test_limit_of_requests_is_learned_and_the_part_split_by_requests(
    world: World, message: str, code: str | None
) -> None:
    refusing(world, message, most=7, code=code)

    job = world.run_job("big.jsonl", lines(chat(f"r{n}") for n in range(30)))

    assert job.state is JobState.COMPLETED
    (capacity,) = world.edges.ledger.capacities()
    assert (capacity.request_limit, capacity.limit) == (7, None)
    assert (capacity.used, capacity.used_requests) == (0, 0)
    held = [part.requests for part in world.parts(job.id) if not part.replaced]
    assert (max(held), sum(held)) == (7, 30)


def test_one_request_above_the_limit_goes_alone_and_openai_decides() -> None:
    with mock_aws():
        world = World(SmallSettings(), settings={"enqueued_limits": "*=500"})  # OpenAI has none
        requests = [chat("a"), chat("large", "x" * 40_000), chat("b")]
        job = world.run_job("big.jsonl", lines(requests))

        assert job.state is JobState.COMPLETED
        (alone,) = [part for part in world.parts(job.id) if part.tokens > 500 and not part.replaced]
        assert alone.requests == 1
        overlapping = [
            part
            for part in world.parts(job.id)
            if part.number != alone.number
            and not part.replaced
            and part.times["submitting"] < alone.times["ended"]
            and part.times["ended"] > alone.times["submitted"]
        ]
        assert overlapping == []


def test_one_request_that_openai_never_takes_ends_in_its_words() -> None:
    with mock_aws():
        world = tight(3_000)
        job = world.run_job("big.jsonl", lines([chat("a"), chat("large", "x" * 40_000)]))

        assert job.state is JobState.COMPLETED_WITH_FAILURES
        (error,) = world.report(job)["errors"]
        assert "Enqueued token limit reached" in error["message"]
        assert [each.used for each in world.edges.ledger.capacities()] == [0]


@pytest.mark.parametrize(
    ("took", "limit", "parts"), [(0.5, 10_400, 1), (1, 4_000, 7), (1.9, 4_000, 10)]
)
def test_a_part_takes_of_its_model_what_such_requests_took_lately(
    took: float, limit: int, parts: int
) -> None:
    """Twenty requests of 1,030 tokens each by bytes."""
    with mock_aws():
        world = World(settings={"enqueued_limits": f"*={limit}"})
        tokens = round(took * 1_000)
        learnt = Used(part="x/000001", estimated=1_000, answers=10, input=tokens, output=10)
        world.edges.ledger.note_used(("gpt-5-mini", CHAT), learnt)

        job = world.run_job("a.jsonl", lines(chat(f"r{n}", "x" * 4_000) for n in range(20)))

        assert job.state is JobState.COMPLETED
        held = [part for part in world.parts(job.id) if not part.replaced]
        assert len(held) == parts
        assert all(part.enqueues <= limit for part in held)
        assert [each.used for each in world.edges.ledger.capacities()] == [0]


def test_images_by_value_are_not_refused_for_their_bytes() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 90_000}}
    content = [{"type": "text", "text": "What is this?"}, image]
    with mock_aws():
        world = World(SmallSettings(), settings={"enqueued_limits": "*=9000"})
        requests = [chat(f"i{n}") for n in range(4)]
        for request in requests:
            request["body"]["messages"] = [{"role": "user", "content": content}]
        job = world.run_job("images.jsonl", lines(requests))

        assert job.state is JobState.COMPLETED
        assert [part.requests for part in world.parts(job.id)] == [4]


def test_part_is_split_into_more_pieces_than_a_transaction_takes() -> None:
    with mock_aws():
        world = World(SmallSettings(), settings={"enqueued_limits": "*=1100"})
        dropped = world.drop("many.jsonl", lines(chat(f"r{n}", "x" * 4_000) for n in range(104)))
        world.run_functions()
        held = [part for part in world.parts(dropped) if not part.replaced]
        assert (len(held), sum(part.requests for part in held)) == (104, 104)

        world.config = world.config.model_copy(update={"enqueued_limits": ""})
        world.edges = world.connect()
        world.run_until_over(dropped)
        assert world.job(dropped).state is JobState.COMPLETED
        assert len(world.small.billed) == 104


def test_model_that_is_idle_costs_a_tick_nothing(world: World) -> None:
    models = [f"ft:gpt-5-mini:org::{n}" for n in range(30)]
    world.run_job("all.jsonl", lines(chat(each, model=each) for each in models))
    assert len(world.edges.ledger.capacities()) == 30

    world.clock.advance(hours=2)
    world.tick()
    assert world.edges.ledger.capacities() == []

    again = world.run_job("again.jsonl", lines([chat("a", model=models[7])]))
    assert again.state == "completed"
    assert [each.model for each in world.edges.ledger.capacities()] == [models[7]]


def test_model_with_parts_that_wait_for_days_is_not_idle(world: World) -> None:
    world.small.misbehave("rate_limited", route="create_batch", retry_after=80_000)
    job = world.drop("a.jsonl", chats(2))
    world.run_functions()
    for _ in range(4):  # while nothing is due
        world.tick(seconds=3_600)

    world.run_until_over(job)

    assert world.job(job).state is JobState.COMPLETED


def test_limit_that_changed_meanwhile_is_a_conflict_and_no_lack_of_capacity(world: World) -> None:
    one, two = (world.drop(f"{n}.jsonl", chats(2)) for n in range(2))
    world.run_function("intake")
    (first,), (second,) = world.parts(one), world.parts(two)
    ledger, lease = world.edges.ledger, world.config.lease
    read = ledger.capacity(first.model).model_copy(update={"limit": first.tokens + 1})
    ledger.learn_limit(first.model, first.tokens, "tokens", world.clock())

    with pytest.raises(Conflict):
        ledger.take_capacity(first, first.claimed(world.clock(), lease), read)

    read = ledger.capacity(first.model)
    ledger.take_capacity(first, first.claimed(world.clock(), lease), read)
    with pytest.raises(CapacityExceeded):
        ledger.take_capacity(second, second.claimed(world.clock(), lease), read)


def test_part_that_takes_more_than_we_think_is_split() -> None:
    with mock_aws():
        world = tight(25_000)  # by the server's count four of these make 40,000, by ours 6,000
        job = world.run_job("big.jsonl", lines(chat(f"r{n}", "x" * 40_000) for n in range(4)))

        assert job.state is JobState.COMPLETED
        assert len(world.small.billed) == 4
        assert max(part.requests for part in world.parts(job.id) if not part.replaced) == 2


@pytest.mark.parametrize("requests", [1, 3])
def test_part_waits_for_as_long_as_others_use_the_limit(world: World, requests: int) -> None:
    wire = TwistedWire(world.small.transport())
    full = "Enqueued token limit reached for gpt-5-mini. Limit: 90,000 enqueued tokens."
    wire.before = lambda request: (
        refused(429, full, "token_limit_exceeded") if named(request) == "POST /v1/batches" else None
    )
    world.edges = world.connect(transport=wire)
    job = world.drop("a.jsonl", chats(requests))
    world.run_functions()
    for _ in range(15):
        world.tick(seconds=7_200)
    (part,) = world.parts(job)
    assert part.reason.endswith(full)

    wire.before = lambda _: None
    world.run_until_over(job)
    assert world.job(job).state is JobState.COMPLETED
