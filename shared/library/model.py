"""What a library and its documents are, as the ledger keeps them."""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Literal, Self

from pydantic import Field

from shared.library.metadata import Attributes, document_of
from shared.library.paths import Place, is_passed_over
from shared.model import FrozenModel
from shared.objects import Source

MAX_PREVIOUS = 10  # previous versions of a document that are remembered
MAX_REPAIRS = 20  # repairs that are remembered
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=6)  # of what S3 does not give


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
    not_given: str = ""  # why S3 does not give its newest version: `source` is the one before
    not_given_version: str = ""
    reads: int = 0  # how often it was tried to read it, in vain
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

    @property
    def is_passed_over(self) -> bool:
        return is_passed_over(self.name)

    @property
    def is_unread(self) -> bool:
        return bool(self.not_given) and not self.deleted

    @property
    def read_again_at(self) -> datetime:
        """Pauses grow; a person may give it back any day."""
        return self.recorded_at + min(FIRST_PAUSE * (1 << min(self.reads, 20)), LONGEST_PAUSE)

    def has_same_content(self, other: "Document") -> bool:
        """Nothing that a search or a report could show differs."""
        return (self.digest, self.deleted, self.attributes, self.problem, self.not_given) == (
            *(other.digest, other.deleted, other.attributes, other.problem),
            other.not_given,
        )

    def tells_the_same(self, other: "Document") -> bool:
        """The same is wrong with the same version: it was published."""
        return self._said == other._said

    @property
    def newest_version(self) -> str:
        return self.not_given_version or self.source.identity

    @property
    def _said(self) -> tuple[str, str]:
        return self.not_given or self.problem, self.newest_version

    def switched_to(self, content: str) -> Self:
        return self.updated(answered_by=content, previous_digests=[])


class Library(LedgerRow):
    """One folder and its store; only the run that holds its lease changes it."""

    name: str
    store_id: str | None = None
    bound: bool = False  # to a store that library.yaml names
    made_store_id: str = ""  # the last one that we created, even if library.yaml names it now
    missing_since: datetime | None = None  # the store was not found; once may be a mistake
    stores_lost: int = 0  # one after the other, since it was last in sync
    counted: int = 0  # documents that the store itself counted when it was last in sync
    creating_at: datetime | None = None  # set while an answer to create may be lost
    expires_days: int = 0  # as last sent to the store
    leased_until: datetime | None = None
    attached_at: datetime | None = None
    scanned_at: datetime | None = None  # when the folder was last compared with the ledger
    finished_until: datetime | None = None  # documents dropped before have ended
    in_sync: bool = False
    in_sync_since: datetime | None = None
    on_delete: str = ""  # as library.yaml last said: a deleted library.yaml deletes no documents
    reason: str = ""  # why it waits
    waiting_since: datetime | None = None
    waiting_notified: bool = False
    settings_notified: str = ""  # the mistakes in library.yaml that were published
    repaired: list[str] = Field(default=[], max_length=MAX_REPAIRS)

    def with_repairs(self, *repaired: str) -> Self:
        return self.updated(repaired=[*self.repaired, *repaired][-MAX_REPAIRS:])


class DirtyFlag(FrozenModel):
    """Set while a library may need a sync; `marks` detects changes made during a sync."""

    name: str
    marks: int = 0
    referenced_at: datetime | None = None  # when a batch file last named this library


class Waiter(FrozenModel):
    """A job or a part that waits for a library: what to send, once it may go on, and where."""

    queue: Literal["intake", "submit"]
    id: str
    message: str


class SyncRequest(FrozenModel):
    """A message to the function library: bring this library's store up to date."""

    library: str
    reconcile: bool = False


def fingerprint(attributes: Attributes) -> str:
    """Short, and the same for the same attributes in any order."""
    text = json.dumps(attributes, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16] if attributes else ""
