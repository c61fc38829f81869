"""The states of a content: bytes of a library and what OpenAI has of them."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from shared.library.metadata import Attributes
from shared.library.model import LedgerRow, fingerprint
from shared.objects import Source
from shared.text import shorten

MAX_TRIES = 5  # to index one content, when what went wrong may pass
MAX_REMOVALS = 30  # tries to take one out: with growing pauses, more than a week
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(minutes=30)
# OpenAI's codes that blame the bytes: indexing the same bytes again changes nothing.
FINAL = frozenset({"unsupported_file", "invalid_file"})
REFUSED = "refused"  # by a call that was about this content alone: no try is left
NOT_GIVEN = "not_given"  # by S3
LEFT_OUT = "left_out"  # attached, and never listed by the store
SINGLY = "singly"  # instead of a file batch's id
LONGEST_REMOVAL_PAUSE = timedelta(hours=8)


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
    suspects: int = 0  # in the smallest refused call that it was in; 0: it is in no such call
    absences: int = 0  # times that the store did not list it, or that there was no such call
    attributes_fingerprint: str = ""  # of those it is attached with
    attributes_refused: str = ""  # why OpenAI did not take them: it keeps the ones before
    refused_removals: int = 0
    removal_due: datetime | None = None
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

    @property
    def was_at_openai(self) -> bool:
        return self.uploaded_at is not None

    @property
    def goes_singly(self) -> bool:
        """File batches leave it out, or this server has none."""
        return self.absences > 1

    def may_be_attached(self, now: datetime) -> bool:
        return self.state is ContentState.UPLOADED and self.due <= now

    def may_be_removed(self, now: datetime) -> bool:
        return self.removal_due is None or self.removal_due <= now

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
        return self.updated(batch_id=batch_id, suspects=0)

    def suspected(self, now: datetime, among: int) -> Self:
        """A call with so many was refused, and one of them is why."""
        return self.not_attached(now).model_copy(update={"suspects": among})

    def left_out(self, now: datetime, why: str) -> Self:
        """Attached in another way next time; at last it fails."""
        absences = self.absences + 1
        if absences >= MAX_TRIES:
            failed = self.model_copy(update={"tries": MAX_TRIES})
            return failed.refused(now, LEFT_OUT, f"{why} ({absences} times)")
        absent = self.model_copy(update={"absences": absences})
        return absent.not_attached(now, FIRST_PAUSE)

    def file_lost(self, now: datetime) -> Self:
        """Its File is gone at OpenAI: uploaded again, and counted."""
        absences = self.absences + 1
        if absences >= MAX_TRIES:
            failed = self.model_copy(update={"tries": MAX_TRIES, "file_id": None})
            return failed.refused(now, LEFT_OUT, f"OpenAI lost its File {absences} times")
        return self.model_copy(update={"absences": absences}).not_uploaded(now)

    def not_attached(self, now: datetime, pause: timedelta = timedelta(0)) -> Self:
        return self._changed(now, batch_id=None, state=ContentState.UPLOADED, due=now + pause)

    def searchable(
        self, now: datetime, usage_bytes: int = 0, attributes: Attributes | None = None
    ) -> Self:
        """After a lost answer with the attributes that the store lists.

        An earlier call may be the one that attached it, with the attributes it had then.
        """
        changes: dict[str, object] = {"batch_id": None, "tries": 0, "absences": 0}
        changes |= {"error": "", "message": "", "usage_bytes": usage_bytes}
        if attributes is not None:
            changes["attributes_fingerprint"] = fingerprint(attributes)
        return self._changed(now, state=ContentState.SEARCHABLE, **changes)

    def described(self, now: datetime, attributes_fingerprint: str) -> Self:
        described = {"attributes_fingerprint": attributes_fingerprint, "attributes_refused": ""}
        return self._changed(now, **described)

    def not_described(self, now: datetime, attributes_fingerprint: str, reason: str) -> Self:
        """Not asked again for the same attributes."""
        described = self.described(now, attributes_fingerprint)
        return described.model_copy(update={"attributes_refused": shorten(reason)})

    def not_readable(self, now: datetime, reason: str) -> Self:
        """S3 does not give its object: not uploaded, and tried again some times."""
        failed = self.refused(now, NOT_GIVEN, reason)
        update: dict[str, object] = {"uploading_at": None, "file_id": None}
        if not failed.has_failed:
            update["state"] = ContentState.WANTED
        return failed.model_copy(update=update)

    def refused(self, now: datetime, code: str, message: str) -> Self:
        """Final if the bytes are at fault or nothing else can be; else tried again."""
        tries = self.tries + 1
        error = {"error": code, "message": shorten(message), "tries": tries, "batch_id": None}
        if code in FINAL or code == REFUSED or tries >= MAX_TRIES:
            return self._changed(now, state=ContentState.FAILED, uploading_at=None, **error)
        pause = min(FIRST_PAUSE * (1 << (tries - 1)), LONGEST_PAUSE)
        return self._changed(now, state=ContentState.UPLOADED, due=now + pause, **error)

    def notified_stuck(self) -> Self:
        return self.updated(stuck_notified=True)

    def removed(self, now: datetime) -> Self:
        """Nothing of it is left at OpenAI; a failure stays remembered."""
        state = ContentState.FAILED if self.has_failed else ContentState.REMOVED
        none = {"file_id": None, "uploading_at": None, "batch_id": None, "uploaded_at": None}
        counts = {"refused_removals": 0, "removal_due": None}
        return self._changed(now, state=state, **none, **counts)

    def not_removed(self, now: datetime) -> Self:
        """OpenAI refuses to take it out: it may still be found. Tried again, and then no more."""
        refused = self.refused_removals + 1
        if refused >= MAX_REMOVALS:
            return self.removed(now)
        pause = min(FIRST_PAUSE * (1 << min(refused, 12)), LONGEST_REMOVAL_PAUSE)
        return self.updated(refused_removals=refused, removal_due=now + pause)

    def reset(self, now: datetime) -> Self:
        cleared = {"tries": 0, "absences": 0, "suspects": 0, "error": "", "message": ""}
        return self._changed(now, state=ContentState.WANTED, due=now, **cleared)

    def _changed(self, now: datetime, **changes: object) -> Self:
        return self.updated(changed_at=now, **changes)
