"""The DynamoDB table that knows every job and part; every write states what it expects to find."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError

from shared.errors import CapacityExceeded, Conflict, TryLater
from shared.jobs.model import OVER, Capacity, Job, Part, PartState

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

Answer = TypeVar("Answer")

OPEN = "open"  # the sparse index: only what somebody still has to look at is in it
CAPACITIES = "CAPACITY"
LEFT = "LEFT"
KEPT_RATES = 86_400  # seconds
LOST_RACES = frozenset({"ConditionalCheckFailedException", "TransactionCanceledException"})
BUSY = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "RequestLimitExceeded",
        "TransactionInProgressException",
        "InternalServerError",
    }
)


class Ledger:
    """Rows: JOB#<id> with JOB, LEFT and PART#<n>; ROOM with a model each; CURSOR; RATE#<what>."""

    def __init__(self, table: "Table") -> None:
        self._table = table

    def job(self, job_id: str) -> Job | None:
        found = self._get(f"JOB#{job_id}", "JOB")
        return Job.model_validate(found) if found else None

    def part(self, job_id: str, number: int) -> Part | None:
        found = self._get(f"JOB#{job_id}", f"PART#{number:06d}")
        return Part.model_validate(found) if found else None

    def parts(self, job_id: str) -> list[Part]:
        """All parts of a job, by number, as they are now."""
        key = Key("pk").eq(f"JOB#{job_id}") & Key("sk").begins_with("PART#")
        rows = self._query(KeyConditionExpression=key, ConsistentRead=True)
        return [Part.model_validate(row) for row in rows]

    def open_job(self, job: Job) -> Job:
        """The job as the ledger has it: this one, if nobody was first."""
        try:
            self._put(_job_row(job), Attr("pk").not_exists())
        except Conflict:
            return self.job(job.id) or job
        return job

    def replace_job(self, old: Job, new: Job) -> None:
        self._put(_job_row(new), Attr("rev").eq(old.rev))

    def accept(self, old: Job, new: Job) -> None:
        """Says that a job is accepted, and how many of its parts are still to land."""
        left = {"pk": f"JOB#{new.id}", "sk": LEFT, "n": new.parts}
        put = {"Put": {"TableName": self._table.name, "Item": left}}
        self._all_or_nothing([replacing(self._table.name, old.rev, _job_row(new)), put])

    def left(self, job_id: str) -> int:
        """Parts of a job that have not landed yet."""
        found = self._get(f"JOB#{job_id}", LEFT)
        return int(found["n"]) if found else 0

    def plan_part(self, part: Part) -> None:
        """A part of a job that is still being checked; planning it again replaces it."""
        fresh = Attr("pk").not_exists() | Attr("state").eq(PartState.PLANNED.value)
        self._put(_part_row(part), fresh)

    def replace_part(self, old: Part, new: Part) -> None:
        self._put(_part_row(new), Attr("rev").eq(old.rev))

    def capacity(self, model: str) -> Capacity:
        found = self._get(CAPACITIES, model)
        return Capacity.model_validate(found) if found else Capacity(model=model)

    def capacities(self) -> list[Capacity]:
        """Every model that ever had a part."""
        rows = self._query(KeyConditionExpression=Key("pk").eq(CAPACITIES), ConsistentRead=True)
        return [Capacity.model_validate(row) for row in rows]

    def open_capacity(self, model: str) -> None:
        """From now on poll looks for waiting parts of this model."""
        self._update_capacity(model, "SET #model = :model")

    def learn_limit(self, model: str, limit: int, now: datetime) -> None:
        """Estimated prompt tokens of a model that may be enqueued, as OpenAI's refusal said."""
        sets = "SET #model = :model, #limit = :limit, #learned_at = :learned_at"
        self._update_capacity(model, sets, limit=limit, learned_at=stamp(now))

    def hold_capacity(self, model: str, part: str | None) -> None:
        """Nobody but this part may enter; None: everybody may again."""
        self._update_capacity(model, "SET #model = :model, #held_for = :held_for", held_for=part)

    def _update_capacity(self, model: str, expression: str, **values: Any) -> None:
        values["model"] = model
        update: Any = {
            "Key": {"pk": CAPACITIES, "sk": model},
            "UpdateExpression": expression,
            "ExpressionAttributeNames": {f"#{name}": name for name in values},
            "ExpressionAttributeValues": {f":{name}": each for name, each in values.items()},
        }
        call(lambda: self._table.update_item(**update))

    def spend(self, what: str, window: datetime, most: int) -> None:
        """Counts one of what may be done so often in a window. Raises Conflict when used up."""
        update: Any = {
            "Key": {"pk": f"RATE#{what}", "sk": stamp(window)},
            "UpdateExpression": "ADD #n :one SET #e = :e",
            "ConditionExpression": "attribute_not_exists(#n) OR #n < :most",
            "ExpressionAttributeNames": {"#n": "n", "#e": "expires_at"},
            "ExpressionAttributeValues": {
                ":one": 1,
                ":most": most,
                ":e": int(window.timestamp()) + KEPT_RATES,
            },
        }
        call(lambda: self._table.update_item(**update))

    def cursor(self) -> str | None:
        """Where the last walk through OpenAI's list of batches stopped."""
        found = self._get("CURSOR", "batches")
        return found["after"] if found else None

    def put_cursor(self, after: str | None) -> None:
        key = {"pk": "CURSOR", "sk": "batches"}
        call(lambda: self._table.put_item(Item=key | {"after": after}))

    def enter(self, old: Part, new: Part, capacity: Capacity) -> None:
        """Claims a waiting part and takes its tokens' room, both or neither."""
        taken: dict[str, Any] = {"#u": "used"}
        values: dict[str, Any] = {":t": old.tokens}
        condition = ""
        if capacity.limit is not None:
            taken["#l"] = "limit"
            values |= {":l": capacity.limit, ":free": capacity.limit - old.tokens}
            condition = (
                "(attribute_not_exists(#u) OR #u <= :free) "
                "AND (attribute_not_exists(#l) OR #l >= :l)"
            )
        self._move(
            old, new, _capacity_update(self._table.name, capacity.model, taken, values, condition)
        )

    def leave(self, old: Part, new: Part) -> None:
        """Moves a part on and gives its tokens' room back, both or neither: never twice."""
        names, values = {"#u": "used"}, {":t": -old.tokens}
        self._move(old, new, _capacity_update(self._table.name, old.model, names, values, ""))

    def land(self, old: Part, new: Part, children: Sequence[Part]) -> None:
        """Says that a part is landed and plans what follows from it, all or nothing."""
        made = [_creating(self._table.name, child) for child in children]
        left = {
            "TableName": self._table.name,
            "Key": {"pk": f"JOB#{new.job}", "sk": LEFT},
            "UpdateExpression": "ADD n :more",
            "ExpressionAttributeValues": {":more": len(children) - 1},
        }
        landed = replacing(self._table.name, old.rev, _part_row(new))
        self._all_or_nothing([landed, {"Update": left}, *made])

    def close(self, jobs: tuple[Job, Job], parts: tuple[Part, Part] | None = None) -> None:
        """Says that a job is over, and that its only part is landed, if that is not said yet."""
        old, new = jobs
        writes = [replacing(self._table.name, old.rev, _job_row(new))]
        if parts:
            writes.append(replacing(self._table.name, parts[0].rev, _part_row(parts[1])))
        self._all_or_nothing(writes)

    def open_parts(
        self, state: PartState, due: datetime, most: int = 1_000, model: str = ""
    ) -> Iterator[Part]:
        """Parts in a state that are to be looked at by now, longest due first."""
        key = Key("open").eq(_open_key(state, model)) & Key("due").lte(stamp(due))
        rows = self._query(IndexName=OPEN, KeyConditionExpression=key, most=most)
        return (Part.model_validate(row) for row in rows)

    def jobs_being_stopped(self) -> Iterator[Job]:
        key = Key("open").eq("cancelling")
        return map(Job.model_validate, self._query(IndexName=OPEN, KeyConditionExpression=key))

    def open_jobs(self, due: datetime, most: int = 1_000) -> Iterator[Job]:
        key = Key("open").eq("job") & Key("due").lte(stamp(due))
        rows = self._query(IndexName=OPEN, KeyConditionExpression=key, most=most)
        return (Job.model_validate(row) for row in rows)

    def _move(self, old: Part, new: Part, update: dict[str, Any]) -> None:
        self._all_or_nothing(
            [replacing(self._table.name, old.rev, _part_row(new)), {"Update": update}]
        )

    def _all_or_nothing(self, writes: list[Any]) -> None:
        client = self._table.meta.client
        call(lambda: client.transact_write_items(TransactItems=writes))

    def _get(self, pk: str, sk: str) -> dict[str, Any] | None:
        key = {"pk": pk, "sk": sk}
        answer = call(lambda: self._table.get_item(Key=key, ConsistentRead=True))
        return bare(answer["Item"]) if "Item" in answer else None

    def _put(self, row: dict[str, Any], condition: Any) -> None:
        call(lambda: self._table.put_item(Item=row, ConditionExpression=condition))

    def _query(self, most: int | None = None, **query: Any) -> Iterator[dict[str, Any]]:
        read = 0
        while most is None or read < most:
            if most is not None:
                query["Limit"] = most - read
            page = call(lambda: self._table.query(**query))
            yield from map(bare, page["Items"])
            read += len(page["Items"])
            if "LastEvaluatedKey" not in page:
                return
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def call(ask: Callable[[], Answer]) -> Answer:
    """One question to DynamoDB, its failure in our words."""
    try:
        return ask()
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in LOST_RACES:
            raise _lost_race(error) from error
        if code in BUSY:
            raise TryLater(f"ledger: {code}") from error
        raise


