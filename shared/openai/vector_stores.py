"""OpenAI's vector stores over HTTP: documents uploaded, attached by many, watched, taken out.

As in `shared.openai.client`, what makes something is never repeated here: who calls looks first.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar

from pydantic import JsonValue

from shared.errors import NotFound
from shared.model import OptionalId
from shared.openai.client import OpenAI
from shared.openai.lists import walk
from shared.openai.models import File, Status
from shared.openai.reading import Object, OpenAIObject, Said, Seconds, read, readable

PAGE = 100
EXPIRED = "expired"  # a store's status
PURPOSE = "assistants"
MOST_FILES = 2_000  # of one file batch
MOST_BYTES = 512 << 20  # of one File


class FileCounts(OpenAIObject):
    in_progress: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    total: int = 0


class VectorStore(OpenAIObject):
    """https://platform.openai.com/docs/api-reference/vector-stores/object"""

    id: str
    name: str = ""
    status: Status = ""
    metadata: dict[str, Any] = {}
    created_at: Seconds = 0
    file_counts: FileCounts = FileCounts()


class LastError(OpenAIObject):
    code: Said = ""
    message: Said = ""


class StoreFile(OpenAIObject):
    """A File attached to a store."""

    id: str
    status: Status = ""
    last_error: LastError | None = None
    usage_bytes: int = 0
    created_at: Seconds = 0
    attributes: dict[str, Any] = {}


class FileBatch(OpenAIObject):
    id: str
    status: Status = ""
    file_counts: FileCounts = FileCounts()

    @property
    def is_running(self) -> bool:
        return self.status == "in_progress" or self.file_counts.in_progress > 0

    @property
    def accounts_for_all(self) -> bool:
        """Each file completed or failed; none was cancelled or left out."""
        counts = self.file_counts
        return counts.completed + counts.failed == counts.total


class Page(OpenAIObject):
    DECIDES: ClassVar = frozenset({"has_more"})

    data: list[Any]
    last_id: OptionalId = None
    has_more: bool = False

    @property
    def after(self) -> str | None:
        """Where the next page starts; None: there is none, or nobody can say where."""
        if not self.has_more:
            return None
        last = self.data[-1] if self.data else None
        return self.last_id or (
            str(last["id"]) if isinstance(last, dict) and "id" in last else None
        )


class VectorStores:
    """One project's vector stores. Each failure is a typed error, as in the client."""

    def __init__(self, openai: OpenAI) -> None:
        self._openai = openai

    def upload(self, name: str, file: io.RawIOBase) -> File:
        """One document, streamed; it stays until it is deleted."""
        files = {"file": (name, file, "application/octet-stream")}
        return self._openai.send_file({"purpose": PURPOSE}, files)

    def files(self) -> Iterator[File]:
        """The project's documents, newest first."""
        for page in self._openai.file_pages(PURPOSE):
            yield from page

    def file(self, file_id: str) -> File:
        """Raises NotFound if it is gone."""
        return self._openai.file(file_id)

    def delete_file(self, file_id: str) -> None:
        self._openai.delete_file(file_id)

    def create(self, body: Mapping[str, JsonValue]) -> VectorStore:
        """Creates a store: look for it before you call this again."""
        answer = self._openai.call("POST", "/vector_stores", json=body)
        return read(VectorStore, answer, "POST /vector_stores")

    def store(self, store: str) -> VectorStore:
        return self._openai.ask(VectorStore, "GET", f"/vector_stores/{store}")

    def stores(self) -> Iterator[VectorStore]:
        """All of the project's, newest first."""
        return self._all(VectorStore, "/vector_stores", {"order": "desc"})

    def update(self, store: str, body: Mapping[str, JsonValue]) -> None:
        self._openai.call_with_retries("POST", f"/vector_stores/{store}", json=body)

    def attach(self, store: str, files: Sequence[Mapping[str, JsonValue]]) -> FileBatch:
        """Many at once, each with its own attributes and strategy."""
        path = f"/vector_stores/{store}/file_batches"
        answer = self._openai.call("POST", path, json={"files": list(files)})
        return read(FileBatch, answer, f"POST {path}")

    def attach_one(self, store: str, file: Mapping[str, JsonValue]) -> StoreFile:
        """The same for a single one, which servers without file batches know too."""
        path = f"/vector_stores/{store}/files"
        return read(StoreFile, self._openai.call("POST", path, json=dict(file)), f"POST {path}")

    def file_batch(self, store: str, batch: str) -> FileBatch:
        """Its id may come back wrong (the store's was seen): keep the one that `attach` gave."""
        path = f"/vector_stores/{store}/file_batches/{batch}"
        return self._openai.ask(FileBatch, "GET", path)

    def batch_files(self, store: str, batch: str, status: str) -> Iterator[StoreFile]:
        """Those of a file batch that are in a status."""
        path = f"/vector_stores/{store}/file_batches/{batch}/files"
        return self._all(StoreFile, path, {"filter": status})

    def store_files(self, store: str) -> Iterator[StoreFile]:
        """All that is attached."""
        return self._all(StoreFile, f"/vector_stores/{store}/files", {})

    def store_file(self, store: str, file: str) -> StoreFile:
        """Raises NotFound if it is not attached."""
        return self._openai.ask(StoreFile, "GET", f"/vector_stores/{store}/files/{file}")

    def describe(self, store: str, file: str, attributes: Mapping[str, JsonValue]) -> None:
        """New attributes, without reading the file anew."""
        path = f"/vector_stores/{store}/files/{file}"
        self._openai.call_with_retries("POST", path, json={"attributes": dict(attributes)})

    def detach(self, store: str, file: str) -> None:
        """Afterwards it is not in the store; the File itself stays."""
        with suppress(NotFound):
            self._openai.call_with_retries("DELETE", f"/vector_stores/{store}/files/{file}")

    def _all(self, kind: type[Object], path: str, query: Mapping[str, str]) -> Iterator[Object]:
        """Raises TryLater where the list stops short of its end."""

        def page_after(after: str | None) -> Page:
            params = {"limit": str(PAGE), **query} | ({"after": after} if after else {})
            return self._openai.ask(Page, "GET", path, params=params)

        for page in walk(page_after, f"the list {path}"):
            yield from readable(kind, page.data)
