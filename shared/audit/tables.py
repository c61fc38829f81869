"""The audit function's two DynamoDB tables: events to look things up in, and what is remembered.

State rows: CURSOR with a row a stream; FACTS#<key> with a row a stretch of time, which holds what
every pattern remembers of the key; ALERT#<dedup> with a row an alert, DRY#<stream>#<dedup>
with those of a dry run. Facts are sets of strings,
so remembering twice is remembering once.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from shared.audit.alerts import Alert
from shared.audit.cursor import Cursor
from shared.audit.detection import Observation
from shared.audit.rows import EventRow
from shared.audit.state import Row
from shared.aws.dynamodb import AT_ONCE, at_rev, bare, call, packs, rows

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LONGEST_KEY = 400  # characters; a longer one is its hash
EVENT_BYTES = 12_000  # of an event's row, at most
FULL = 380_000  # bytes of a row; DynamoDB takes 400 KB, and a flood that fills it has rung


class Commit(NamedTuple):
    """A page's last step: what was learned, what landed, and then where the walk stands."""

    observations: Mapping[Row, set[Observation]]
    known: Mapping[Row, set[Observation]]
    expires_at: Mapping[Row, int]
    events: Sequence[EventRow]
    cursor: Cursor
    rev: int  # of the cursor that is replaced


class ObservationRow(NamedTuple):
    """A row of observations that a page adds to: what the patterns remember of one key and time."""

    key: dict[str, str]
    rows: list[Row]
    observations: int
    size: int  # bytes, with what is to be added

    @property
    def is_full(self) -> bool:
        return self.size > FULL

    def update(self, commit: Commit) -> dict[str, Any]:
        names = {f"#{n}": row.set for n, row in enumerate(self.rows)}
        sets = {
            f":{n}": {f.text for f in commit.observations[row]} for n, row in enumerate(self.rows)
        }
        adding = ", ".join(f"#{n} :{n}" for n in range(len(self.rows)))
        return {
            "Key": self.key,
            "UpdateExpression": f"ADD {adding} SET expires_at = :e",
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": {
                **sets,
                ":e": max(commit.expires_at[row] for row in self.rows),
            },
        }


