"""The page that shows how a library is: what answers, what does not, and what to do about it."""

from collections.abc import Iterator, Sequence

from shared.library.paths import folder
from shared.library.report import DocumentReport, DocumentState, LibraryReport
from shared.report.format import moment, number, size
from shared.report.markup import (
    Html,
    el,
    fact_list,
    heading,
    joined,
    page,
    section,
    table,
    tile,
)
from shared.report.problem_table import more, problem_table

DOCUMENTS, FAILED, REPAIRS = 200, 50, 20  # shown; report.json beside the page has all
GOOD = DocumentState.SEARCHABLE
BAD = (DocumentState.FAILED, DocumentState.NOT_GIVEN, DocumentState.STUCK)
ORDER = (*BAD, DocumentState.INDEXING, DocumentState.NOT_TAKEN, GOOD)


def library_page(head: LibraryReport, documents: Sequence[DocumentReport]) -> bytes:
    """Its size does not depend on the number of documents."""
    bad = [each for each in documents if each.error and each.state is not DocumentState.NOT_TAKEN]
    return page(
        f"{head.library}: {_state(head)}",
        _head(head),
        _tiles(head, documents),
        section("Settings", problem_table(head.settings_problems))
        if head.settings_problems
        else None,
        section("What to do", *_failures(bad)) if bad else None,
        section("Documents", *_documents(documents)),
        section("Passed over", *_passed_over(head)) if head.passed_over else None,
        section("Repaired", *_repaired(head)) if head.repaired else None,
        section("About this library", _about(head)),
    )


def _state(head: LibraryReport) -> str:
    if head.settings_problems:
        return "settings refused"
    if head.in_sync:
        return "in sync"
    return "waiting" if head.reason else "indexing"


def _head(head: LibraryReport) -> Html:
    state = _state(head)
    badge = el("span", state, class_=f"badge {state.replace(' ', '_')}")
    reason = el("p", head.reason, class_="reason") if head.reason else None
    notes = [el("p", each, class_="note") for each in head.notes]
    name = heading(folder(head.library).removesuffix("/"))
    return el("header", el("p", badge, " Batchdrop library"), name, reason, *notes)


def _tiles(head: LibraryReport, documents: Sequence[DocumentReport]) -> Html:
    counts = head.counts
    bad = sum(counts.get(each, 0) for each in BAD)
    searchable = f"{number(counts.get(GOOD, 0))} of {number(len(documents))}"
    old = sum(each.previous_version_answers for each in documents)
    since = head.in_sync_since if head.in_sync else head.waiting_since
    return el(
        "dl",
        tile("Searchable", searchable, "documents"),
        tile("Need somebody", number(bad), "failed, not given by S3, or stuck"),
        tile(
            "Being indexed",
            number(counts.get(DocumentState.INDEXING, 0)),
            f"for {number(old)} the version before answers",
        ),
        tile(_state(head).capitalize(), "since" if since else "–", moment(since) if since else ""),
        class_="tiles",
    )


def _failures(bad: list[DocumentReport]) -> Iterator[Html | None]:
    rows = [
        (each.document, each.state, each.error, each.remedy or "–")
        for each in _sorted(bad)[:FAILED]
    ]
    yield table(("Document", "State", "What is wrong", "What to do"), rows)
    yield more(len(bad), FAILED)


def _documents(documents: Sequence[DocumentReport]) -> Iterator[Html | None]:
    """Those that need somebody come first."""
    if not documents:
        yield el("p", "There are none.")
        return
    rows = [_document(each) for each in _sorted(documents)[:DOCUMENTS]]
    yield table(("Document", "State", "#Size", "Attributes", "File at OpenAI"), rows)
    yield more(len(documents), DOCUMENTS)


def _document(each: DocumentReport) -> tuple[object, ...]:
    attributes = ", ".join(f"{name}: {value}" for name, value in each.attributes.items())
    old = el("small", "the version before answers") if each.previous_version_answers else None
    return (
        each.document,
        joined((each.state, " ", old)),
        size(each.bytes),
        attributes or "–",
        el("code", each.file_id) if each.file_id else "–",
    )


def _sorted(documents: Sequence[DocumentReport]) -> list[DocumentReport]:
    return sorted(documents, key=lambda each: (ORDER.index(each.state), each.document))


def _passed_over(head: LibraryReport) -> Iterator[Html]:
    yield el("p", f"{number(head.passed_over)} lock files and files of systems, such as:")
    yield el("ul", *(el("li", el("code", each)) for each in head.passed_over_names), class_="files")


def _repaired(head: LibraryReport) -> Iterator[Html]:
    yield el("ul", *(el("li", each) for each in reversed(head.repaired[-REPAIRS:])), class_="files")


def _about(head: LibraryReport) -> Html:
    facts: list[tuple[str, object]] = [
        ("Vector store", el("code", head.store_id) if head.store_id else "none yet"),
        ("Asked as", el("code", f"library:{head.library}")),
        ("Written", moment(head.written_at)),
        ("Machine-readable", el("a", "report.json", href="report.json")),
    ]
    return fact_list(facts)
