"""The ledger's rows of libraries: their documents, their contents and their dirty flags."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from shared.aws.dynamodb import DynamoTable, Write, bare, packs, stamp
from shared.library.content import Content
from shared.library.model import DirtyFlag, Document, Library, Waiter

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

DIRTY_FLAGS = "DIRTY_FLAGS"
DIRTY = "library"  # in the sparse index while a sync may be needed
WAITER = "WAITER#"
AWAITED = timedelta(days=8)  # longer than anything waits for a library
ROW_BYTES = 30_000  # of one document's or content's row, at most
Row = Document | Content


class LibraryTable:
    """Rows: LIBRARY#<name> with LIBRARY, DOC#<name>, CONTENT#<id>, WAITER#<queue>#<id>; DIRTY_FLAGS
    with each library.

    Any run may write documents; only the run that holds the library's lease writes the rest.
    """

    def __init__(self, table: "Table") -> None:
        self._table = DynamoTable(table)

    def document(self, library: str, name: str) -> Document | None:
        found = self._table.get(f"LIBRARY#{library}", f"DOC#{name}")
        return _document(found) if found else None

    def library(self, name: str) -> Library | None:
        found = self._table.get(f"LIBRARY#{name}", "LIBRARY")
        return Library.model_validate(found) if found else None

    def rows(self, library: str) -> tuple[list[Document], list[Content]]:
        """All documents and contents of a library, as they are now."""
        documents: list[Document] = []
        contents: list[Content] = []
        for row in self._table.partition(f"LIBRARY#{library}"):
            if row["sk"].startswith("DOC#"):
                documents.append(_document(row))
            elif row["sk"].startswith("CONTENT#"):
                contents.append(Content.model_validate(bare(row)))
        return documents, contents

    def put_document(self, old: Document | None, new: Document) -> None:
        """Raises Conflict if another run wrote this document since `old` was read."""
        self._put(_row(new), old)

    def put_library(self, old: Library | None, new: Library) -> None:
        row = new.model_dump(mode="json", exclude_none=True)
        row |= {"pk": f"LIBRARY#{new.name}", "sk": "LIBRARY"}
        self._put(row, old)

    def put_rows(self, rows: Sequence[Row]) -> None:
        """Writes next revisions, a hundred at a time, all or nothing. Raises Conflict."""
        for pack in packs((ROW_BYTES, self._write(row)) for row in rows):
            self._table.transact(pack)

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
            "UpdateExpression": f"SET {', '.join(sets)} ADD marks :one",
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
        }
        self._table.update(DIRTY_FLAGS, library, **update)

    def dirty_flag(self, library: str) -> DirtyFlag:
        found = self._table.get(DIRTY_FLAGS, library)
        return _dirty_flag(found) if found else DirtyFlag(name=library)

    def dirty_flags(self) -> list[DirtyFlag]:
        """One for every library there ever was."""
        return [_dirty_flag(row) for row in self._table.partition(DIRTY_FLAGS)]

    def dirty(self, now: datetime) -> list[str]:
        """Libraries that are due for a sync."""
        return [str(row["name"]) for row in self._table.open_rows(DIRTY, now)]

    def await_library(self, library: str, waiter: Waiter, now: datetime) -> None:
        """Until it is forgotten, or its row expires; poll asks too, every minute."""
        expires = {"expires_at": int((now + AWAITED).timestamp())}
        self._table.put(_waiter_key(library, waiter) | waiter.model_dump() | expires)

    def waiters(self, library: str, now: datetime) -> list[Waiter]:
        found = self._table.partition(f"LIBRARY#{library}", WAITER)
        return [
            Waiter.model_validate({name: row[name] for name in Waiter.model_fields})
            for row in found
            if int(row["expires_at"]) > now.timestamp()
        ]

    def forget_waiter(self, library: str, waiter: Waiter, now: datetime) -> None:
        row = _waiter_key(library, waiter) | waiter.model_dump()
        self._table.put(row | {"expires_at": int(now.timestamp())})

    def clear_dirty(self, dirty_flag: DirtyFlag, due: datetime | None) -> None:
        """Until `due`, or the next mark. Raises Conflict if it was marked since it was read."""
        update: Any = {
            "UpdateExpression": "REMOVE #open, #due" if due is None else "SET #due = :due",
            "ConditionExpression": "marks = :marks",
            "ExpressionAttributeNames": {"#due": "due"} | ({} if due else {"#open": "open"}),
            "ExpressionAttributeValues": {":marks": dirty_flag.marks}
            | ({":due": stamp(due)} if due else {}),
        }
        self._table.update(DIRTY_FLAGS, dirty_flag.name, **update)

    def _put(self, row: dict[str, Any], old: Document | Library | None) -> None:
        if old:
            self._table.replace(row, old.rev)
        else:
            self._table.create(row)

    def _write(self, row: Row) -> Write:
        """Revision 0 creates a row; each other replaces the one before it."""
        if row.rev == 0:
            return self._table.creating(_row(row))
        return self._table.replacing(_row(row), row.rev - 1)


def _waiter_key(library: str, waiter: Waiter) -> dict[str, str]:
    return {"pk": f"LIBRARY#{library}", "sk": f"{WAITER}{waiter.queue}#{waiter.id}"}


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
