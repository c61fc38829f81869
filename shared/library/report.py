"""report.json of a library: every document and its state."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum

from shared.library.content import Content
from shared.library.metadata import Attributes
from shared.library.model import Document, Library
from shared.library.paths import suffix_of
from shared.library.plan import View, has_ended
from shared.library.settings import FILE, may_be_meant, not_read
from shared.library.wanted import Want, is_taken, wanted
from shared.model import FrozenModel
from shared.problems import Problem
from shared.text import sanitize_json

FORMAT = "batchdrop.library/1"
SHOWN_NAMES = 20
RETAINS_STILL = (
    "library.yaml is gone, and `on_delete: retain`, its last word, still counts: to let deleted "
    "documents go, write a library.yaml with `on_delete: delete`"
)
DROP_AGAIN = "correct the document and drop it again; these bytes are not tried again"
TRY_AGAIN = "when the cause is gone, drop it again"


class DocumentState(StrEnum):
    """What the owner of a library needs to know of a document."""

    SEARCHABLE = "searchable"
    INDEXING = "indexing"
    STUCK = "stuck"  # in progress for more than an hour
    FAILED = "failed"
    NOT_TAKEN = "not taken"  # its suffix is not among those that library.yaml takes
    NOT_GIVEN = "not given"  # by S3


class DocumentReport(FrozenModel):
    document: str
    state: DocumentState
    error: str = ""
    remedy: str = ""
    bytes: int = 0
    version: str | None = None
    file_id: str | None = None
    attributes: Attributes = {}
    searchable_at: datetime | None = None
    previous_version_answers: bool = False  # until this one can


class LibraryReport(FrozenModel):
    """The head of the report; the documents follow it, one a line."""

    format: str = FORMAT
    library: str
    store_id: str | None
    in_sync: bool
    in_sync_since: datetime | None = None
    reason: str
    waiting_since: datetime | None = None
    written_at: datetime
    counts: dict[str, int]  # documents by state
    passed_over: int = 0  # lock files and files of systems
    passed_over_names: list[str] = []  # the first of them
    notes: list[str] = []
    settings_problems: list[Problem] = []
    repaired: list[str] = []


def documents(view: View) -> list[DocumentReport]:
    """By name; what was deleted from the folder is left out."""
    wants = wanted(view.settings, view.documents.values())
    by_name = {each.name: want for want in wants.values() for each in want.documents}
    present = (view.documents[name] for name in sorted(view.documents))
    return [_document(view, each, by_name.get(each.name)) for each in present if _is_reported(each)]


def counted(found: list[DocumentReport]) -> dict[str, int]:
    return dict(Counter(each.state.value for each in found))


def written(head: LibraryReport, found: list[DocumentReport]) -> Iterator[bytes]:
    """JSON, a line for each document, as a stream."""
    yield sanitize_json(head.model_dump_json(exclude_none=True))[:-1] + b',"documents":['
    for place, each in enumerate(found):
        comma = b"," if place else b""
        yield comma + b"\n" + sanitize_json(each.model_dump_json(exclude_none=True))
    yield b"\n]}\n"


def head(
    library: Library,
    view: View,
    counts: dict[str, int],
    problems: list[Problem],
    has_settings: bool = True,
) -> LibraryReport:
    passed_over = sorted(
        each.name for each in view.documents.values() if each.is_passed_over and not each.deleted
    )
    kept = not has_settings and view.settings.on_delete == "retain"
    return LibraryReport(
        library=library.name,
        store_id=library.store_id,
        in_sync=library.in_sync,
        in_sync_since=library.in_sync_since,
        reason=library.reason,
        waiting_since=library.waiting_since,
        passed_over=len(passed_over),
        passed_over_names=passed_over[:SHOWN_NAMES],
        notes=[RETAINS_STILL] if kept else [],
        written_at=view.now,
        counts=counts,
        settings_problems=problems,
        repaired=library.repaired,
    )


def _is_reported(document: Document) -> bool:
    """A sidecar only if something is wrong with it."""
    if document.deleted or document.is_passed_over:
        return False
    return bool(document.problem) or document.is_unread or not document.is_sidecar


def _document(view: View, document: Document, want: Want | None) -> DocumentReport:
    if want is None:
        return _not_wanted(view, document)
    content = view.contents.get(want.content) or view.failures.get(want.digest)
    state = _state(view, want, content)
    found = DocumentReport(
        document=document.name,
        state=state,
        bytes=document.source.size,
        version=document.source.version,
        attributes=want.attributes,
        previous_version_answers=document.answered_by not in {"", want.content},
        **(_at_openai(content, state) if content else {}),
    )
    return found.model_copy(update=_not_given(document, state)) if document.is_unread else found


def _not_wanted(view: View, document: Document) -> DocumentReport:
    state = DocumentState.FAILED if document.problem else DocumentState.NOT_TAKEN
    return DocumentReport(
        document=document.name,
        state=DocumentState.NOT_GIVEN if document.is_unread else state,
        error=document.not_given or _why_not_wanted(view, document),
        bytes=document.source.size,
    )


def _not_given(document: Document, state: DocumentState) -> Mapping[str, object]:
    return {
        "state": DocumentState.NOT_GIVEN,
        "error": document.not_given,
        "previous_version_answers": state is DocumentState.SEARCHABLE,
    }


def _at_openai(content: Content, state: DocumentState) -> Mapping[str, object]:
    remedy = DROP_AGAIN if content.failed_for_good else TRY_AGAIN if content.has_failed else ""
    refused = content.attributes_refused
    if refused:
        refused, remedy = f"attributes_refused: {refused}", "correct its sidecar"
    return {
        "file_id": content.file_id,
        "error": f"{content.error}: {content.message}" if content.error else refused,
        "remedy": remedy,
        "searchable_at": content.changed_at if state is DocumentState.SEARCHABLE else None,
    }


def _state(view: View, want: Want, content: Content | None) -> DocumentState:
    if content is None:
        return DocumentState.INDEXING
    if not has_ended(view, want):
        return DocumentState.STUCK if content.stuck_notified else DocumentState.INDEXING
    return DocumentState.SEARCHABLE if content.is_searchable else DocumentState.FAILED


def _why_not_wanted(view: View, document: Document) -> str:
    if document.problem or is_taken(view.settings, document):
        return document.problem
    if may_be_meant(document.name.rpartition("/")[2]) or document.name.endswith("/" + FILE):
        return not_read(document.name)
    suffix = suffix_of(document.name) or "(none)"
    return f"the suffix {suffix} is not taken; taken are {' '.join(view.settings.suffixes)}"
