"""A function killed between any two of its calls and run again: the same world."""

from typing import Any

import boto3
import pytest
from moto import mock_aws

from functions.poll.flow import poll
from local.openai import SmallSettings
from shared.jobs.cancel import cancel
from shared.jobs.edges import JobEdges
from tests.support.batch_files import chat, lines
from tests.support.interrupts import (
    WALK_STEP,
    Interrupt,
    Killed,
    Side,
)
from tests.support.survival import interrupted_edges, survive
from tests.support.world import World

# Two models make two parts that are copies; one request fails until it is asked again.
STORY = lines(
    [
        chat("a", "one"),
        chat("b", "two", model="gpt-4.1"),
        chat("c", "small-openai:500-until-attempt-2"),
        chat("d", "four", model="gpt-4.1"),
    ]
)
BAD = b"nonsense\n"
ALONE = lines([chat("a", "one"), chat("b", "two")])
STEPS = 15  # ticks of a minute; the story is over in six

Final = dict[str, Any]


def told(world: World) -> tuple[set[str], int]:
    """The kinds of things that were told, and how many different ones."""
    messages = world.published()
    kinds = {each["Subject"].split(":")[0] for each in messages}
    return kinds, len({each["Message"].rsplit("id ", 1)[1] for each in messages})


def final(world: World, job: str) -> Final:
    """All that matters of a world at rest."""
    ended = world.job(job)
    report = world.report(ended)
    return {
        "state": ended.state,
        "problems": report.get("problems_by_code"),
        "answers": [
            (each["custom_id"], each["response"] and each["response"]["status_code"])
            for each in world.results(ended)
        ],
        "counts": report.get("requests"),
        "attempts": sorted((part["part"], part["attempt"]) for part in report.get("parts", [])),
        "billed": sorted(custom_id for _, custom_id in world.small.billed),
        "left_at_openai": len(world.small.files),
        "open": [part.state for part in world.parts(job) if part.state != "landed"],
        "told": told(world),
        "room": [capacity.used for capacity in world.edges.ledger.capacities()],
    }


def live(world: World, content: bytes, interrupt: Interrupt) -> str:
    """The whole story through one process, which is replaced when it dies."""
    edges = interrupted_edges(world, interrupt)
    job = world.drop("story.jsonl", content)
    edges = survive(world, edges, job, steps=STEPS)
    world.run_functions(edges)
    return job


def story(content: bytes, interrupt: Interrupt) -> Final:
    with mock_aws():
        world = World(openai_settings=SmallSettings(working=20))
        return final(world, live(world, content, interrupt))


@pytest.fixture(scope="module")
def undisturbed() -> dict[bytes, tuple[Final, int]]:
    """How each story ends when nobody dies, and in how many calls."""
    interrupts = {content: Interrupt() for content in (ALONE, STORY, BAD)}
    return {
        content: (story(content, interrupt), len(interrupt.calls))
        for content, interrupt in interrupts.items()
    }


# To die after a call is to die before the next one, but for what the process itself remembers:
# so the short story is walked on both sides, the long one on one and by a quarter.
@pytest.mark.parametrize("eighth", range(8))
@pytest.mark.parametrize(
    ("content", "side"),
    [(ALONE, "before"), (ALONE, "after"), (STORY, "before"), (BAD, "before")],
    ids=["one part, before", "one part, after", "two parts and a retry", "a refused file"],
)
def test_function_killed_at_any_call_ends_in_the_same_world(
    undisturbed: dict[bytes, tuple[Final, int]],
    content: bytes,
    side: Side,
    eighth: int,
) -> None:
    expected, calls = undisturbed[content]
    assert expected["state"] in {"completed", "rejected"}

    step = 8 * (WALK_STEP if content == STORY else 1)
    interrupts = [Interrupt(n, side) for n in range(1 + eighth, calls + 1, step)]
    worlds = [(interrupt, story(content, interrupt)) for interrupt in interrupts]

    assert [(each.place, world) for each, world in worlds if world != expected] == []


class DiesAfterTheBell(boto3.Session):
    """Once a job was told of as completed, and before the ledger knows."""

    def __init__(self) -> None:
        super().__init__(region_name="us-east-1")
        self._rung = False
        self.events.register("provide-client-params.sns.Publish", self._rings)
        self.events.register_last("after-call.sns.Publish", self._dies)

    def _rings(self, params: dict[str, Any], **_: Any) -> None:
        self._rung = params["Subject"].startswith("Job Completed")

    def _dies(self, **_: Any) -> None:
        if self._rung:
            raise Killed("after the bell")


@pytest.mark.parametrize("content", [ALONE, STORY], ids=["one part", "two parts and a retry"])
def test_cancel_between_publish_and_commit_changes_no_notification(
    content: bytes,
) -> None:
    with mock_aws():
        world = World(openai_settings=SmallSettings(working=20))
        edges = world.connect(DiesAfterTheBell())
        job = world.drop("story.jsonl", content)

        with pytest.raises(Killed):
            live_on(world, edges)
        cancel(world.edges, job)
        world.redeliver()
        world.run_until_over(job)

        assert world.job(job).state == "completed"
        assert "Job Cancelled" not in told(world)[0]


def live_on(world: World, edges: JobEdges) -> None:
    for _ in range(STEPS):
        world.run_functions(edges)
        world.clock.advance(seconds=60)
        poll(edges)