class AuditTables:
    """`dynamodb` is a resource's client: it takes and gives Python values."""

    def __init__(self, dynamodb: "DynamoDBClient", events: str, state: str) -> None:
        self._dynamodb = dynamodb
        self._events = events
        self._state = state

    def seen(self, ids: Iterable[str]) -> set[str]:
        """Those of these events that have landed."""
        keys = [{"id": id_} for id_ in dict.fromkeys(ids)]
        asked = {"ProjectionExpression": "id", "ConsistentRead": True}
        return {row["id"] for row in self._rows(self._events, keys, asked)}

    def observations(self, rows: Iterable[Row]) -> dict[Row, set[Observation]]:
        """These rows, and what other patterns keep beside them."""
        by_key = {_facts_key(row): row for row in rows}
        keys = [{"pk": pk, "sk": sk} for pk, sk in by_key]
        return {
            by_key[item["pk"], item["sk"]]._replace(set=name): set(
                map(Observation.from_text, texts)
            )
            for item in self._rows(self._state, keys, {"ConsistentRead": True})
            for name, texts in bare(item).items()
        }

    def alerts(self, dedup: str, dry_run: str | None = None) -> list[Alert]:
        """Those of this key; a dry run has its own, so that it tries what it would do."""
        query: Any = {
            "TableName": self._state,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": _alert_pk(dedup, dry_run)},
            "ConsistentRead": True,
        }
        return [Alert.model_validate(bare(row)) for row in rows(self._dynamodb.query, **query)]

    def put_alert(self, alert: Alert, kept_until: int, dry_run: str | None = None) -> None:
        """The id is the alert's for good, so putting it again is the same alert."""
        row = alert.model_dump(mode="json")
        row |= {"pk": _alert_pk(alert.dedup, dry_run), "sk": alert.id, "expires_at": kept_until}
        call(lambda: self._dynamodb.put_item(TableName=self._state, Item=row))

    def cursors(self) -> dict[str, Cursor]:
        query: Any = {
            "TableName": self._state,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": "CURSOR"},
            "ConsistentRead": True,
        }
        found = [Cursor.model_validate(bare(row)) for row in rows(self._dynamodb.query, **query)]
        return {cursor.stream: cursor for cursor in found}

    def open_cursor(self, cursor: Cursor) -> None:
        """Raises Conflict if the stream is known already."""
        put: Any = {
            "TableName": self._state,
            "Item": _cursor_row(cursor),
            "ConditionExpression": "attribute_not_exists(pk)",
        }
        call(lambda: self._dynamodb.put_item(**put))

    def replace_cursor(self, cursor: Cursor, rev: int) -> None:
        """Raises Conflict if somebody else replaced it first."""
        put: Any = {"TableName": self._state, **_replacing(cursor, rev)}
        call(lambda: self._dynamodb.put_item(**put))

    def commit(self, commit: Commit) -> int:
        """Facts, then events, then the cursor; cut off anywhere, the page is done again.

        Returns how many observations a flooded row had no room for.
        """
        found = _observation_rows(commit)
        for writes in packs(self._writes(commit, found)):
            self._transact(writes)
        return sum(row.observations for row in found if row.is_full)

    def _writes(
        self, commit: Commit, rows: Sequence["ObservationRow"]
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        """Each write with the bytes it may touch."""
        for row in rows:
            if not row.is_full:
                update = {"TableName": self._state, **row.update(commit)}
                yield row.size, {"Update": update}
        for event in commit.events:
            item = event.model_dump(exclude_none=True)
            yield EVENT_BYTES, {"Put": {"TableName": self._events, "Item": item}}
        put = {"TableName": self._state, **_replacing(commit.cursor, commit.rev)}
        yield EVENT_BYTES, {"Put": put}

    def _transact(self, writes: list[Any]) -> None:
        call(lambda: self._dynamodb.transact_write_items(TransactItems=writes))

    def _rows(
        self, table: str, keys: Sequence[dict[str, str]], asked: dict[str, Any]
    ) -> Iterator[Any]:
        for start in range(0, len(keys), AT_ONCE):
            wanted: Any = {table: {"Keys": keys[start : start + AT_ONCE], **asked}}
            while wanted:
                answer = self._got(wanted)
                yield from answer["Responses"].get(table, [])
                wanted = answer.get("UnprocessedKeys")

    def _got(self, wanted: Any) -> Any:
        return call(lambda: self._dynamodb.batch_get_item(RequestItems=wanted))


def _observation_rows(commit: Commit) -> list[ObservationRow]:
    rows: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in commit.observations:
        rows[_facts_key(row)].append(row)
    sizes: Counter[tuple[str, str]] = Counter()
    for observations in (commit.observations, commit.known):
        for row in observations:
            key = _facts_key(row)
            if key in rows:
                sizes[key] += sum(len(observation.text) for observation in observations[row])
    return [
        ObservationRow(
            key={"pk": key[0], "sk": key[1]},
            rows=some,
            observations=sum(len(commit.observations[row]) for row in some),
            size=sizes[key],
        )
        for key, some in rows.items()
    ]


def _replacing(cursor: Cursor, rev: int) -> dict[str, Any]:
    return {"Item": _cursor_row(cursor), **at_rev(rev)}


def _cursor_row(cursor: Cursor) -> dict[str, Any]:
    row = cursor.model_dump(mode="json", exclude_none=True)
    return row | {"pk": "CURSOR", "sk": cursor.stream}


def _facts_key(row: Row) -> tuple[str, str]:
    return f"FACTS#{_short(row.key)}", f"{row.seconds}#{row.bucket:010d}"


def _alert_pk(dedup: str, dry_run: str | None) -> str:
    return f"ALERT#{_short(dedup)}" if dry_run is None else f"DRY#{dry_run}#{_short(dedup)}"


def _short(key: str) -> str:
    return key if len(key) <= LONGEST_KEY else hashlib.sha256(key.encode()).hexdigest()
