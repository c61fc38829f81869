"""A vector store, its documents, and the file batches that attached them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from local.openai.http.messages import Json
from local.openai.stores.chunking import Chunking

STATUSES = ("in_progress", "completed", "failed", "cancelled")


@dataclass(frozen=True)
class Chunk:
    text: str
    words: frozenset[str]


@dataclass
class Document:
    """A File attached to a store."""

    id: str
    store: str
    filename: str
    created_at: float
    chunking: Chunking
    attributes: Json
    status: str = "in_progress"
    last_error: Json | None = None
    ghost: bool = False  # deleted or detached; a quirk goes on listing it
    chunks: list[Chunk] = field(default_factory=list)
    text: str = ""
    usage_bytes: int = 0
    chunking_unknown: bool = False

    def view(self) -> Json:
        strategy = {"type": "other"} if self.chunking_unknown else self.chunking.view()
        return {
            "id": self.id,
            "object": "vector_store.file",
            "usage_bytes": self.usage_bytes,
            "created_at": int(self.created_at),
            "vector_store_id": self.store,
            "status": self.status,
            "last_error": self.last_error,
            "chunking_strategy": strategy,
            "attributes": self.attributes,
        }


@dataclass
class FileBatch:
    id: str
    store: str
    created_at: float
    documents: list[Document]
    cancelled: bool = False
    shows_store_id: bool = False

    @property
    def status(self) -> str:
        counts = counted(self.documents)
        if self.cancelled:
            return "cancelled"
        if counts["in_progress"]:
            return "in_progress"
        failed = counts["failed"] == counts["total"] > 0
        return "failed" if failed else "completed"

    def view(self) -> Json:
        return {
            "id": self.id,
            "object": "vector_store.files_batch",
            "created_at": int(self.created_at),
            "vector_store_id": self.store,
            "status": self.status,
            "file_counts": counted(self.documents),
        }


@dataclass
class Store:
    id: str
    name: str | None
    description: str | None
    metadata: Json
    created_at: float
    last_active_at: float
    expires_days: int | None = None
    expired: bool = False
    listed_at: float = 0.0
    documents: dict[str, Document] = field(default_factory=dict)
    batches: dict[str, FileBatch] = field(default_factory=dict)
    ghosts: int = 0  # deleted documents that a quirk still counts

    @property
    def expires_at(self) -> float | None:
        days = self.expires_days
        return None if days is None else self.last_active_at + days * 86_400

    @property
    def status(self) -> str:
        if self.expired:
            return "expired"
        busy = any(document.status == "in_progress" for document in self.documents.values())
        return "in_progress" if busy else "completed"

    def view(self) -> Json:
        counts = counted(self.documents.values())
        for name in ("completed", "total"):
            counts[name] += self.ghosts
        days = self.expires_days
        return {
            "id": self.id,
            "object": "vector_store",
            "created_at": int(self.created_at),
            "name": self.name,
            "description": self.description,
            "usage_bytes": sum(document.usage_bytes for document in self.documents.values()),
            "file_counts": counts,
            "status": self.status,
            "expires_after": None if days is None else {"anchor": "last_active_at", "days": days},
            "expires_at": None if self.expires_at is None else int(self.expires_at),
            "last_active_at": int(self.last_active_at),
            "metadata": self.metadata,
        }


def counted(documents: Iterable[Document]) -> dict[str, int]:
    found = Counter(document.status for document in documents)
    return {status: found[status] for status in STATUSES} | {"total": found.total()}
