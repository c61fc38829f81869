"""A part keeps the batch whose answers have landed, whatever OpenAI shows of it later."""

from functools import partial

import httpx
import pytest

from shared.jobs.part import Part, PartState
from shared.jobs.second_batches import cancel_second_batch
from tests.support.batch_files import chat, lines
from tests.support.wires import TwistedWire, named, refused
from tests.support.world import World

CONTENT = lines([chat("a"), chat("b")])


def second_batch(world: World, part: Part, seconds: float) -> str:
    """As a lost answer leaves it, made so long before the part's own."""
    upload = world.upload("again.jsonl")
    made = world.edges.openai.create_batch(upload, part.endpoint, "24h", part.metadata)
    own, other = world.small.batches[part.batch_id or ""], world.small.batches[made.id]
    other.created_at = own.created_at - seconds
    return made.id


def shown_as_before(batch: str, request: httpx.Request, answer: httpx.Response) -> httpx.Response:
    """OpenAI may show a batch as it was at an earlier look."""
    if named(request) != f"GET /v1/batches/{batch}":
        return answer
    return httpx.Response(200, json=answer.json() | {"status": "in_progress"})


@pytest.mark.parametrize("older", [60, -60])
def test_landed_part_keeps_its_batch(world: World, older: float) -> None:
    big = lines([chat(str(each)) for each in range(4)] + [chat("x", model="gpt-4.1")])
    job = world.drop("a.jsonl", big)
    world.run_functions()
    world.tick(120)
    world.tick(120)
    landed = next(each for each in world.parts(job) if each.state is PartState.LANDED)
    before = landed.batch_id
    other = second_batch(world, landed, older)
    wire = TwistedWire(world.small.transport(), after=partial(shown_as_before, before or ""))
    world.edges = world.connect(transport=wire)

    cancel_second_batch(world.edges, world.edges.openai.batch(other))

    part = world.edges.ledger.part(job, landed.number)
    assert part
    assert part.batch_id == before
    assert world.small.batches[other].status == "cancelling"


@pytest.mark.parametrize("status", [400, 422])
def test_batch_that_openai_does_not_show_stops_no_other(world: World, status: int) -> None:
    job = world.drop("a.jsonl", lines([chat("a"), chat("b", model="gpt-4.1")]))
    world.run_functions()
    hidden = world.parts(job)[0].batch_id
    shut = {"is": True}

    def before(request: httpx.Request) -> httpx.Response | None:
        if not shut["is"]:
            return None
        if named(request) == "GET /v1/batches":
            return refused(404, "no such route")
        return refused(status, "No.") if named(request) == f"GET /v1/batches/{hidden}" else None

    world.edges = world.connect(transport=TwistedWire(world.small.transport(), before=before))
    for _ in range(5):
        world.tick()
    states = {each.number: each.state for each in world.parts(job)}
    assert states[2] is PartState.LANDED

    shut["is"] = False
    world.run_until_over(job)
    assert world.job(job).state == "completed"
