"""The states of a content: bytes of a library and what OpenAI has of them."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from shared.library.model import LedgerRow
from shared.objects import Source
from shared.text import shorten

MAX_TRIES = 5  # to index one content, when OpenAI reports an error of its own
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(minutes=30)
# OpenAI's codes that blame the bytes: indexing the same bytes again changes nothing.
FINAL = frozenset({"unsupported_file", "invalid_file", "refused"})


class ContentState(StrEnum):
    WANTED = "wanted"
    UPLOADED = "uploaded"
    ATTACHING = "attaching"
    SEARCHABLE = "searchable"
    FAILED = "failed"
    REMOVED = "removed"


class Content(LedgerRow):
    """Bytes and how they are chunked: one File, attached once, whatever documents hold it."""

    library: str
    id: str
    digest: str
    chunking: str
    filename: str
    source: Source
    state: ContentState = ContentState.WANTED
    file_id: str | None = None
    uploaded_at: datetime | None = None  # OpenAI may list a new File late
    uploading_at: datetime | None = None  # set while an answer to the upload may be lost
    attaching_at: datetime | None = None
    batch_id: str | None = None  # None while attaching: the answer may be lost
    attributes_fingerprint: str = ""  # of those it is attached with
    usage_bytes: int = 0
    tries: int = 0
    error: str = ""  # OpenAI's code
    message: str = ""
    stuck_notified: bool = False
    due: datetime  # no step before this time
    changed_at: datetime

    @property
    def is_searchable(self) -> bool:
        return self.state is ContentState.SEARCHABLE

    @property
    def has_failed(self) -> bool:
        return self.state is ContentState.FAILED

    @property
    def has_ended(self) -> bool:
        return self.is_searchable or self.has_failed

    @property
    def failed_for_good(self) -> bool:
        return self.has_failed and self.error in FINAL

    @property
    def is_over(self) -> bool:
        """It is not uploaded again before it is reset."""
        return self.has_failed or self.state is ContentState.REMOVED

    @property
    def at_openai(self) -> bool:
        """A File of it exists, or may exist."""
        return self.file_id is not None or self.uploading_at is not None

    @property
    def is_unused(self) -> bool:
        """Removed, or never uploaded: OpenAI has nothing of it."""
        return self.state in {ContentState.REMOVED, ContentState.WANTED} and not self.at_openai

    @property
    def is_under_way(self) -> bool:
        """OpenAI has a call of ours and its outcome is not known yet."""
        return self.uploading_at is not None or self.state is ContentState.ATTACHING

    @property
    def attach_answer_lost(self) -> bool:
        return self.state is ContentState.ATTACHING and not self.batch_id

    def may_be_attached(self, now: datetime) -> bool:
        return self.state is ContentState.UPLOADED and self.due <= now

    def is_paused(self, now: datetime) -> bool:
        return not self.has_ended and self.due > now

    def uploading(self, now: datetime, source: Source) -> Self:
        """Written before the call, because its answer may be lost."""
        return self._changed(now, uploading_at=now, source=source, state=ContentState.WANTED)

    def uploaded(self, now: datetime, file_id: str) -> Self:
        file = {"file_id": file_id, "uploaded_at": self.uploading_at or now}
        return self._changed(now, state=ContentState.UPLOADED, due=now, uploading_at=None, **file)

    def not_uploaded(self, now: datetime, pause: timedelta = timedelta(0)) -> Self:
        return self._changed(
            now, uploading_at=None, file_id=None, state=ContentState.WANTED, due=now + pause
        )

    def attaching(self, now: datetime, attributes_fingerprint: str) -> Self:
        return self._changed(
            now,
            attaching_at=now,
            batch_id=None,
            attributes_fingerprint=attributes_fingerprint,
            state=ContentState.ATTACHING,
            stuck_notified=False,
        )

    def attached(self, batch_id: str) -> Self:
        return self.updated(batch_id=batch_id)

    def not_attached(self, now: datetime, pause: timedelta = timedelta(0)) -> Self:
        return self._changed(now, batch_id=None, state=ContentState.UPLOADED, due=now + pause)

    def searchable(self, now: datetime, usage_bytes: int = 0) -> Self:
        cleared = {"batch_id": None, "tries": 0, "error": "", "message": ""}
        return self._changed(now, state=ContentState.SEARCHABLE, usage_bytes=usage_bytes, **cleared)

    def described(self, now: datetime, attributes_fingerprint: str) -> Self:
        return self._changed(now, attributes_fingerprint=attributes_fingerprint)

    def refused(self, now: datetime, code: str, message: str) -> Self:
        """Final if the bytes are at fault; tried again if OpenAI is."""
        tries = self.tries + 1
        error = {"error": code, "message": shorten(message), "tries": tries, "batch_id": None}
        if code in FINAL or tries >= MAX_TRIES:
            return self._changed(now, state=ContentState.FAILED, uploading_at=None, **error)
        pause = min(FIRST_PAUSE * (1 << (tries - 1)), LONGEST_PAUSE)
        return self._changed(now, state=ContentState.UPLOADED, due=now + pause, **error)

    def notified_stuck(self) -> Self:
        return self.updated(stuck_notified=True)

    def removed(self, now: datetime) -> Self:
        """Nothing of it is left at OpenAI; a failure stays remembered."""
        state = ContentState.FAILED if self.has_failed else ContentState.REMOVED
        return self._changed(now, file_id=None, uploading_at=None, batch_id=None, state=state)

    def reset(self, now: datetime) -> Self:
        cleared = {"tries": 0, "error": "", "message": ""}
        return self._changed(now, state=ContentState.WANTED, due=now, **cleared)

    def _changed(self, now: datetime, **changes: object) -> Self:
        return self.updated(changed_at=now, **changes)
