"""What a library and its documents are, as the ledger keeps them."""

import hashlib
import json
from datetime import datetime
from typing import Self

from pydantic import Field

from shared.library.metadata import Attributes, document_of
from shared.library.paths import Place
from shared.model import FrozenModel
from shared.objects import Source

MAX_PREVIOUS = 10  # previous versions of a document that are remembered
MAX_REPAIRS = 20  # repairs that are remembered


class LedgerRow(FrozenModel):
    """A row of the ledger; each change makes its next revision."""

    expires_at: int | None = None  # seconds since 1970: DynamoDB deletes the row then
    rev: int = 0

    def updated(self, **changes: object) -> Self:
        return self.model_copy(update={"rev": self.rev + 1, **changes})

    def expired(self, now: datetime) -> Self:
        return self.updated(expires_at=int(now.timestamp()))


class Document(LedgerRow):
    """One object of a library's folder, as it was when we last read it."""

    library: str
    name: str
    source: Source
    sequencer: str = ""  # of the latest S3 event; older events are ignored
    digest: str = ""  # identifies its bytes
    deleted: bool = False
    attributes: Attributes | None = None  # of a sidecar
    problem: str = ""  # why it cannot be indexed
    answered_by: str = ""  # the content that answers for it until its own is searchable
    # Versions since `answered_by` was set: their contents may answer too.
    previous_digests: list[str] = Field(default=[], max_length=MAX_PREVIOUS)
    dropped_at: datetime
    recorded_at: datetime

    @property
    def place(self) -> Place:
        return Place(self.library, self.name)

    @property
    def is_sidecar(self) -> bool:
        return document_of(self.name) is not None

    def has_same_content(self, other: "Document") -> bool:
        """Nothing that a search could show differs."""
        return (self.digest, self.deleted, self.attributes) == (
            *(other.digest, other.deleted),
            other.attributes,
        )

    def switched_to(self, content: str) -> Self:
        return self.updated(answered_by=content, previous_digests=[])


class Library(LedgerRow):
    """One folder and its store; only the run that holds its lease changes it."""

    name: str
    store_id: str | None = None
    bound: bool = False  # to a store that library.yaml names
    creating_at: datetime | None = None  # set while an answer to create may be lost
    expires_days: int = 0  # as last sent to the store
    leased_until: datetime | None = None
    attached_at: datetime | None = None
    scanned_at: datetime | None = None  # when the folder was last compared with the ledger
    finished_until: datetime | None = None  # documents dropped before have ended
    in_sync: bool = False
    reason: str = ""  # why it waits
    settings_notified: str = ""  # the mistakes in library.yaml that were published
    repaired: list[str] = Field(default=[], max_length=MAX_REPAIRS)

    def with_repairs(self, *repaired: str) -> Self:
        return self.updated(repaired=[*self.repaired, *repaired][-MAX_REPAIRS:])


class DirtyFlag(FrozenModel):
    """Set while a library may need a sync; `marks` detects changes made during a sync."""

    name: str
    marks: int = 0
    referenced_at: datetime | None = None  # when a batch file last named this library


class SyncRequest(FrozenModel):
    """A message to the function library: bring this library's store up to date."""

    library: str
    reconcile: bool = False


def fingerprint(attributes: Attributes) -> str:
    """Short, and the same for the same attributes in any order."""
    text = json.dumps(attributes, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16] if attributes else ""
