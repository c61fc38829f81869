"""Which rows and index entries each function writes for one job, as measured."""

import json
import math
from collections import Counter
from collections.abc import Callable
from typing import Any

from functions.intake.flow import take_in
from functions.land.flow import land
from functions.poll.flow import poll
from functions.submit.flow import submit
from local.measure.kit.inputs import write_chats
from local.measure.kit.tables import write_units
from local.measure.kit.testbed import Testbed, make_testbed
from local.world.workspace import temporary_home
from shared.objects import PartRef

PARTS = 3  # of the job: one for each of its models
Writes = dict[str, int]  # units by partition: the table's keys and, as open=…, the index's


class Rows:
    """Counts the units that each write puts into each partition."""

    def __init__(self, testbed: Testbed) -> None:
        self._writes: Counter[str] = Counter()
        self._open: dict[tuple[str, str], str] = {}
        testbed.session.events.register("before-call.dynamodb", self._count)

    def of(self, act: Callable[[], object]) -> Writes:
        self._writes.clear()
        act()
        return dict(self._writes)

    def _count(self, model: Any, params: Any, **_: Any) -> None:
        body = json.loads(params["body"])
        if model.name == "TransactWriteItems":
            for each in body["TransactItems"]:
                self._one(next(iter(each.values())), 2)
        elif model.name in {"PutItem", "UpdateItem"}:
            self._one(body, 1)

    def _one(self, write: Any, times: int) -> None:
        row = write.get("Item") or write["Key"]
        key = row["pk"]["S"], row["sk"]["S"]
        units = times * write_units(row)
        self._writes["JOB#" if key[0].startswith("JOB#") else key[0]] += units
        was, now = self._open.get(key, ""), row.get("open", {}).get("S", "")
        for entry in {was, now} - {""}:  # it leaves one partition of the index for another
            self._writes[f"open={entry}"] += units
        if "Item" in write:
            self._open[key] = now


def traced() -> dict[str, Writes]:
    """By function: what intake writes for a job, and the others for a part."""
    with temporary_home() as home:
        testbed = make_testbed(home, ("--model", "*"))
        rows, edges = Rows(testbed), testbed.edges()
        path = write_chats(home / "job.jsonl", 30, models=PARTS)
        source = testbed.put(path, keep_files="true")
        found = {"intake": rows.of(lambda: take_in(edges, source))}
        (job,) = {each["id"] for each in testbed.rows() if each["sk"] == "JOB"}
        asks = [PartRef(job=str(job), part=number) for number in range(1, PARTS + 1)]
        found["submit"] = rows.of(lambda: [submit(edges, each) for each in asks])
        testbed.wait_for_batches(edges.ledger.parts(str(job)))
        found["poll"] = rows.of(lambda: poll(edges))
        found["land"] = rows.of(lambda: [land(edges, each) for each in asks])
    per_part = {
        function: _per_part(writes) for function, writes in found.items() if function != "intake"
    }
    return {"intake": found["intake"], **per_part}


def _per_part(writes: Writes) -> Writes:
    """The share of one part; only its own part writes to a model's partition."""
    return {
        key: units if key.startswith("open=waiting#") else math.ceil(units / PARTS)
        for key, units in writes.items()
    }
