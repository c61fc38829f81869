"""The ledger's rows of libraries: their documents, their contents and their dirty flags."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr, Key

from shared.errors import CapacityExceeded, Conflict
from shared.jobs.ledger import OPEN, bare, call, stamp
from shared.library.content import Content
from shared.library.model import DirtyFlag, Document, Library

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

DIRTY_FLAGS = "DIRTY_FLAGS"
DIRTY = "library"  # in the sparse index while a sync may be needed
MAX_ITEMS = 100  # of one transaction
Row = Document | Content


class LibraryTable:
    """Rows: LIBRARY#<name> with LIBRARY, DOC#<name>, CONTENT#<id>; DIRTY_FLAGS with each library.

    Any run may write documents; only the run that holds the library's lease writes the rest.
    """

    def __init__(self, table: "Table") -> None:
        self._table = table

    def document(self, library: str, name: str) -> Document | None:
        found = self._get(f"LIBRARY#{library}", f"DOC#{name}")
        return _document(found) if found else None

    def library(self, name: str) -> Library | None:
        found = self._get(f"LIBRARY#{name}", "LIBRARY")
        return Library.model_validate(found) if found else None

    def rows(self, library: str) -> tuple[list[Document], list[Content]]:
        """All documents and contents of a library, as they are now."""
        key = Key("pk").eq(f"LIBRARY#{library}")
        documents: list[Document] = []
        contents: list[Content] = []
        for row in self._query(KeyConditionExpression=key, ConsistentRead=True):
            if row["sk"].startswith("DOC#"):
                documents.append(_document(row))
            elif row["sk"].startswith("CONTENT#"):
                contents.append(Content.model_validate(bare(row)))
        return documents, contents

    def put_document(self, old: Document | None, new: Document) -> None:
        """Raises Conflict if another run wrote this document since `old` was read."""
        condition = Attr("rev").eq(old.rev) if old else Attr("pk").not_exists()
        call(lambda: self._table.put_item(Item=_row(new), ConditionExpression=condition))

    def put_library(self, old: Library | None, new: Library) -> None:
        row = new.model_dump(mode="json", exclude_none=True)
        row |= {"pk": f"LIBRARY#{new.name}", "sk": "LIBRARY"}
        condition = Attr("rev").eq(old.rev) if old else Attr("pk").not_exists()
        call(lambda: self._table.put_item(Item=row, ConditionExpression=condition))

    def put_rows(self, rows: Sequence[Row]) -> None:
        """Writes next revisions, a hundred at a time, all or nothing. Raises Conflict."""
        for start in range(0, len(rows), MAX_ITEMS):
            self._put_rows(
                [_write(self._table.name, row) for row in rows[start : start + MAX_ITEMS]]
            )

    def _put_rows(self, writes: list[Any]) -> None:
        client = self._table.meta.client
        try:
            call(lambda: client.transact_write_items(TransactItems=writes))
        except CapacityExceeded as error:  # the second of two rows had changed
            raise Conflict(error.reason) from error

    def mark_dirty(
        self, library: str, now: datetime, referenced_at: datetime | None = None
    ) -> None:
        """A sync may be needed; one that is running sees the mark and leaves the flag set."""
        sets = ["#open = :open", "#due = :due", "#name = :name"]
        values: dict[str, Any] = {":open": DIRTY, ":due": stamp(now), ":name": library, ":one": 1}
        names = {"#open": "open", "#due": "due", "#name": "name"}
        if referenced_at:
            sets.append("referenced_at = :referenced")
            values[":referenced"] = referenced_at.isoformat()
        update: Any = {
            "Key": {"pk": DIRTY_FLAGS, "sk": library},
            "UpdateExpression": f"SET {', '.join(sets)} ADD marks :one",
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
        }
        call(lambda: self._table.update_item(**update))

    def dirty_flag(self, library: str) -> DirtyFlag:
        found = self._get(DIRTY_FLAGS, library)
        return _dirty_flag(found) if found else DirtyFlag(name=library)

    def dirty_flags(self) -> list[DirtyFlag]:
        """One for every library there ever was."""
        rows = self._query(KeyConditionExpression=Key("pk").eq(DIRTY_FLAGS), ConsistentRead=True)
        return [_dirty_flag(row) for row in rows]

    def dirty(self, now: datetime) -> list[str]:
        """Libraries that are due for a sync."""
        key = Key("open").eq(DIRTY) & Key("due").lte(stamp(now))
        return [str(row["name"]) for row in self._query(IndexName=OPEN, KeyConditionExpression=key)]

    def clear_dirty(self, dirty_flag: DirtyFlag, due: datetime | None) -> None:
        """Until `due`, or the next mark. Raises Conflict if it was marked since it was read."""
        update: Any = {
            "Key": {"pk": DIRTY_FLAGS, "sk": dirty_flag.name},
            "UpdateExpression": "REMOVE #open, #due" if due is None else "SET #due = :due",
            "ConditionExpression": "marks = :marks",
            "ExpressionAttributeNames": {"#due": "due"} | ({} if due else {"#open": "open"}),
            "ExpressionAttributeValues": {":marks": dirty_flag.marks}
            | ({":due": stamp(due)} if due else {}),
        }
        call(lambda: self._table.update_item(**update))

    def _get(self, pk: str, sk: str) -> dict[str, Any] | None:
        key = {"pk": pk, "sk": sk}
        answer = call(lambda: self._table.get_item(Key=key, ConsistentRead=True))
        return bare(answer["Item"]) if "Item" in answer else None

    def _query(self, **query: Any) -> Iterator[dict[str, Any]]:
        while True:
            page = call(lambda: self._table.query(**query))
            yield from page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            query["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def _dirty_flag(row: dict[str, Any]) -> DirtyFlag:
    return DirtyFlag(
        name=row["name"], marks=int(row["marks"]), referenced_at=row.get("referenced_at")
    )


def _document(row: dict[str, Any]) -> Document:
    attributes = json.loads(row["attributes"]) if "attributes" in row else None
    return Document.model_validate(bare(row) | {"attributes": attributes})


def _row(row: Row) -> dict[str, Any]:
    """Attributes as JSON: DynamoDB would change the types of their numbers."""
    sk = f"DOC#{row.name}" if isinstance(row, Document) else f"CONTENT#{row.id}"
    values = row.model_dump(mode="json", exclude_none=True)
    if isinstance(row, Document) and row.attributes is not None:
        values["attributes"] = json.dumps(row.attributes, ensure_ascii=False)
    return values | {"pk": f"LIBRARY#{row.library}", "sk": sk}


def _write(table: str, row: Row) -> dict[str, Any]:
    """Revision 0 creates a row; each other replaces the one before it."""
    put: dict[str, Any] = {"TableName": table, "Item": _row(row)}
    if row.rev == 0:
        return {"Put": put | {"ConditionExpression": "attribute_not_exists(pk)"}}
    return {
        "Put": put
        | {
            "ConditionExpression": "#r = :r",
            "ExpressionAttributeNames": {"#r": "rev"},
            "ExpressionAttributeValues": {":r": row.rev - 1},
        }
    }
