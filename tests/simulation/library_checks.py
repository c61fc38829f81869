"""What was promised of a library, checked at every call to OpenAI and at the end."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from local.openai.stores.models import Document
from shared.library.content import FINAL
from shared.library.paths import digest_of
from tests.simulation.aws_tables import Row
from tests.simulation.invariants import Invariants
from tests.simulation.library_workload import BROKEN, CHUNKS, LIBRARY, NAMES, Bytes, Folder, suffix
from tests.simulation.promises import Promise

SUFFIXES = {suffix(name) for name in NAMES}


class LibraryChecks:
    def __init__(self, invariants: Invariants, folder: Folder) -> None:
        self.invariants = invariants
        self.small = invariants.small
        self.tables = invariants.cloud.tables
        self.buckets = invariants.cloud.buckets
        self.folder = folder
        self._answered: set[str] = set()
        self._deleted_at = datetime.min.replace(tzinfo=UTC)
        self._seen: set[str] = set()  # Files that were uploaded
        self._uploads: Counter[Bytes] = Counter()

    def expect(self, holds: object, otherwise: str) -> None:
        self.invariants.expect(holds, Promise.LIBRARY_TRUE, otherwise)

    @property
    def in_sync(self) -> bool:
        """All that its user does is done and, as far as the ledger knows, in the store."""
        row = self.tables.row(f"LIBRARY#{LIBRARY}", "LIBRARY")
        dirty_flag = self.tables.row("DIRTY_FLAGS", LIBRARY)
        return bool(
            not self.folder.left
            and row
            and row["in_sync"]
            and dirty_flag
            and "open" not in dirty_flag
        )

    def store_deleted(self) -> None:
        """Nothing answers until there is another one."""
        self._answered.clear()
        self._deleted_at = self.invariants.faults.now()

    def called(self, call: str) -> None:
        """After each call that a function made to OpenAI."""
        if call == "POST /v1/files":
            self._count_uploads()
        if "/vector_stores" in call or call.startswith("DELETE"):
            self._expect_answers(call)

    def expect_ready(self, asked_at: datetime) -> None:
        """Questions are about to be asked: what was dropped before them is what answers."""
        faults = self.invariants.faults
        if faults.now() - self._deleted_at < timedelta(seconds=faults.profile.lease + 60):
            return  # deleted between our look and the call
        there = {_bytes(each) for each in self._completed()}
        given_up, failed = self._given_up(), self._failed_names()
        for name, held in self.folder.held.items():
            if held.since < asked_at and name not in failed:
                ready = (held.text, suffix(name)) in there | given_up
                self.expect(ready, f"questions go, and {name} is not in the store")
        answering = {_bytes(each) for each in self._completed() if not each.ghost}
        for content, left_at in self.folder.left_at.items():
            stale = left_at < asked_at and content in answering and not self._is_kept(content)
            self.expect(not stale, f"questions go, and {content} is still in the store")

    def check(self) -> None:
        self.expect(self.in_sync, "the library is not in sync")
        self.expect(len(self.small.stores) <= 1, f"there are {len(self.small.stores)} stores")
        documents = list(self._documents())
        failed = self._failed_names()
        readable = {n: e.text for n, e in self.folder.held.items() if n not in failed}
        wanted = sorted({(text, suffix(name)) for name, text in readable.items()})
        found = sorted(map(_bytes, documents))
        self.expect(found == wanted, f"the store holds {found}, the folder {wanted}")
        for each in documents:
            self._check_document(each, readable)
        left = {i for i, each in self.small.files.items() if each.purpose == "assistants"}
        strange = left - {each.id for each in documents}
        self.expect(not strange, f"Files are left: {strange}")
        self._check_uploads()
        self._check_report()

    def _check_document(self, document: Document, readable: dict[str, bytes]) -> None:
        self.expect(document.status == "completed", f"{document.filename} is {document.status}")
        size = CHUNKS[self.folder.chunking]
        self.expect(document.chunking.size == size, f"{document.filename} is cut in another way")
        names = [n for n, text in readable.items() if (text, suffix(n)) == _bytes(document)]
        year = self.folder.years.get(min(names)) if names else None
        said = f"{document.filename} has {document.attributes}, wanted is {year}"
        self.expect(document.attributes == ({"year": year} if year else {}), said)

    def _check_uploads(self) -> None:
        self._count_uploads()
        for (text, kind), number in self._uploads.items():
            needed = self.folder.needed[text, kind]
            said = f"{text!r} as .{kind} was uploaded {number} times, needed {needed}"
            self.expect(number <= needed, said)
        self.invariants.notes["documents uploaded"] += self._uploads.total()

    def _check_report(self) -> None:
        report = json.loads(self.buckets.read(f"libraries/{LIBRARY}/report.json") or b"{}")
        states = {each["document"]: each["state"] for each in report.get("documents", [])}
        failed = self._failed_names()
        wanted = {name: "failed" if name in failed else "searchable" for name in self.folder.held}
        self.expect(states == wanted, f"the library's report says {states}, there is {wanted}")
        for name, state in wanted.items():
            kind = f"Document {state.capitalize()}"
            published = any(
                k == kind and detail["document"] == name for k, detail in self.invariants.on_bus
            )
            self.expect(published, f"{kind!r} of {name} was not published")

    def _count_uploads(self) -> None:
        for id_, file in self.small.files.items():
            if file.purpose == "assistants" and id_ not in self._seen:
                self._seen.add(id_)
                text, kind = file.path.read_bytes(), suffix(file.filename)
                self._uploads[text, kind] += 1
                self.expect((text, kind) not in self._failed(), f"{text!r} is uploaded again")
        named = Counter(each.filename for each in self.small.files.values())
        twice = [name for name, number in named.items() if number > 1 and "-" not in name]
        self.expect(not twice, f"two Files are called {twice}")

    def _expect_answers(self, call: str) -> None:
        """Once a document that was heard of answers, a version of it does while it is there."""
        there = {_bytes(each) for each in self._completed()}
        for name in self.folder.held.keys() - self.folder.interrupted:
            kind = suffix(name)
            answers = any((text, kind) in there for text in self.folder.versions[name])
            if answers and self._was_heard_of(name, there):
                self._answered.add(name)
            elif not answers and name in self._answered and name not in self._failed_names():
                self.invariants.fail(
                    Promise.ALWAYS_ANSWERED, f"nothing answers for {name} after {call}"
                )

    def _was_heard_of(self, name: str, there: set[Bytes]) -> bool:
        """Not only another document with the same bytes."""
        row = self.tables.row(f"LIBRARY#{LIBRARY}", f"DOC#{name}")
        return row is not None and row["digest"] in map(_digest, there)

    def _given_up(self) -> set[Bytes]:
        """What need not be waited for: it is stuck, or OpenAI failed at it too often."""
        given_up = (
            r for r in self._contents() if r.get("stuck_notified") or r["state"] == "failed"
        )
        ids = {row.get("file_id") for row in given_up}
        return {
            (file.path.read_bytes(), suffix(file.filename))
            for id_, file in self.small.files.items()
            if id_ in ids
        }

    def _is_kept(self, content: Bytes) -> bool:
        """It answers for a document whose newest version S3 does not give, as was told."""
        rows = (row for row in self.tables.rows() if row["sk"].startswith("DOC#"))
        return any(row.get("not_given") and row.get("digest") == _digest(content) for row in rows)

    def _failed_names(self) -> set[str]:
        """Whose bytes nobody can read, or OpenAI refused for good: that was told."""
        rows = list(self._contents())
        failed = {row["digest"] for row in rows if row["state"] == "failed"}
        failed -= {row["digest"] for row in rows if row["state"] == "searchable"}  # cut otherwise
        return {
            name
            for name, each in self.folder.held.items()
            if each.text == BROKEN or _digest((each.text, suffix(name))) in failed
        }

    def _failed(self) -> set[Bytes]:
        """Bytes that the ledger knows to be unreadable."""
        final = {
            row["digest"]
            for row in self._contents()
            if row["state"] == "failed" and row.get("error") in FINAL
        }
        return {(BROKEN, kind) for kind in SUFFIXES if _digest((BROKEN, kind)) in final}

    def _contents(self) -> Iterator[Row]:
        return (row for row in self.tables.rows() if row["sk"].startswith("CONTENT#"))

    def _documents(self) -> Iterator[Document]:
        for store in self.small.stores.values():
            yield from store.documents.values()

    def _completed(self) -> Iterator[Document]:
        return (each for each in self._documents() if each.status == "completed")


def _digest(content: Bytes) -> str:
    text, kind = content
    return digest_of(hashlib.sha256(text).hexdigest(), f"any.{kind}")


def _bytes(document: Document) -> Bytes:
    return document.text.encode(), suffix(document.filename)
