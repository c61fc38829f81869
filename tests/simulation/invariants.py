"""What was promised, watched at every write and at every message."""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from local.openai import SmallOpenAI
from tests.simulation.aws import Cloud, Row
from tests.simulation.faults import Chaos
from tests.simulation.interception import Wire
from tests.simulation.scheduler import Invocation
from tests.simulation.workload import Drop

if TYPE_CHECKING:
    from tests.simulation.library_checks import Shelf

OVER = {"completed", "failed", "cancelled", "rejected"}
ENDS = {f"Job {state.capitalize()}": state for state in OVER}
SHOWN = (
    *("pk", "sk", "state", "rev", "attempt", "model", "tokens", "used", "limit", "reserved_for"),
    *("open", "due", "tries", "batch_id", "batch_status", "replaced", "reason"),
)
AT_OPENAI = {"submitting", "submitted"}


@dataclass
class Watch:
    """Notes what is broken; the simulation stops at the first note."""

    chaos: Chaos
    small: SmallOpenAI
    wire: Wire
    broken: list[str] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)
    drops: dict[str, Drop] = field(default_factory=dict)
    cancelled: set[str] = field(default_factory=set)
    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)  # on the bus
    paged: set[tuple[str, str]] = field(default_factory=set)  # kind and id, on the topic
    inputs: dict[str, list[str]] = field(default_factory=dict)  # file at OpenAI → custom_ids
    notes: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.cloud: Cloud
        self.shelf: Shelf | None = None  # where somebody keeps a library
        self.states: dict[tuple[str, str], str] = {}
        self._claims: dict[tuple[str, str], tuple[int, Invocation | None]] = {}

    def breaks(self, what: str) -> None:
        self.broken.append(what)
        self.chaos.note(f"## {what}")

    def must(self, holds: object, otherwise: str) -> None:
        if not holds:
            self.breaks(otherwise)

    def dropped(self, drop: Drop) -> None:
        self.drops[drop.job] = drop

    def asked(self, batch: dict[str, Any]) -> None:
        """A batch is about to be made of a file."""
        file = self.small.files.get(batch["input_file_id"])
        if file is None:
            return
        lines = [json.loads(line) for line in file.path.read_bytes().splitlines()]
        self.inputs[file.id] = [line["custom_id"] for line in lines]
        drop = self.drops.get(batch["metadata"]["job_id"])
        if self.shelf and drop and drop.at and any(line["body"].get("tools") for line in lines):
            self.shelf.must_be_ready(drop.at)

    def called(self, call: str) -> None:
        """A function called OpenAI; what it asked for is done, or never will be."""
        if self.shelf:
            self.shelf.called(call)

    def is_over(self, job: str) -> bool:
        row = self.cloud.row(f"JOB#{job}", "JOB")
        return row is not None and row["state"] in OVER

    def state(self) -> list[str]:
        """The ledger's rows in short, for a failing seed."""
        return sorted(
            "== " + " ".join(f"{n}={row[n]}" for n in SHOWN if row.get(n) not in {None, ""})
            for row in self.cloud.rows()
        )

    # While it runs

    def put_on_bus(self, kind: str, detail: dict[str, Any]) -> None:
        self.told.append((kind, detail))
        if kind in ENDS:
            self._must_hold_what_is_told(kind, detail)

    def published(self, kind: str, text: str) -> None:
        self.paged.add((kind, text.rsplit("id ", 1)[-1]))

    def wrote(self, rows: list[tuple[str, str]]) -> None:
        for pk, sk in rows:
            row = self.cloud.row(pk, sk)
            if row is None:
                continue
            if pk == "CAPACITY":
                self.must(row.get("used", 0) >= 0, f"the room of {sk} is below zero")
            elif sk == "JOB" or sk.startswith("PART#"):
                self._moved(pk, sk, row)
                self._claimed(pk, sk, row)
        self._room_must_be_what_parts_hold()

    def _moved(self, pk: str, sk: str, row: Row) -> None:
        old, new = self.states.get((pk, sk), ""), row["state"]
        self.states[pk, sk] = new
        self.must(old not in OVER or new == old, f"{pk} went from {old} to {new}")
        self.must(old != "landed" or new == old, f"{pk} {sk} went from {old} to {new}")
        if new == old:
            return
        if new in OVER:
            self._must_be_told(f"Job {new.capitalize()}", row["id"])
            self._must_have_bytes(row)
        elif new == "accepted":
            self._must_be_told("Job Accepted", row["id"])
        elif new == "landed":
            self._must_have_landed(row)
        elif new == "waiting" and row["attempt"] > 1 and not old and not self._is_piece(row):
            self._must_be_told("Part Retried", row["job"], row["number"])

    def _claimed(self, pk: str, sk: str, row: Row) -> None:
        """A claim holds for as long as its holder may live."""
        if row["state"] != "submitting":
            self._claims.pop((pk, sk), None)
            return
        tries, holder = self._claims.get((pk, sk), (0, None))
        if tries == row["tries"]:
            return
        alive = holder and not holder.over and holder.deadline > self.chaos.now()
        self.must(not alive, f"{pk} {sk} was claimed while its holder lives")
        self._claims[pk, sk] = row["tries"], self.wire.current

    def _is_piece(self, row: Row) -> bool:
        parts = [self.cloud.row(f"JOB#{row['job']}", sk) for pk, sk in self.states if "PART" in sk]
        return any(p and p.get("replaced") and p["attempt"] == row["attempt"] for p in parts)

    def _must_be_told(self, kind: str, job: str, part: int | None = None) -> None:
        facts = [
            detail
            for told, detail in self.told
            if told == kind and detail["job"] == job and part in {None, detail.get("part")}
        ]
        both = [each for each in facts if (kind, each["id"]) in self.paged]
        self.must(both, f"the ledger says {kind!r} of {job} ({part}) before it was told both ways")

    def _must_hold_what_is_told(self, kind: str, detail: dict[str, Any]) -> None:
        said = f"{kind!r} of {detail['job']} was told before its bytes lay there"
        if ENDS[kind] == "rejected":
            self.must(self.cloud.read(detail["report"]), said)
            return
        results, report = (self.cloud.read(detail[name]) for name in ("results", "report"))
        self.must(report, said)
        self.must(results is not None and results.count(b"\n") == detail["requests"], said)

    def _must_have_bytes(self, row: Row) -> None:
        prefix, state = row["results_prefix"], row["state"]
        report = self.cloud.read(f"{prefix}report.json")
        self.must(report, f"{row['id']} is {state} without a report")
        if state != "rejected":
            results = self.cloud.read(f"{prefix}results.jsonl") or b""
            self.must(results.count(b"\n") == row["requests"], f"{row['id']} lacks results")

    def _must_have_landed(self, row: Row) -> None:
        if row.get("replaced") or self.is_over(row["job"]):
            return
        landed = self.cloud.read(f"parts/{row['job']}/{row['number']:06d}.results.jsonl") or b""
        said = f"part {row['number']} of {row['job']} is landed without its bytes"
        self.must(landed.count(b"\n") == row["requests"], said)

    def _room_must_be_what_parts_hold(self) -> None:
        held: Counter[str] = Counter()
        capacities: dict[str, int] = {}
        for row in self.cloud.rows():
            if row["sk"].startswith("PART#") and _holds_room(row):
                held[row["model"]] += row["tokens"]
            elif row["pk"] == "CAPACITY":
                capacities[row["sk"]] = row.get("used", 0)
        for model, used in capacities.items():
            said = f"room of {model}: {used} used, parts hold {held[model]}"
            self.must(used == held[model], said)


def _holds_room(row: Row) -> bool:
    """A part that is at OpenAI, or that may be there, its answer lost."""
    return row["state"] in AT_OPENAI or (row["state"] == "waiting" and "creating_at" in row)
