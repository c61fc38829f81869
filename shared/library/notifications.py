"""What is published about a library: the outcome of each document, and of the library."""

from shared.aws.notifier import Notification
from shared.library.content import FINAL, Content
from shared.library.details import (
    DocumentFailed,
    DocumentMisplaced,
    DocumentNotRemoved,
    DocumentSearchable,
    DocumentStuck,
    LibraryInSync,
    LibraryRepaired,
    LibrarySettingsRefused,
    LibraryWaiting,
    of_document,
)
from shared.library.model import Document, Library
from shared.objects import Source
from shared.problems import Problem
from shared.text import sanitize, sanitize_lines


def searchable(document: Document, content: Content, store: str) -> Notification:
    return Notification(
        type="Document Searchable",
        about=_about(document),
        text=f"{sanitize(document.source.key)} ({document.source.size:,} bytes) is searchable in "
        f"{store}.",
        detail=DocumentSearchable(
            **of_document(document), store=store, file=content.file_id
        ).fields(),
    )


def failed(document: Document, code: str, message: str) -> Notification:
    return Notification(
        type="Document Failed",
        about=_about(document),
        text=f"{sanitize(document.source.key)} is not searchable: {sanitize(code)}: "
        f"{sanitize(message, 600)}\n"
        f"{_remedy(code)}",
        detail=DocumentFailed(
            **of_document(document), code=code, message=sanitize(message, 600)
        ).fields(),
    )


def not_given(document: Document) -> Notification:
    kept = "The version before it goes on answering. " if document.digest else ""
    return Notification(
        type="Document Failed",
        about=_about(document),
        text=f"{sanitize(document.source.key)} is not searchable: S3 does not give it: "
        f"{sanitize(document.not_given, 600)}\n{kept}The other documents are not held up.",
        detail=DocumentFailed(
            **of_document(document), code="not_given", message=document.not_given
        ).fields(),
    )


def not_described(document: Document, reason: str) -> Notification:
    return Notification(
        type="Document Failed",
        about=_about(document),
        text=f"OpenAI does not take the attributes of {sanitize(document.source.key)}: "
        f"{sanitize(reason, 600)}\nIt is searchable, with the attributes that it had before.",
        detail=DocumentFailed(
            **of_document(document), code="attributes_refused", message=sanitize(reason, 600)
        ).fields(),
    )


def not_removed(name: str, library: str, reason: str) -> Notification:
    return Notification(
        type="Document Failed",
        about=f"{library}/{name} not removed",
        text=f"OpenAI does not let {sanitize(name)} of the library {sanitize(library)} be taken "
        f"out, so that it may still be found: {sanitize(reason, 600)}\n"
        "It is tried again, for more than a week.",
        detail=DocumentNotRemoved(library=library, document=name, code="not_removed").fields(),
    )


def stuck(document: Document, minutes: int, store: str) -> Notification:
    return Notification(
        type="Document Stuck",
        about=_about(document),
        text=f"{sanitize(document.source.key)} has been in progress in {store} for more than "
        f"{minutes} minutes. It is checked every minute, and attached again after a day.",
        detail=DocumentStuck(**of_document(document), store=store).fields(),
    )


def outside_any_library(source: Source) -> Notification:
    return Notification(
        type="Document Failed",
        about=f"{source.key} {source.sequencer}",
        text=f"{sanitize(source.key)} is in no library: put it under libraries/<name>/.",
        detail=DocumentMisplaced(key=source.key, code="no_library").fields(),
    )


def settings_refused(library: str, problems: list[Problem]) -> Notification:
    shown = "\n".join(f"{each.message} Remedy: {each.remedy}" for each in problems[:10])
    return Notification(
        type="Library Settings Refused",
        about=f"{library} {_first(problems)}",
        text=f"libraries/{sanitize(library)}/library.yaml is not valid, and nothing is changed "
        f"until it is:\n{sanitize_lines(shown)}",
        detail=LibrarySettingsRefused(library=library, problems=len(problems)).fields(),
    )


def waiting(library: Library, reason: str, marks: int) -> Notification:
    """Once each time that it waits: a person is needed, or it has lasted for long."""
    return Notification(
        type="Library Waiting",
        about=f"{library.name} {marks} {library.rev}",
        text=f"The library {sanitize(library.name)} cannot be brought up to date: "
        f"{sanitize(reason, 800)}\nIt is tried again by itself; what is searchable stays so.",
        detail=LibraryWaiting(library=library.name, reason=sanitize(reason, 800)).fields(),
    )


def repaired(library: str, repairs: list[str], marks: int) -> Notification:
    return Notification(
        type="Library Repaired",
        about=f"{library} {marks} {len(repairs)}",
        text=f"Store, ledger and folder of the library {sanitize(library)} differed. Repaired:\n"
        + sanitize_lines("\n".join(sanitize(each) for each in repairs[:10])),
        detail=LibraryRepaired(library=library, repaired=len(repairs)).fields(),
    )


def in_sync(library: Library, counts: dict[str, int], marks: int, report: str) -> Notification:
    shown = ", ".join(f"{n:,} {state}" for state, n in sorted(counts.items())) or "no documents"
    return Notification(
        type="Library In Sync",
        about=f"{library.name} {marks}",
        text=f"The store of the library {sanitize(library.name)} matches its folder: {shown}.\n"
        f"Report: {report}",
        detail=LibraryInSync(
            library=library.name,
            store=library.store_id or "",
            documents=dict(counts),
            report=report,
        ).fields(),
    )


def _remedy(code: str) -> str:
    if code in FINAL:
        return "These bytes are not tried again. Correct the document and drop it again."
    return "When the cause is gone, drop the document again."


def _first(problems: list[Problem]) -> str:
    return problems[0].param or problems[0].code


def _about(document: Document) -> str:
    """The version: a second notification about it is recognisable."""
    return f"{document.library}/{document.name} {document.newest_version}"
