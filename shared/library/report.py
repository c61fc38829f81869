"""report.json of a library: every document, and what became of it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime

from shared.library.metadata import Attributes
from shared.library.model import Content, ContentState, Document, Library
from shared.library.paths import suffix_of
from shared.library.plan import View, Want, has_ended, is_taken, wanted
from shared.model import FrozenModel
from shared.problems import Problem
from shared.text import sanitize_json

FORMAT = "batchdrop.library/1"


class DocumentReport(FrozenModel):
    """One document; `state` is a word for its owner."""

    document: str
    state: str  # searchable, indexing, failed, not taken
    error: str = ""
    bytes: int = 0
    version: str | None = None
    file_id: str | None = None
    attributes: Attributes = {}
    searchable_at: datetime | None = None
    previous_answers: bool = False  # its last version, until this one can


class LibraryReport(FrozenModel):
    """The head of the report; the documents follow it, one a line."""

    format: str = FORMAT
    library: str
    store_id: str | None
    in_sync: bool
    reason: str
    at: datetime
    documents: dict[str, int]
    settings_problems: list[Problem] = []
    repaired: list[str] = []


def documents(view: View) -> list[DocumentReport]:
    """By name; what is gone from the folder is not in it."""
    wants = wanted(view.settings, view.documents.values())
    of = {each.name: want for want in wants.values() for each in want.documents}
    present = (view.documents[name] for name in sorted(view.documents))
    return [_document(view, each, of) for each in present if not _is_beside(each)]


def counted(found: list[DocumentReport]) -> dict[str, int]:
    return dict(Counter(each.state for each in found))


def written(head: LibraryReport, found: list[DocumentReport]) -> Iterator[bytes]:
    """JSON, a line for each document, as a stream."""
    yield sanitize_json(head.model_dump_json(exclude_none=True))[:-1] + b',"of":['
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
        at=view.now,
        documents=counts,
        settings_problems=problems,
        repaired=library.repaired,
    )


def _is_beside(document: Document) -> bool:
    """A sidecar is told of only where something is wrong with it."""
    return document.gone or (document.is_sidecar and not document.problem)


def _document(view: View, document: Document, of: Mapping[str, Want]) -> DocumentReport:
    want = of.get(document.name)
    facts = {"document": document.name, "bytes": document.source.size}
    if want is None:
        state = "failed" if document.problem else "not taken"
        return DocumentReport.model_validate(
            facts | {"state": state, "error": _why_not(view, document)}
        )
    content = view.contents.get(want.content) or view.failures.get(want.digest)
    state = _state(view, want, content)
    return DocumentReport(
        document=document.name,
        state=state,
        error=f"{content.error}: {content.message}" if content and content.error else "",
        bytes=document.source.size,
        version=document.source.version,
        file_id=content.file_id if content else None,
        attributes=want.attributes,
        searchable_at=content.at if content and state == "searchable" else None,
        previous_answers=bool(document.serves) and document.serves != want.content,
    )


def _state(view: View, want: Want, content: Content | None) -> str:
    if content is None or not has_ended(view, want):
        return "stuck" if content and content.stuck_told else "indexing"
    return "searchable" if content.state is ContentState.SEARCHABLE else "failed"


def _why_not(view: View, document: Document) -> str:
    if document.problem or is_taken(view.settings, document):
        return document.problem
    taken = " ".join(view.settings.suffixes)
    return f"the suffix {suffix_of(document.name) or '(none)'} is not taken; taken are {taken}"
