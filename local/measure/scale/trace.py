"""Which rows and index entries each function writes for one job: measured, not guessed."""

import json
import math
from collections import Counter
from collections.abc import Callable
from typing import Any

from functions.intake.flow import take_in
from functions.land.flow import land
from functions.poll.flow import poll
from functions.submit.flow import submit
from local.measure.cost.measure import WRITE_UNIT, wait_for_batches
from local.measure.kit.inputs import write_chats
from local.measure.kit.world import World, make_world
from local.world.workspace import passing_home
from shared.objects import PartRef

PARTS = 3  # of the job: one for each of its models
Writes = dict[str, int]  # units by partition: the table's keys and, as open=…, the index's


class Rows:
    """Follows every write into the partitions it touches."""

    def __init__(self, world: World) -> None:
        self._writes: Counter[str] = Counter()
        self._open: dict[tuple[str, str], str] = {}
        world.session.events.register("before-call.dynamodb", self._asked)

    def of(self, act: Callable[[], object]) -> Writes:
        self._writes.clear()
        act()
        return dict(self._writes)

    def _asked(self, model: Any, params: Any, **_: Any) -> None:
        asked = json.loads(params["body"])
        if model.name == "TransactWriteItems":
            for each in asked["TransactItems"]:
                self._one(next(iter(each.values())), 2)
        elif model.name in {"PutItem", "UpdateItem"}:
            self._one(asked, 1)

    def _one(self, write: Any, times: int) -> None:
        row = write.get("Item") or write["Key"]
        key = row["pk"]["S"], row["sk"]["S"]
        units = times * max(1, math.ceil(len(json.dumps(row)) / WRITE_UNIT))
        self._writes["JOB#" if key[0].startswith("JOB#") else key[0]] += units
        was, now = self._open.get(key, ""), row.get("open", {}).get("S", "")
        for entry in {was, now} - {""}:  # out of one partition of the index, into another
            self._writes[f"open={entry}"] += units
        if "Item" in write:
            self._open[key] = now


def traced() -> dict[str, Writes]:
    """By function: intake for a job, the others for a part."""
    with passing_home() as home:
        world = make_world(home)
        rows, edges = Rows(world), world.edges()
        path = write_chats(home / "job.jsonl", 30, models=PARTS)
        source = world.put(path, keep_files="true")
        found = {"intake": rows.of(lambda: take_in(edges, source))}
        (job,) = {each["id"] for each in world.rows() if each["sk"] == "JOB"}
        asks = [PartRef(job=str(job), part=number) for number in range(1, PARTS + 1)]
        found["submit"] = rows.of(lambda: [submit(edges, each) for each in asks])
        wait_for_batches(world, edges, str(job))
        found["poll"] = rows.of(lambda: poll(edges))
        found["land"] = rows.of(lambda: [land(edges, each) for each in asks])
    per_part = {
        function: _shared_out(writes) for function, writes in found.items() if function != "intake"
    }
    return {"intake": found["intake"], **per_part}


def _shared_out(writes: Writes) -> Writes:
    """Of one part: a model's own partition is written by its own part alone."""
    return {
        key: units if key.startswith("open=waiting#") else math.ceil(units / PARTS)
        for key, units in writes.items()
    }
