"""The audit function's two DynamoDB tables: events to look things up in, and what is remembered.

State rows: CURSOR with a row a stream; OBSERVATIONS#<key> with a row a stretch of time, which holds
what every pattern remembers of the key; ALERT#<dedup> with a row a day, an attribute an alert,
DRY#<stream>#<dedup> with those of a dry run; INCIDENTS#<actor>, and OPEN_INCIDENTS with a row an
actor who has one open. Observations are sets of strings, so adding one twice is adding it once.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from shared.audit.alerts import Alert
from shared.audit.commit import Commit, additions, deletions
from shared.audit.cursor import Cursor
from shared.audit.detection import Observation
from shared.audit.incidents import ActorIncidents
from shared.audit.lateness import DAY
from shared.audit.rows import EventRow, alert_pk, incidents_pk, observation_key, outline_of, row_id
from shared.audit.state import Row
from shared.aws.at_once import at_once
from shared.aws.dynamodb import (
    AT_ONCE,
    NotTaken,
    Write,
    at_rev,
    bare,
    call,
    packs,
    plain_row,
    rows,
    typed_write,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

EVENT_BYTES = 12_000  # of an event's row, at most
ALERT_BYTES = 25_000  # of an alert or an actor's incidents, about
INCIDENTS, OPEN_INCIDENTS = "INCIDENTS", "OPEN_INCIDENTS"


class AlertDay(NamedTuple):
    """Where the alerts of one key that began on one day are kept."""

    dedup: str
    day: int

    @property
    def sk(self) -> str:
        return f"{self.day:06d}"


class Known(NamedTuple):
    """What is stored of alerts and incidents."""

    alerts: list[Alert]
    incidents: dict[str, ActorIncidents]  # by actor


class AuditTables:
    """`dynamodb` is a resource's client: it takes and gives Python values. `plain` takes values
    in DynamoDB's own form: for writes by the hundred, which boto3 would copy several times."""

    def __init__(
        self,
        dynamodb: "DynamoDBClient",
        plain: "DynamoDBClient",
        events: str,
        state: str,
        calls_at_once: int,
    ) -> None:
        self._dynamodb = dynamodb
        self._plain = plain
        self._events = events
        self._state = state
        self._calls_at_once = calls_at_once

    def seen(self, ids: Iterable[str]) -> dict[str, str | None]:
        """Which of these events are stored; of those that no stream with alerts has seen yet, the
        object that holds them."""
        keys = [{"id": id_} for id_ in dict.fromkeys(ids)]
        asked = {"ProjectionExpression": "id, unjudged", "ConsistentRead": True}
        return {row["id"]: row.get("unjudged") for row in self._rows(self._events, keys, asked)}

    def events(self, ids: Iterable[str]) -> dict[str, Mapping[str, Any]]:
        """What is stored of these events, by their ids."""
        by_row = {row_id(each): each for each in ids}
        keys = [{"id": id_} for id_ in by_row]
        found = self._rows(self._events, keys, {})
        return {by_row[row["id"]]: row for row in found}

    def observations(self, wanted: Iterable[Row]) -> dict[Row, set[Observation]]:
        """These rows, and what other patterns keep beside them."""
        by_key = {observation_key(row): row for row in wanted}
        keys = [{"pk": pk, "sk": sk} for pk, sk in by_key]
        return {
            by_key[item["pk"], item["sk"]]._replace(set=name): set(
                map(Observation.from_text, texts)
            )
            for item in self._rows(self._state, keys, {"ConsistentRead": True})
            for name, texts in bare(item).items()
        }

    def look_up(
        self, days: Iterable[AlertDay], actors: Iterable[str], dry_run: str | None = None
    ) -> Known:
        """Alerts of these keys and days, and incidents of these actors, in as few calls as can be.

        A dry run has its own, so that it shows what it would do.
        """
        keys = [
            *({"pk": alert_pk(day.dedup, dry_run), "sk": day.sk} for day in dict.fromkeys(days)),
            *({"pk": incidents_pk(actor), "sk": INCIDENTS} for actor in dict.fromkeys(actors)),
        ]
        alerts: list[Alert] = []
        incidents: dict[str, ActorIncidents] = {}
        for row in self._rows(self._state, keys, {"ConsistentRead": True}):
            if row["sk"] == INCIDENTS:
                found = ActorIncidents.model_validate(bare(row))
                incidents[found.actor] = found
            else:
                alerts += map(Alert.model_validate_json, bare(row).values())
        return Known(alerts, incidents)

    def put_alerts(
        self,
        alerts: Sequence[Alert],
        incidents: Sequence[ActorIncidents],
        kept_until: int,
        dry_run: str | None = None,
    ) -> None:
        """An alert's id is its for good, so putting it again is the same alert.

        Incidents, which say what people heard, go before alerts, which say that there is no news.
        Raises Conflict if another stream changed an actor's incidents.
        """
        days: dict[AlertDay, list[Alert]] = defaultdict(list)
        for alert in alerts:
            days[_day_of(alert)].append(alert)
        told = [write for each in incidents for write in self._putting_incidents(each, kept_until)]
        writes = [self._putting_alerts(some, kept_until, dry_run) for some in days.values()]
        packed = list(packs((ALERT_BYTES, write) for write in [*told, *writes]))
        self._transact_all(packed, -(-len(told) // AT_ONCE))

    def _transact_all(self, packed: Sequence[list[Write]], first: int) -> None:
        """So many one after the other, the rest at once."""
        for some in packed[:first]:
            self._transact(some)
        at_once([partial(self._transact, some) for some in packed[first:]], self._calls_at_once)

    def open_incidents(self, now: int) -> list[str]:
        """Actors of whom an incident may be over."""
        return [row["actor"] for row in self._partition(OPEN_INCIDENTS) if row["due"] <= now]

    def _putting_alerts(
        self, alerts: Sequence[Alert], kept_until: int, dry_run: str | None
    ) -> Write:
        """Alerts of one key and day: each is an attribute, and none touches the others."""
        names = {f"#{n}": each.id for n, each in enumerate(alerts)}
        values: dict[str, Any] = {f":{n}": e.model_dump_json() for n, e in enumerate(alerts)}
        assigned = ", ".join(f"#{n} = :{n}" for n in range(len(alerts)))
        update = {
            "Key": {"pk": alert_pk(alerts[0].dedup, dry_run), "sk": _day_of(alerts[0]).sk},
            "UpdateExpression": f"SET {assigned}, expires_at = :until",
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values | {":until": kept_until},
        }
        return {"Update": {"TableName": self._state, **update}}

    def _putting_incidents(self, each: ActorIncidents, kept_until: int) -> list[Write]:
        row = each.model_copy(update={"rev": each.rev + 1}).model_dump(mode="json")
        row |= {"pk": incidents_pk(each.actor), "sk": INCIDENTS, "expires_at": kept_until}
        new = {"ConditionExpression": "attribute_not_exists(pk)"}
        condition = at_rev(each.rev) if each.rev else new
        place = {"pk": OPEN_INCIDENTS, "sk": incidents_pk(each.actor)}
        open_row = place | {"actor": each.actor, "due": each.due, "expires_at": kept_until}
        return [
            {"Put": {"TableName": self._state, "Item": row, **condition}},
            {"Put": {"TableName": self._state, "Item": open_row}}
            if each.due is not None
            else {"Delete": {"TableName": self._state, "Key": place}},
        ]

    def cursors(self) -> dict[str, Cursor]:
        found = [Cursor.model_validate(row) for row in self._partition("CURSOR")]
        return {cursor.stream: cursor for cursor in found}

    def open_cursor(self, cursor: Cursor) -> None:
        """Raises Conflict if the stream is known already."""
        new = {"ConditionExpression": "attribute_not_exists(pk)"}
        self._put({"Item": _cursor_row(cursor), **new})

    def replace_cursor(self, cursor: Cursor, rev: int) -> None:
        """Raises Conflict if another run replaced it first."""
        self._put({"Item": _cursor_row(cursor), **at_rev(rev)})

    def commit(self, commit: Commit, set_aside: Callable[[Sequence[str]], None]) -> None:
        """Observations, then events, then the cursor; cut off anywhere, the page is done again.

        What is dropped goes first: it makes space, and nobody needs it again. Of what DynamoDB does
        not take for good, only that is left out: `set_aside` gets the ids of such events, before
        the cursor moves on.
        """
        for update in deletions(commit):
            call(partial(self._dynamodb.update_item, TableName=self._state, **update.item))
        cursor = {"Item": _cursor_row(commit.cursor), **at_rev(commit.rev)}
        moved = {"Put": {"TableName": self._state, **cursor}}
        writes = list(self._writes(commit))
        if not writes:
            self._put(cursor)  # half the price of a transaction, and most ticks find nothing
            return
        *first, last = packs([*writes, (EVENT_BYTES, moved)])
        taken = at_once([partial(self._taken, some) for some in first], self._calls_at_once)
        refused = [id_ for ids in taken for id_ in ids]
        if not refused:
            with suppress(NotTaken):
                self._transact(last)
                return
        refused += self._taken([write for write in last if write is not moved])
        set_aside(refused)
        self._transact([moved])

    def _taken(self, writes: list[Write]) -> list[str]:
        """Makes these writes, one by one if need be; the ids of events that are not taken."""
        try:
            if writes:
                self._transact(writes)
        except NotTaken:
            if len(writes) > 1:
                return [id_ for write in writes for id_ in self._taken([write])]
            return self._outlined(writes[0])
        return []

    def _outlined(self, write: Write) -> list[str]:
        """An event is known again by its outline; observations that can't be kept are lost."""
        row: Any = write.get("Put", {}).get("Item")
        if row is None:
            return [str(write["Update"]["Key"]["pk"])]
        outline = outline_of(EventRow(**row)).item
        with suppress(NotTaken):
            call(lambda: self._dynamodb.put_item(TableName=self._events, Item=outline))
        return [row["id"]]

    def _writes(self, commit: Commit) -> Iterator[tuple[int, Write]]:
        """Each write with the bytes it may touch."""
        for update in additions(commit):
            yield update.size, {"Update": {"TableName": self._state, **update.item}}
        for event in commit.events:
            yield EVENT_BYTES, {"Put": {"TableName": self._events, "Item": event.item}}

    def _transact(self, writes: list[Any]) -> None:
        typed: list[Any] = [typed_write(write) for write in writes]
        call(lambda: self._plain.transact_write_items(TransactItems=typed))

    def _put(self, put: dict[str, Any]) -> None:
        call(lambda: self._dynamodb.put_item(TableName=self._state, **put))

    def _rows(
        self, table: str, keys: Sequence[dict[str, str]], asked: dict[str, Any]
    ) -> Iterator[Any]:
        typed = [{name: {"S": value} for name, value in key.items()} for key in keys]
        asks = [
            partial(self._batch, table, {"Keys": typed[start : start + AT_ONCE], **asked})
            for start in range(0, len(typed), AT_ONCE)
        ]
        for found in at_once(asks, self._calls_at_once):
            yield from found

    def _batch(self, table: str, asked: dict[str, Any]) -> list[Any]:
        wanted: Any = {table: asked}
        found: list[Any] = []
        while wanted:
            answer = self._batch_get(wanted)
            found += answer["Responses"].get(table, [])
            wanted = answer.get("UnprocessedKeys")
        return list(map(plain_row, found))

    def _batch_get(self, wanted: Any) -> Any:
        return call(lambda: self._plain.batch_get_item(RequestItems=wanted))

    def _partition(self, pk: str) -> Iterator[Any]:
        found = rows(
            self._dynamodb.query,
            TableName=self._state,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": pk},
            ConsistentRead=True,
        )
        return map(bare, found)


def _day_of(alert: Alert) -> AlertDay:
    return AlertDay(alert.dedup, alert.kept_at // DAY)


def _cursor_row(cursor: Cursor) -> dict[str, Any]:
    row = cursor.model_dump(mode="json", exclude_none=True)
    return row | {"pk": "CURSOR", "sk": cursor.stream}
