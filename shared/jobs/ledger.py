"""The DynamoDB table of jobs and parts; every write states what it expects to find."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from boto3.dynamodb.conditions import Attr

from shared.aws.dynamodb import DynamoTable, Row, Write, bare, stamp
from shared.errors import CapacityExceeded, Conflict, Unit
from shared.jobs.budget import Budget, OverBudget
from shared.jobs.capacity import Capacity
from shared.jobs.estimate import KEPT as KEPT_USED
from shared.jobs.estimate import Kind, Used
from shared.jobs.model import OVER, Job
from shared.jobs.part import Part, PartState

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

CAPACITIES, BUDGET = "CAPACITY", "BUDGET"
USED = "USED"
NONE = -1  # not even where nothing is used
KEPT_IDLE = 172_800  # seconds: then DynamoDB deletes the row of an idle model
AWAKE = "REMOVE #i, #e"
AWAKE_NAMES = {"#i": "idle", "#e": "expires_at"}
LEFT = "LEFT"
KEPT_FILES = 2_592_000  # seconds: 30 days, in which the same file is noticed
KEPT_RATES = 86_400  # seconds
CAPACITY_WRITE = 1  # its place among the writes of a move
BUDGET_WRITE = 1  # and of a commitment
HOT_TRIES = 10


class DroppedFile(NamedTuple):
    """The same bytes at the same key, and the job that was seen to have had them last."""

    id: str
    seen: str | None = None
    seen_lately: bool = False  # in the last 30 days


class Ledger:
    """Rows: JOB#<id> with JOB, LEFT and PART#<n>; FILE#<id>; CAPACITY with each model; USED with
    each model and endpoint; BUDGET with each month; CURSOR; RATE#<what>.
    """

    def __init__(self, table: "Table") -> None:
        self._table = DynamoTable(table)

    def job(self, job_id: str) -> Job | None:
        found = self._table.get(f"JOB#{job_id}", "JOB")
        return Job.model_validate(found) if found else None

    def part(self, job_id: str, number: int) -> Part | None:
        found = self._table.get(f"JOB#{job_id}", f"PART#{number:06d}")
        return Part.model_validate(found) if found else None

    def parts(self, job_id: str) -> list[Part]:
        """All parts of a job, by number, as they are now."""
        rows = self._table.partition(f"JOB#{job_id}", "PART#")
        return [Part.model_validate(bare(row)) for row in rows]

    def open_job(self, job: Job) -> Job:
        """The job as the ledger has it: this one, unless another run was first."""
        try:
            self._table.create(_job_row(job))
        except Conflict:
            return self.job(job.id) or job
        return job

    def replace_job(self, old: Job, new: Job) -> None:
        self._table.replace(_job_row(new), old.rev)

    def accept(self, old: Job, new: Job) -> None:
        """Accepts a job, and stores how many of its parts are still to land."""
        left = {"pk": f"JOB#{new.id}", "sk": LEFT, "n": new.parts}
        self._table.transact(
            [self._table.replacing(_job_row(new), old.rev), self._table.putting(left)]
        )

    def claim_file(self, file: DroppedFile, job: Job, now: datetime) -> None:
        """Before a job is accepted. Raises Conflict where another claimed the same file."""
        expires_at = int(now.timestamp()) + KEPT_FILES
        row = {"pk": f"FILE#{file.id}", "sk": "LAST", "job": job.id, "expires_at": expires_at}
        unclaimed = Attr("pk").not_exists() | Attr("job").is_in([file.seen or job.id, job.id])
        self._table.put_if(row, unclaimed)

    def file(self, file_id: str, now: datetime) -> DroppedFile:
        """DynamoDB may keep a row for days after it expired."""
        found = self._table.get_whole(f"FILE#{file_id}", "LAST")
        if found is None:
            return DroppedFile(file_id)
        return DroppedFile(file_id, found["job"], found["expires_at"] > now.timestamp())

    def commit_cost(self, old: Job, new: Job, limit: int | None) -> None:
        """Takes of a month what a job is expected to cost. Raises OverBudget where it is used up.

        limit: millionths of a dollar; None: there is none, or a person allowed more.
        """
        taken = new.committed - old.committed
        try:
            self._transact(
                [
                    self._table.replacing(_job_row(new), old.rev),
                    self._budgeting(new.month, taken, 0, limit),
                ]
            )
        except Conflict as error:
            if error.failed == {BUDGET_WRITE}:
                raise OverBudget from error
            raise

    def end_unpaid(self, old: Job, new: Job) -> None:
        """Ends a job of which nothing was submitted: what it took of its month is given back."""
        if not old.committed:
            return self.replace_job(old, new)
        freed = new.model_copy(update={"committed": 0})
        return self._transact(
            [
                self._table.replacing(_job_row(freed), old.rev),
                self._budgeting(old.month, -old.committed, 0),
            ]
        )

    def budget(self, month: str) -> Budget:
        found = self._table.get(BUDGET, month)
        return Budget.model_validate(found) if found else Budget(month=month)

    def note_told(self, month: str, level: int) -> None:
        """That people heard of it."""
        self._table.update(
            BUDGET,
            month,
            UpdateExpression="SET #m = :m, #t = :t",
            ExpressionAttributeNames={"#m": "month", "#t": "told"},
            ExpressionAttributeValues={":m": month, ":t": level},
        )

    def left(self, job_id: str) -> int:
        """Parts of a job that have not landed yet."""
        found = self._table.get(f"JOB#{job_id}", LEFT)
        return int(found["n"]) if found else 0

    def plan_part(self, part: Part) -> None:
        """A part of a job that is still being checked; planning it again replaces it."""
        fresh = Attr("pk").not_exists() | Attr("state").eq(PartState.PLANNED.value)
        self._table.put_if(_part_row(part), fresh)

    def replace_part(self, old: Part, new: Part) -> None:
        self._table.replace(_part_row(new), old.rev)

    def capacity(self, model: str) -> Capacity:
        found = self._table.get(CAPACITIES, model)
        return Capacity.model_validate(found) if found else Capacity(model=model)

    def capacities(self) -> list[Capacity]:
        """Every model that has had a part of late."""
        found = map(Capacity.model_validate, map(bare, self._table.partition(CAPACITIES)))
        return [each for each in found if not each.idle]

    def open_capacity(self, model: str, now: datetime) -> None:
        """From now on poll looks for waiting parts of this model."""
        self._table.update(
            CAPACITIES,
            model,
            UpdateExpression=f"SET #m = :m, #t = :t {AWAKE}",
            ExpressionAttributeNames={"#m": "model", "#t": "touched_at", **AWAKE_NAMES},
            ExpressionAttributeValues={":m": model, ":t": stamp(now)},
        )

    def close_capacity(self, capacity: Capacity, now: datetime) -> None:
        """Poll looks for no more parts of an idle model. Raises Conflict if it is in use again."""
        self._table.update(
            CAPACITIES,
            capacity.model,
            UpdateExpression="SET #i = :yes, #e = :e",
            ConditionExpression="#t = :t AND (attribute_not_exists(#u) OR #u <= :none)",
            ExpressionAttributeNames={"#t": "touched_at", "#u": "used", **AWAKE_NAMES},
            ExpressionAttributeValues={
                ":yes": True,
                ":e": int(now.timestamp()) + KEPT_IDLE,
                ":t": stamp(capacity.touched_at or now),
                ":none": 0,
            },
        )

    def learn_limit(self, model: str, limit: int, unit: Unit, now: datetime) -> None:
        """Stores how much of a model may be enqueued, as OpenAI refused."""
        if unit == "requests":
            sets = (
                "SET #model = :model, #request_limit = :request_limit, "
                "#requests_learned_at = :requests_learned_at"
            )
            self._update_capacity(model, sets, request_limit=limit, requests_learned_at=stamp(now))
            return
        sets = "SET #model = :model, #limit = :limit, #learned_at = :learned_at"
        self._update_capacity(model, sets, limit=limit, learned_at=stamp(now))

    def reserve_capacity(self, model: str, part: str | None) -> None:
        """Only this part may take capacity; None: every part may again."""
        self._update_capacity(
            model, "SET #model = :model, #reserved_for = :reserved_for", reserved_for=part
        )

    def _update_capacity(self, model: str, expression: str, **values: Any) -> None:
        values["model"] = model
        self._table.update(
            CAPACITIES,
            model,
            UpdateExpression=expression,
            ExpressionAttributeNames={f"#{name}": name for name in values},
            ExpressionAttributeValues={f":{name}": each for name, each in values.items()},
        )

    def used(self, kind: Kind) -> list[Used]:
        """By the parts of a model at an endpoint that landed last."""
        found = self._table.get(USED, _name_of(kind))
        return [Used.model_validate(each) for each in found["parts"]] if found else []

    def note_used(self, kind: Kind, used: Used) -> None:
        """The same part twice counts once. Raises Conflict where another is noted meanwhile."""
        found = self._table.get(USED, _name_of(kind)) or {"rev": 0, "parts": []}
        others = [each for each in found["parts"] if each["part"] != used.part]
        parts = [*others, used.model_dump()][-KEPT_USED:]
        row = {"pk": USED, "sk": _name_of(kind), "rev": found["rev"] + 1, "parts": parts}
        fresh = Attr("rev").eq(found["rev"]) if found["rev"] else Attr("pk").not_exists()
        self._table.put_if(row, fresh)

    def spend(self, what: str, window: datetime, most: int) -> None:
        """Counts one of what may be done so often in a window. Raises Conflict when used up."""
        kept_until = int(window.timestamp()) + KEPT_RATES
        self._table.update(
            f"RATE#{what}",
            stamp(window),
            UpdateExpression="ADD #n :one SET #e = :e",
            ConditionExpression="attribute_not_exists(#n) OR #n < :most",
            ExpressionAttributeNames={"#n": "n", "#e": "expires_at"},
            ExpressionAttributeValues={":one": 1, ":most": most, ":e": kept_until},
        )

    def cursor(self) -> str | None:
        """Where the last walk through OpenAI's list of batches stopped."""
        found = self._table.get("CURSOR", "batches")
        return found["after"] if found else None

    def put_cursor(self, after: str | None) -> None:
        self._table.put({"pk": "CURSOR", "sk": "batches", "after": after})

    def take_capacity(self, old: Part, new: Part, capacity: Capacity) -> None:
        """Claims a waiting part and takes its capacity, both or neither.

        Raises CapacityExceeded where others took it since it was read.
        """
        try:
            self._move(old, new, self._taking(new, capacity))
        except Conflict as error:
            if error.failed == {CAPACITY_WRITE} and not self._still_admits(old, capacity):
                raise CapacityExceeded(f"the capacity of {capacity.model} is taken") from error
            raise

    def _still_admits(self, part: Part, read: Capacity) -> bool:
        """Told apart from a limit that changed, and from a write that met another."""
        limits = {"limit": read.limit, "request_limit": read.request_limit}
        return self.capacity(part.model).model_copy(update=limits).admits(part)

    def _taking(self, part: Part, capacity: Capacity) -> Write:
        """For one request beyond the limit nothing else may be enqueued."""
        conditions, values = list[str](), dict[str, int]()
        least = 0 if part.requests == 1 else NONE
        if capacity.limit is not None:
            conditions.append("(attribute_not_exists(#u) OR #u <= :free)")
            conditions.append("(attribute_not_exists(#l) OR #l >= :l)")
            values |= {":l": capacity.limit, ":free": max(capacity.limit - part.enqueues, least)}
        if capacity.request_limit is not None:
            conditions.append("(attribute_not_exists(#ur) OR #ur <= :freer)")
            conditions.append("(attribute_not_exists(#rl) OR #rl >= :rl)")
            free = max(capacity.request_limit - part.requests, least)
            values |= {":rl": capacity.request_limit, ":freer": free}
        return self._spending(part, 1, " AND ".join(conditions), values)

    def release_capacity(self, old: Part, new: Part) -> None:
        """Moves a part on and gives its capacity back, both or neither: never twice."""
        self._move(old, new, self._spending(new, -1))

    def land(self, old: Part, new: Part, children: Sequence[Part]) -> None:
        """Lands a part and adds the parts that follow from it, all or nothing."""
        change = new.cost - old.expected + sum(child.expected for child in children)
        left = self._table.updating(
            f"JOB#{new.job}",
            LEFT,
            UpdateExpression="ADD n :more",
            ExpressionAttributeValues={":more": len(children) - 1},
        )
        made = [self._table.creating(_part_row(child)) for child in children]
        writes = [self._table.replacing(_part_row(new), old.rev), left, *made]
        self._transact([*writes, *self._settling(new, change)])

    def close(self, jobs: tuple[Job, Job], parts: tuple[Part, Part] | None = None) -> None:
        """Ends a job, and lands its only part if that is given, both or neither."""
        old, new = jobs
        writes = [self._table.replacing(_job_row(new), old.rev)]
        if parts:
            landed = parts[1]
            writes.append(self._table.replacing(_part_row(landed), parts[0].rev))
            writes.extend(self._settling(landed, landed.cost - landed.expected))
        self._transact(writes)

    def open_parts(
        self, state: PartState, due: datetime, most: int = 1_000, model: str = ""
    ) -> Iterator[Part]:
        """Parts in a state that are to be looked at by now, longest due first."""
        rows = self._table.open_rows(_open_key(state, model), due, most)
        return (Part.model_validate(bare(row)) for row in rows)

    def cancelling_jobs(self) -> Iterator[Job]:
        return (Job.model_validate(bare(row)) for row in self._table.open_rows("cancelling"))

    def open_jobs(self, due: datetime, most: int = 1_000) -> Iterator[Job]:
        rows = self._table.open_rows("job", due, most)
        return (Job.model_validate(bare(row)) for row in rows)

    def _settling(self, part: Part, change: int) -> list[Write]:
        """What a part did cost takes the place of what it was expected to."""
        if not part.month or not (change or part.cost):
            return []
        return [self._budgeting(part.month, change, part.cost)]

    def _budgeting(self, month: str, taken: int, spent: int, limit: int | None = None) -> Write:
        condition, values = "", dict[str, int]()
        if limit is not None:
            condition = "#u <= :free"
            if taken <= limit:  # of a month in which nothing is used yet, the limit alone decides
                condition += " OR attribute_not_exists(#u)"
            values = {":free": limit - taken}
        return self._table.updating(
            BUDGET,
            month,
            UpdateExpression="SET #m = :m ADD #u :taken, #s :spent",
            ExpressionAttributeNames={"#m": "month", "#u": "used", "#s": "spent"},
            ExpressionAttributeValues={":m": month, ":taken": taken, ":spent": spent, **values},
            **({"ConditionExpression": condition} if condition else {}),
        )

    def _transact(self, writes: list[Write]) -> None:
        """Again where only another transaction was in the way: all jobs write to one month."""
        for _ in range(HOT_TRIES - 1):
            try:
                return self._table.transact(writes)
            except Conflict as error:
                if error.failed:
                    raise
        return self._table.transact(writes)

    def _move(self, old: Part, new: Part, capacity: Write) -> None:
        self._table.transact([self._table.replacing(_part_row(new), old.rev), capacity])

    def _spending(
        self, part: Part, sign: int, condition: str = "", values: dict[str, int] | None = None
    ) -> Write:
        """Takes what a part needs of its model's capacity, or gives it back."""
        names = {"#m": "model", "#u": "used", "#ur": "used_requests", "#t": "touched_at"}
        limits = {"#l": "limit", "#rl": "request_limit"}
        names |= {name: each for name, each in limits.items() if f"({name})" in condition}
        return self._table.updating(
            CAPACITIES,
            part.model,
            UpdateExpression=f"SET #m = :m, #t = :t ADD #u :tokens, #ur :requests {AWAKE}",
            ExpressionAttributeNames=names | AWAKE_NAMES,
            ExpressionAttributeValues={
                ":m": part.model,
                ":t": stamp(max(part.times.values())),
                ":tokens": sign * part.enqueues,
                ":requests": sign * part.requests,
                **(values or {}),
            },
            **({"ConditionExpression": condition} if condition else {}),
        )


def _name_of(kind: Kind) -> str:
    return "#".join(kind)


def _job_row(job: Job) -> Row:
    row = job.model_dump(mode="json", exclude_none=True)
    row |= {"pk": f"JOB#{job.id}", "sk": "JOB", "due": stamp(job.due)}
    if job.state in OVER:
        return row
    return row | {"open": "cancelling" if job.cancel_requested else "job"}


def _part_row(part: Part) -> Row:
    row = part.model_dump(mode="json", exclude_none=True)
    row |= {"pk": f"JOB#{part.job}", "sk": f"PART#{part.number:06d}", "due": stamp(part.due)}
    if part.state in {PartState.PLANNED, PartState.LANDED}:
        return row
    return row | {"open": _open_key(part.state, part.model)}


def _open_key(state: PartState, model: str) -> str:
    """Waiting parts are listed by model, so that a full one does not hide the others."""
    return f"waiting#{model}" if state is PartState.WAITING else state.value