def _lost_race(error: ClientError) -> Exception:
    """Who spoilt it: the row that was to change, or (the second of two) the room."""
    reasons: Any = error.response.get("CancellationReasons", [])
    if len(reasons) == 2 and reasons[1].get("Code") == "ConditionalCheckFailed":  # room's update
        return CapacityExceeded("no room")
    return Conflict(f"ledger: {error.response.get('Error', {}).get('Code')}")


def replacing(table: str, rev: int, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "Put": {
            "TableName": table,
            "Item": row,
            "ConditionExpression": "#r = :r",
            "ExpressionAttributeNames": {"#r": "rev"},
            "ExpressionAttributeValues": {":r": rev},
        }
    }


def _creating(table: str, part: Part) -> dict[str, Any]:
    condition = "attribute_not_exists(pk)"
    put = {"TableName": table, "Item": _part_row(part), "ConditionExpression": condition}
    return {"Put": put}


def bare(row: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in row.items() if k not in {"pk", "sk", "open", "expires_at"}}


def _job_row(job: Job) -> dict[str, Any]:
    row = job.model_dump(mode="json", exclude_none=True)
    row |= {"pk": f"JOB#{job.id}", "sk": "JOB", "due": stamp(job.due)}
    if job.state in OVER:
        return row
    return row | {"open": "cancelling" if job.cancel_asked else "job"}


def _part_row(part: Part) -> dict[str, Any]:
    row = part.model_dump(mode="json", exclude_none=True)
    row |= {"pk": f"JOB#{part.job}", "sk": f"PART#{part.number:06d}", "due": stamp(part.due)}
    if part.state in {PartState.PLANNED, PartState.LANDED}:
        return row
    return row | {"open": _open_key(part.state, part.model)}


def stamp(moment: datetime) -> str:
    """Of one length, so that the index sorts by time."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _open_key(state: PartState, model: str) -> str:
    """Waiting parts are asked for by model, so that a full one does not hide the others."""
    return f"waiting#{model}" if state is PartState.WAITING else state.value


def _capacity_update(
    table: str, model: str, names: dict[str, str], values: dict[str, Any], condition: str
) -> dict[str, Any]:
    update = {
        "TableName": table,
        "Key": {"pk": CAPACITIES, "sk": model},
        "UpdateExpression": "SET #m = :m ADD #u :t",
        "ExpressionAttributeNames": names | {"#m": "model"},
        "ExpressionAttributeValues": values | {":m": model},
    }
    return update | ({"ConditionExpression": condition} if condition else {})
