"""What a library, its documents and their contents are, and the moves they may make."""

import hashlib
import json
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from pydantic import Field

from shared.jobs.model import Source, shortened
from shared.library.metadata import Attributes, document_of
from shared.library.paths import Place
from shared.model import FrozenModel

MAX_TRIES = 5  # at indexing one content, where OpenAI had an error of its own
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(minutes=30)
# OpenAI's codes that say something of the bytes: asking again with the same ones changes nothing.
FINAL = frozenset({"unsupported_file", "invalid_file", "refused"})
KEPT = 10  # of the versions that a document had since one was seen to answer
NOTES = 20  # of what was repaired last, in the ledger


class ContentState(StrEnum):
    WANTED = "wanted"
    UPLOADED = "uploaded"
    ATTACHING = "attaching"
    SEARCHABLE = "searchable"
    FAILED = "failed"
    GONE = "gone"


class Document(FrozenModel):
    """One object of a library's folder, as it was when somebody looked last."""

    library: str
    name: str
    source: Source
    sequencer: str = ""  # of the latest event; an older one has nothing to tell
    digest: str = ""  # what its bytes are known by
    gone: bool = False
    attributes: Attributes | None = None  # of a sidecar
    problem: str = ""  # why it can't be taken
    serves: str = ""  # the content that answers for it until its own can
    was: list[str] = Field(default=[], max_length=KEPT)  # digests since then: they may answer too
    dropped_at: datetime
    noted_at: datetime
    expires_at: int | None = None  # seconds since 1970: DynamoDB forgets it then
    rev: int = 0

    @property
    def place(self) -> Place:
        return Place(self.library, self.name)

    @property
    def is_sidecar(self) -> bool:
        return document_of(self.name) is not None

    def forgotten(self, now: datetime) -> Self:
        return self.model_copy(update={"expires_at": int(now.timestamp()), "rev": self.rev + 1})

    def served_by(self, content: str) -> Self:
        return self.model_copy(update={"serves": content, "was": [], "rev": self.rev + 1})


