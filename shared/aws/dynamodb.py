"""DynamoDB: rows are read as they are now, and writes state what they expect to find.

A write that does not find what it expects raises Conflict; a busy table raises TryLater.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from boto3.dynamodb.conditions import Attr, ConditionBase, Key
from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import ClientError

from shared.aws.failures import BUSY, code_of
from shared.errors import Conflict, TryLater

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

Answer = TypeVar("Answer")
Row = dict[str, Any]
Write = dict[str, Any]  # one entry of TransactWriteItems

_plain = TypeDeserializer()
OPEN = "open"  # the sparse index: a row is in it while there is something to do
AT_ONCE = 100  # keys of BatchGetItem, writes of TransactWriteItems
MOST_BYTES = 3_000_000  # of what a transaction touches; DynamoDB takes 4 MB
OURS = frozenset({"pk", "sk", "open", "expires_at"})  # where a row is, not what it holds
CONFLICTS = frozenset(
    {
        "ConditionalCheckFailedException",
        "TransactionCanceledException",
        "TransactionConflictException",
    }
)


class NotTaken(Exception):
    """DynamoDB will never take this: a key is too long, a row too large."""


class DynamoTable:
    """A table whose rows have pk, sk and, while there is something to do, a place in the index."""

    def __init__(self, table: "Table") -> None:
        self._table = table

    def get(self, pk: str, sk: str) -> Row | None:
        found = self.get_whole(pk, sk)
        return bare(found) if found else None

    def get_whole(self, pk: str, sk: str) -> Row | None:
        """With its place and the time when DynamoDB may delete it."""
        found = call(lambda: self._table.get_item(Key={"pk": pk, "sk": sk}, ConsistentRead=True))
        return found.get("Item")

    def partition(self, pk: str, prefix: str = "") -> Iterator[Row]:
        """The rows of one pk by sk, whole."""
        key = Key("pk").eq(pk)
        wanted = key & Key("sk").begins_with(prefix) if prefix else key
        return rows(self._table.query, KeyConditionExpression=wanted, ConsistentRead=True)

    def open_rows(
        self, name: str, due: datetime | None = None, most: int | None = None
    ) -> Iterator[Row]:
        """Rows with this name in the index, longest due first; with `due`, those due by then."""
        key = Key(OPEN).eq(name)
        wanted = key & Key("due").lte(stamp(due)) if due else key
        return rows(self._table.query, most, IndexName=OPEN, KeyConditionExpression=wanted)

    def put(self, row: Row) -> None:
        call(lambda: self._table.put_item(Item=row))

    def put_if(self, row: Row, condition: ConditionBase) -> None:
        call(lambda: self._table.put_item(Item=row, ConditionExpression=condition))

    def create(self, row: Row) -> None:
        self.put_if(row, Attr("pk").not_exists())

    def replace(self, row: Row, rev: int) -> None:
        self.put_if(row, Attr("rev").eq(rev))

    def update(self, pk: str, sk: str, **update: Any) -> None:
        call(lambda: self._table.update_item(Key={"pk": pk, "sk": sk}, **update))

    def transact(self, writes: list[Any]) -> None:
        """All or nothing; at most AT_ONCE."""
        client = self._table.meta.client
        call(lambda: client.transact_write_items(TransactItems=writes))

    def putting(self, row: Row) -> Write:
        return {"Put": {"TableName": self._table.name, "Item": row}}

    def creating(self, row: Row) -> Write:
        condition = {"ConditionExpression": "attribute_not_exists(pk)"}
        return {"Put": {"TableName": self._table.name, "Item": row, **condition}}

    def replacing(self, row: Row, rev: int) -> Write:
        return {"Put": {"TableName": self._table.name, "Item": row, **at_rev(rev)}}

    def updating(self, pk: str, sk: str, **update: Any) -> Write:
        key = {"pk": pk, "sk": sk}
        return {"Update": {"TableName": self._table.name, "Key": key, **update}}


def call(send: Callable[[], Answer]) -> Answer:
    """One call to DynamoDB; its failure becomes a typed error."""
    try:
        return send()
    except ClientError as error:
        code = code_of(error)
        if code == "ValidationException" or "ValidationError" in reasons(error):
            raise NotTaken(f"DynamoDB: {error.response['Error'].get('Message', code)}") from error
        if code in CONFLICTS:
            raise Conflict(f"DynamoDB: {code}", failed_conditions(error)) from error
        if code in BUSY:
            raise TryLater(f"DynamoDB: {code}") from error
        raise


def failed_conditions(error: ClientError) -> frozenset[int]:
    """Which writes of a transaction, from 0, did not find what they expected."""
    codes = reasons(error)
    return frozenset(n for n, code in enumerate(codes) if code == "ConditionalCheckFailed")


def reasons(error: ClientError) -> list[str | None]:
    """Of a transaction that was cancelled, a code for each of its writes."""
    found: Any = error.response.get("CancellationReasons", [])
    return [each.get("Code") for each in found]


def rows(query: Callable[..., Any], most: int | None = None, **query_args: Any) -> Iterator[Row]:
    """The rows of a query, page by page: all of them, or the first `most`."""
    read = 0
    while most is None or read < most:
        if most is not None:
            query_args["Limit"] = most - read
        page = call(lambda: query(**query_args))
        yield from page["Items"]
        read += len(page["Items"])
        if "LastEvaluatedKey" not in page:
            return
        query_args["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def packs(writes: Iterable[tuple[int, Write]]) -> Iterator[list[Write]]:
    """Writes, each with the bytes it may touch, as many together as one transaction takes."""
    pack: list[Write] = []
    held = 0
    for size, write in writes:
        if pack and (len(pack) == AT_ONCE or held + size > MOST_BYTES):
            yield pack
            pack, held = [], 0
        pack.append(write)
        held += size
    if pack:
        yield pack


def typed_write(write: Write) -> Write:
    """A write of a transaction with its values in DynamoDB's own form."""
    ((verb, asked),) = write.items()
    return {verb: {k: _typed_all(v) if k in _VALUES else v for k, v in asked.items()}}


_VALUES = frozenset({"Item", "Key", "ExpressionAttributeValues"})


def _typed_all(values: Row) -> Row:
    return {name: _typed(value) for name, value in values.items()}


def _typed(value: Any) -> dict[str, Any]:
    """Texts, whole numbers, flags, lists, maps and sets of texts: what our rows hold."""
    match value:
        case str():
            return {"S": value}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case None:
            return {"NULL": True}
        case list() | tuple():
            return {"L": [_typed(each) for each in value]}
        case set() | frozenset():
            return {"SS": sorted(value)}
        case dict():
            return {"M": _typed_all(value)}
    raise TypeError(f"no row holds a {type(value).__name__}")


def plain_row(row: Row) -> Row:
    """A row in DynamoDB's own form, as Python has it."""
    return {name: _plain.deserialize(value) for name, value in row.items()}


def at_rev(rev: int) -> Row:
    """Condition of a Put: the row is as it was when it was read."""
    return {
        "ConditionExpression": "#r = :r",
        "ExpressionAttributeNames": {"#r": "rev"},
        "ExpressionAttributeValues": {":r": rev},
    }


def bare(row: Row) -> Row:
    """What a row holds, without where it is."""
    return {name: value for name, value in row.items() if name not in OURS}


def stamp(moment: datetime) -> str:
    """Always of one length, so that the index sorts by time."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
