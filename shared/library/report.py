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
from shared.library.wanted import Want, is_taken, wanted
from shared.model import FrozenModel
from shared.problems import Problem
from shared.text import sanitize_json

FORMAT = "batchdrop.library/1"


class DocumentState(StrEnum):
    """What the owner of a library needs to know of a document."""

    SEARCHABLE = "searchable"
    INDEXING = "indexing"
    STUCK = "stuck"  # in progress for more than an hour
    FAILED = "failed"
    NOT_TAKEN = "not taken"  # its suffix is not among those that library.yaml takes


class DocumentReport(FrozenModel):
    document: str
    state: DocumentState
    error: str = ""
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
    reason: str
    written_at: datetime
    counts: dict[str, int]  # documents by state
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
    library: Library, view: View, counts: dict[str, int], problems: list[Problem]
) -> LibraryReport:
    return LibraryReport(
        library=library.name,
        store_id=library.store_id,
        in_sync=library.in_sync,
        reason=library.reason,
        written_at=view.now,
        counts=counts,
        settings_problems=problems,
        repaired=library.repaired,
    )


def _is_reported(document: Document) -> bool:
    """A sidecar only if something is wrong with it."""
    return not document.deleted and (bool(document.problem) or not document.is_sidecar)


def _document(view: View, document: Document, want: Want | None) -> DocumentReport:
    if want is None:
        return DocumentReport(
            document=document.name,
            state=DocumentState.FAILED if document.problem else DocumentState.NOT_TAKEN,
            error=_why_not_wanted(view, document),
            bytes=document.source.size,
        )
    content = view.contents.get(want.content) or view.failures.get(want.digest)
    state = _state(view, want, content)
    return DocumentReport(
        document=document.name,
        state=state,
        bytes=document.source.size,
        version=document.source.version,
        attributes=want.attributes,
        previous_version_answers=document.answered_by not in {"", want.content},
        **(_at_openai(content, state) if content else {}),
    )


def _at_openai(content: Content, state: DocumentState) -> Mapping[str, object]:
    return {
        "file_id": content.file_id,
        "error": f"{content.error}: {content.message}" if content.error else "",
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
    suffix = suffix_of(document.name) or "(none)"
    return f"the suffix {suffix} is not taken; taken are {' '.join(view.settings.suffixes)}"
