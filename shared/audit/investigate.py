"""Everything the table knows of an actor, an address, a key, a project, since when, in order.

Each question is a query of one index: none reads the table through.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from shared.audit.addresses import browser_of, canonical
from shared.audit.rows import row_id
from shared.aws.dynamodb import Row, rows

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_JA4 = re.compile(r"[a-z0-9]{10}_[0-9a-f]{12}_[0-9a-f]{12}", re.IGNORECASE)
END = "~"  # sorts after every id


class Entry(NamedTuple):
    """One event, as an index knows it."""

    time: int
    id: str
    type: str
    actor: str
    email: str
    place: str
    project: str
    key: str
    target: str
    object: str
    asked: tuple[str, ...]  # the indexes that found it

    @property
    def line(self) -> str:
        when = datetime.fromtimestamp(self.time, UTC).strftime("%Y-%m-%d %H:%M:%S")
        key = f" with key {self.key}" if self.key else ""
        who = f"{self.email or self.actor or 'unknown'}{key}"
        project = f" in {self.project}" if self.project else ""
        return f"{when}  {self.type} {self.target}{project}  by {who} · {self.place}"


class Investigation:
    """`dynamodb` is a resource's client: it takes and gives Python values."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    def event(self, id_: str) -> Row | None:
        """The whole row of an event."""
        found = self._dynamodb.get_item(TableName=self._table, Key={"id": row_id(id_)})
        return found.get("Item")

    def about(self, value: str, since: int, until: int, indexes: Iterable[str] = ()) -> list[Entry]:
        """What has this value, by time; without indexes, all that such a value may be in."""
        found: dict[str, Entry] = {}
        for index in indexes or may_be_in(value):
            for row in self._query(index, _as_stored(index, value), since, until):
                entry = _entry(row, index, value)
                known = found.get(entry.id)
                both = (*known.asked, index) if known else (index,)
                found[entry.id] = entry._replace(asked=both)
        return sorted(found.values(), key=lambda each: (each.time, each.id))

    def _query(self, index: str, value: str, since: int, until: int) -> Iterator[Row]:
        return rows(
            self._dynamodb.query,
            TableName=self._table,
            IndexName=index,
            KeyConditionExpression="#n = :v AND #at BETWEEN :since AND :until",
            ExpressionAttributeNames={"#n": index, "#at": "at"},
            ExpressionAttributeValues={
                ":v": value,
                ":since": f"{since:012d}",
                ":until": f"{until:012d}{END}",
            },
        )


def may_be_in(value: str) -> tuple[str, ...]:
    """Which indexes such a value can be found in; of an id it is not known what it is of."""
    if "@" in value:
        return ("email", "target")
    if _JA4.fullmatch(value):
        return ("fingerprint",)
    if canonical(value) != value or re.fullmatch(r"[0-9.]+|[0-9a-f:]*:[0-9a-f:.]*", value):
        return ("address",)
    if value.startswith("proj_"):
        return ("project", "target")
    return ("actor", "key", "target", "type")


def _as_stored(index: str, value: str) -> str:
    match index:
        case "address":
            return canonical(value)
        case "email":
            return value.lower()
        case "fingerprint":
            return browser_of(value)
    return value


def _entry(row: Row, index: str, value: str) -> Entry:
    """What it was asked by is the index's own, and not among what it shows."""
    shown: dict[str, Any] = {index: value} | row
    texts = {name: str(shown.get(name, "")) for name in Entry._fields if name not in _NOT_TEXT}
    return Entry(time=int(shown["time"]), asked=(), **texts)


_NOT_TEXT = {"time", "asked"}
