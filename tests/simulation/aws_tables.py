"""The ledger on moto's DynamoDB, called without HTTP: this module leans on moto's internals."""

import copy
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from boto3.dynamodb.types import TypeDeserializer
from moto.core.exceptions import JsonRESTError
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, LimitedSizeDict
from moto.dynamodb.models.utilities import dynamo_json_dump
from moto.dynamodb.responses import DynamoHandler

from tests.simulation.calls import Answer, Parsed, Status, failure
from tests.support.aws import template

REGION = "us-east-1"
ACCOUNT = "123456789012"  # moto's
TABLE = "ledger"
LEDGER = {TABLE: "Ledger"}  # names, each with its resource in the template
OPERATIONS = {
    "BatchGetItem": "batch_get_item",
    "DeleteItem": "delete_item",
    "GetItem": "get_item",
    "PutItem": "put_item",
    "Query": "query",
    "TransactWriteItems": "transact_write_items",
    "UpdateItem": "update_item",
}
SINGLE_WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem"})
KEPT = timedelta(seconds=60)  # the longest that the index lags behind
Key = tuple[str, str]
Row = dict[str, Any]
_deserialize = TypeDeserializer().deserialize

# moto weighs a whole row with each attribute it sets; ours are small, and a test measures them.
LimitedSizeDict.__setitem__ = dict.__setitem__  # type: ignore[method-assign]


@dataclass(frozen=True)
class Past:
    """A row as it was until a moment; None: it was not there."""

    key: Key
    until: datetime
    item: Any


class Tables:
    """Tables, of which the first is looked into, and what its rows were a moment ago."""

    def __init__(self, now: Callable[[], datetime], made: Mapping[str, str] = LEDGER) -> None:
        self._now = now
        self._past: list[Past] = []
        self._tokens: dict[str, Answer] = {}  # a transaction sent twice is done once
        self._written: set[Key] = set()  # by the call that is under way
        self.never_taken: set[str] = set()  # ids of rows that are refused with their text
        self._name = next(iter(made))
        for name, resource in made.items():
            self._make(name, template()["Resources"][resource]["Properties"])

    @property
    def _table(self) -> Any:
        return dynamodb_backends[ACCOUNT][REGION].get_table(self._name)

    @property
    def _lags(self) -> bool:
        return bool(self._table.global_indexes)

    def _item(self, key: Key) -> Any:
        pk, sk = _typed(key)
        return self._table.items.get(pk, {}).get(sk)

    def row(self, pk: str, sk: str) -> Row | None:
        """A row as the ledger wrote it, without a call."""
        item = self._item((pk, sk))
        return _plain(item) if item else None

    def whole_row(self, pk: str, sk: str) -> Row | None:
        """With all that its lists and maps hold."""
        item = self._item((pk, sk))
        return _whole(item) if item else None

    def rows(self) -> Iterator[Row]:
        for partition in self._table.items.values():
            yield from map(_plain, partition.values())

    def whole_rows(self, name: str) -> Iterator[Row]:
        """Every row of a table, with all that its lists and maps hold."""
        for found in dynamodb_backends[ACCOUNT][REGION].get_table(name).all_items():
            yield _whole(found)

    def touch(self, key: Key) -> bool:
        """Another writer was there: the row's revision is a later one."""
        item = self._item(key)
        if item is None or "rev" not in item.attrs:
            return False
        item.attrs["rev"].value = str(int(item.attrs["rev"].value) + 1)
        return True

    def call(self, operation: str, asked: Parsed) -> Answer:
        if self._is_refused(operation, asked):
            return failure(("ValidationException", "One or more parameter values are no good", 400))
        token = asked.get("ClientRequestToken")
        if token in self._tokens:
            return copy.deepcopy(self._tokens[token])
        written = written_by(operation, asked)
        self._written = set(written)
        kept = written if self._lags else []
        before = [Past(key, self._now(), copy.deepcopy(self._item(key))) for key in kept]
        answer = self._worked(operation, asked)
        if answer[0].status_code < 300:
            self._past += before
            if token:
                self._tokens[token] = answer
        return answer

    def _is_refused(self, operation: str, asked: Parsed) -> bool:
        items = [each["Item"] for each in _puts(operation, asked)]
        return any("raw" in each and each["id"]["S"] in self.never_taken for each in items)

    def _worked(self, operation: str, asked: Parsed) -> Answer:
        handler = DynamoHandler()
        handler.body = handler.params = asked
        handler.region, handler.current_account = REGION, ACCOUNT
        try:
            result = getattr(handler, OPERATIONS[operation])().result
        except JsonRESTError as error:
            return _refusal(error)
        return Status(), json.loads(dynamo_json_dump(result))

    def stale(self, asked: Parsed, seconds: float) -> Answer | None:
        """What a query of the index answers that lags behind so long; None: the same as now."""
        self._past = [each for each in self._past if each.until >= self._now() - KEPT]
        since = self._now() - timedelta(seconds=seconds)
        with self._as_of(since):
            then = self._worked("Query", asked)
        return (
            then if then[1].get("Items") != self._worked("Query", asked)[1].get("Items") else None
        )

    @contextmanager
    def _as_of(self, moment: datetime) -> Iterator[None]:
        """The table with everything undone that was written since."""
        table = self._table
        present = table.items
        table.items = defaultdict(dict, {pk: dict(rows) for pk, rows in present.items()})
        for past in reversed(self._past):
            if past.until >= moment:
                self._put_back(table.items, past)
        try:
            yield
        finally:
            table.items = present

    def _put_back(self, items: Any, past: Past) -> None:
        pk, sk = _typed(past.key)
        if past.item is None:
            items[pk].pop(sk, None)
        else:
            items[pk][sk] = past.item

    def _make(self, name: str, wanted: Mapping[str, Any]) -> None:
        backend = dynamodb_backends[ACCOUNT][REGION]
        backend.create_table(
            name,
            schema=wanted["KeySchema"],
            throughput=None,
            attr=wanted["AttributeDefinitions"],
            global_indexes=wanted.get("GlobalSecondaryIndexes", []),
            indexes=[],
            streams=None,
            billing_mode=wanted["BillingMode"],
            sse_specification=None,
            tags=[],
            deletion_protection_enabled=False,
            warm_throughput=None,
        )
        table: Any = backend.get_table(name)
        table.__deepcopy__ = lambda _: self._copy(backend.get_table(name))

    def _copy(self, table: Any) -> Any:
        """What moto goes back to when a transaction fails; only rows without a revision are updated
        in place, the others are replaced."""
        kept = copy.copy(table)
        kept.items = defaultdict(dict)
        for pk, found in table.items.items():
            kept.items[pk] = dict(found) if isinstance(found, dict) else found
        for pk, sk in map(_typed, self._written if table.name == self._name else ()):
            item = kept.items[pk].get(sk)
            if item is not None and "rev" not in item.attrs:
                kept.items[pk][sk] = copy.deepcopy(item)
        return kept


