"""What is told of a library: each document's end, and the library's."""

from pydantic import JsonValue

from shared.aws.notifier import Notification
from shared.jobs.model import Source
from shared.library.model import Content, Document, Library
from shared.problems import Problem
from shared.text import sanitize, sanitize_lines


def searchable(document: Document, content: Content, store: str) -> Notification:
    return Notification(
        type="Document Searchable",
        about=_about(document),
        text=f"{sanitize(document.source.key)} ({document.source.size:,} bytes) is searchable in "
        f"{store}.",
        detail=_document(document) | {"store": store, "file": content.file_id},
    )


def failed(document: Document, code: str, message: str) -> Notification:
    return Notification(
        type="Document Failed",
        about=_about(document),
        text=f"{sanitize(document.source.key)} is not searchable: {sanitize(code)}: "
        f"{sanitize(message, 600)}\n"
        "It is not tried again with these bytes; drop it anew when it is mended.",
        detail=_document(document) | {"code": code, "message": sanitize(message, 600)},
    )


def stuck(document: Document, minutes: int, store: str) -> Notification:
    return Notification(
        type="Document Stuck",
        about=_about(document),
        text=f"{sanitize(document.source.key)} has been in progress in {store} for more than "
        f"{minutes} minutes. It is looked at again, and attached anew after a day.",
        detail=_document(document) | {"store": store},
    )


def homeless(source: Source) -> Notification:
    return Notification(
        type="Document Failed",
        about=f"{source.key} {source.sequencer}",
        text=f"{sanitize(source.key)} lies in no library: put it under libraries/<name>/.",
        detail={"key": source.key, "code": "no_library"},
    )


def settings_refused(library: str, problems: list[Problem]) -> Notification:
    told = "\n".join(f"{each.message} Remedy: {each.remedy}" for each in problems[:10])
    return Notification(
        type="Library Settings Refused",
        about=f"{library} {_first(problems)}",
        text=f"libraries/{sanitize(library)}/library.yaml can't be followed, and nothing is "
        f"changed until it can:\n{sanitize_lines(told)}",
        detail={"library": library, "problems": len(problems)},
    )


def repaired(library: str, found: list[str], ring: int) -> Notification:
    return Notification(
        type="Library Repaired",
        about=f"{library} {ring} {len(found)}",
        text=f"Store, ledger and folder of the library {sanitize(library)} differed. Repaired:\n"
        + sanitize_lines("\n".join(sanitize(each) for each in found[:10])),
        detail={"library": library, "repaired": len(found)},
    )


def in_sync(library: Library, counts: dict[str, int], ring: int, report: str) -> Notification:
    told = ", ".join(f"{n:,} {state}" for state, n in sorted(counts.items())) or "no documents"
    detail: dict[str, JsonValue] = {"library": library.name, "store": library.store_id or ""}
    return Notification(
        type="Library In Sync",
        about=f"{library.name} {ring}",
        text=f"The library {sanitize(library.name)} is as its folder is: {told}.\nReport: {report}",
        detail=detail | {"documents": dict(counts), "report": report},
    )


def _first(problems: list[Problem]) -> str:
    return problems[0].param or problems[0].code


def _about(document: Document) -> str:
    """The version told of: the same document told again is recognisable."""
    return f"{document.library}/{document.name} {document.source.identity}"


def _document(document: Document) -> dict[str, JsonValue]:
    return {
        "library": document.library,
        "document": document.name,
        "key": document.source.key,
        "version": document.source.version,
        "bytes": document.source.size,
    }