class Content(FrozenModel):
    """Bytes with a way to cut them: one File, attached once, whatever names it has."""

    library: str
    id: str
    digest: str
    chunking: str
    filename: str
    source: Source
    state: ContentState = ContentState.WANTED
    file_id: str | None = None
    file_at: datetime | None = None  # when it was uploaded; a new File may not show up everywhere
    uploading_at: datetime | None = None  # set: an answer of upload may be lost
    attaching_at: datetime | None = None
    batch_id: str | None = None  # attaching without one: an answer may be lost
    attributes: str = ""  # the print of those it is attached with
    usage_bytes: int = 0
    tries: int = 0
    error: str = ""  # OpenAI's code
    message: str = ""
    stuck_told: bool = False
    due: datetime
    at: datetime  # of its last move
    expires_at: int | None = None  # seconds since 1970: DynamoDB forgets it then
    rev: int = 0

    @property
    def failed_for_good(self) -> bool:
        return self.state is ContentState.FAILED and self.error in FINAL

    @property
    def at_openai(self) -> bool:
        """A File of it is there, or may be."""
        return self.file_id is not None or self.uploading_at is not None

    @property
    def is_under_way(self) -> bool:
        """OpenAI was asked for something, and has not said what became of it."""
        return self.uploading_at is not None or self.state is ContentState.ATTACHING

    def _moved(self, now: datetime, **changes: object) -> Self:
        return self.model_copy(update={"at": now, "rev": self.rev + 1, **changes})

    def uploading(self, now: datetime, source: Source) -> Self:
        """Written before the call: from here on an answer may be lost."""
        return self._moved(now, uploading_at=now, source=source, state=ContentState.WANTED)

    def uploaded(self, now: datetime, file_id: str) -> Self:
        made = {"file_id": file_id, "file_at": self.uploading_at or now, "uploading_at": None}
        return self._moved(now, state=ContentState.UPLOADED, due=now, **made)

    def not_uploaded(self, now: datetime, pause: timedelta = timedelta(0)) -> Self:
        return self._moved(
            now, uploading_at=None, file_id=None, state=ContentState.WANTED, due=now + pause
        )

    def attaching(self, now: datetime, attributes: str) -> Self:
        return self._moved(
            now,
            attaching_at=now,
            batch_id=None,
            attributes=attributes,
            state=ContentState.ATTACHING,
            stuck_told=False,
        )

    def attached(self, batch_id: str) -> Self:
        return self.model_copy(update={"batch_id": batch_id, "rev": self.rev + 1})

    def not_attached(self, now: datetime, pause: timedelta = timedelta(0)) -> Self:
        return self._moved(now, batch_id=None, state=ContentState.UPLOADED, due=now + pause)

    def searchable(self, now: datetime, usage_bytes: int = 0) -> Self:
        return self._moved(
            now,
            state=ContentState.SEARCHABLE,
            batch_id=None,
            usage_bytes=usage_bytes,
            tries=0,
            error="",
            message="",
        )

    def described(self, now: datetime, attributes: str) -> Self:
        return self._moved(now, attributes=attributes)

    def refused(self, now: datetime, code: str, message: str) -> Self:
        """Final for what its bytes are to blame for; asked again where OpenAI is."""
        tries = self.tries + 1
        told = {"error": code, "message": shortened(message), "tries": tries, "batch_id": None}
        if code in FINAL or tries >= MAX_TRIES:
            return self._moved(now, state=ContentState.FAILED, uploading_at=None, **told)
        pause = min(FIRST_PAUSE * (1 << (tries - 1)), LONGEST_PAUSE)
        return self._moved(now, state=ContentState.UPLOADED, due=now + pause, **told)

    def told_stuck(self) -> Self:
        return self.model_copy(update={"stuck_told": True, "rev": self.rev + 1})

    def removed(self, now: datetime) -> Self:
        """Nothing of it is left at OpenAI; what failed stays remembered as failed."""
        kept = ContentState.FAILED if self.state is ContentState.FAILED else ContentState.GONE
        gone = {"file_id": None, "uploading_at": None, "batch_id": None, "state": kept}
        return self._moved(now, **gone)

    def forgotten(self, now: datetime) -> Self:
        return self.model_copy(update={"expires_at": int(now.timestamp()), "rev": self.rev + 1})

    def wanted_again(self, now: datetime) -> Self:
        return self._moved(now, state=ContentState.WANTED, tries=0, error="", message="", due=now)


class Library(FrozenModel):
    """One folder and its store; `held_until` is the lease of whoever works on it."""

    name: str
    store_id: str | None = None
    bound: bool = False  # to a store that somebody else made
    creating_at: datetime | None = None  # set: an answer of create may be lost
    expires_days: int = 0  # as the store was told last
    held_until: datetime | None = None
    attached_at: datetime | None = None
    walked_at: datetime | None = None  # when the folder was compared with the ledger last
    settled_upto: datetime | None = None  # what was dropped before is searchable, or failed
    in_sync: bool = False
    reason: str = ""  # why it waits
    settings_told: str = ""  # the mistakes in library.yaml that were told
    repaired: list[str] = Field(default=[], max_length=NOTES)
    rev: int = 0

    def with_(self, **changes: object) -> Self:
        return self.model_copy(update={"rev": self.rev + 1, **changes})

    def noting(self, *repaired: str) -> Self:
        return self.with_(repaired=[*self.repaired, *repaired][-NOTES:])


class DirtyFlag(FrozenModel):
    """Rings when something may be to do; `n` counts the rings, so that none is missed."""

    name: str
    n: int = 0
    asked_at: datetime | None = None  # a file of questions was dropped then


class SyncRequest(FrozenModel):
    """A message to the function library: look after this library."""

    library: str
    reconcile: bool = False


def print_of(attributes: Attributes) -> str:
    """Short, and the same for the same attributes in any order."""
    text = json.dumps(attributes, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16] if attributes else ""