def _puts(operation: str, asked: Parsed) -> list[Parsed]:
    if operation == "TransactWriteItems":
        return [each["Put"] for each in asked["TransactItems"] if "Put" in each]
    return [asked] if operation == "PutItem" else []


def _typed(key: Key) -> tuple[Any, Any]:
    pk, sk = key
    return DynamoType({"S": pk}), DynamoType({"S": sk})


def written_by(operation: str, asked: Parsed) -> list[Key]:
    """The keys of the rows a call writes, where a table has such keys."""
    if operation == "TransactWriteItems":
        writes = [next(iter(each.values())) for each in asked["TransactItems"]]
    elif operation in SINGLE_WRITES:
        writes = [asked]
    else:
        return []
    keys = [each.get("Item") or each["Key"] for each in writes]
    return [(each["pk"]["S"], each["sk"]["S"]) for each in keys if "pk" in each]


def _refusal(error: JsonRESTError) -> Answer:
    body = json.loads(error.description)
    code = body.get("__type", "").rsplit("#", 1)[-1]
    status, parsed = failure((code, body.get("message", body.get("Message", "")), 400))
    return status, parsed | {"CancellationReasons": body.get("CancellationReasons", [])}


def _plain(item: Any) -> Row:
    return {name: _value(each) for name, each in item.attrs.items()}


def _whole(item: Any) -> Row:
    attributes = json.loads(dynamo_json_dump(item.to_json()["Attributes"]))
    return {name: _deserialize(value) for name, value in attributes.items()}


def _value(each: Any) -> Any:
    """A row's value; of a list or map only that it is there."""
    return int(each.value) if each.type == "N" else each.value
