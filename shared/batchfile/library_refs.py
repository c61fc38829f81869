"""Turns a library's name in a file_search tool into the id of its vector store.

Only the ids change; every other byte of the line stays as it is.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from shared.problems import Problem
from shared.text import sanitize

PREFIX = "library:"
MARK = b'"library:'  # a line without these bytes costs nothing more

Resolve = Callable[[str], str | None]  # a library's name to its store's id; None: there is none
Fields = dict[str, msgspec.Raw]

_fields = msgspec.json.Decoder(Fields).decode
_listed = msgspec.json.Decoder(list[msgspec.Raw]).decode
_ids = msgspec.json.Decoder(list[str]).decode
_text = msgspec.json.Decoder(str).decode


class StoreNotReady(Exception):
    """The library has documents but no vector store yet: read the file again later."""

    def __init__(self, library: str) -> None:
        super().__init__(library)
        self.library = library


class Resolved(NamedTuple):
    """A line as OpenAI shall read it, and the libraries it searches."""

    line: bytes
    libraries: frozenset[str]
    problems: list[Problem]


def resolve_libraries(line: bytes, number: int, resolve: Resolve | None) -> Resolved:
    """A line that searches no library comes back as it is. Raises StoreNotReady."""
    unchanged = Resolved(line, frozenset(), [])
    if resolve is None or MARK not in line:
        return unchanged
    try:
        request = _fields(line)
        body = _fields(request["body"])
        tools = _listed(body["tools"])
    except (msgspec.DecodeError, KeyError):
        return unchanged
    stores: dict[str, str | None] = {}
    written = [_tool(each, stores, resolve) for each in tools]
    problems = [_unknown(name, number) for name, store in stores.items() if store is None]
    if not stores or problems:
        return unchanged._replace(problems=problems)
    body["tools"] = msgspec.Raw(b"[" + b",".join(map(bytes, written)) + b"]")
    request["body"] = msgspec.Raw(_joined(body))
    return Resolved(_joined(request), frozenset(stores), [])


def _tool(raw: msgspec.Raw, stores: dict[str, str | None], resolve: Resolve) -> msgspec.Raw:
    """The tool with stores where it names libraries; adds each library to `stores`."""
    try:
        tool = _fields(raw)
        ids = _ids(tool["vector_store_ids"]) if _text(tool["type"]) == "file_search" else []
    except (msgspec.DecodeError, KeyError):
        return raw  # OpenAI says what is wrong with it
    names = [each.removeprefix(PREFIX) for each in ids if each.startswith(PREFIX)]
    if not names:
        return raw
    stores.update({name: resolve(name) for name in names})
    tool["vector_store_ids"] = msgspec.Raw(msgspec.json.encode([_id(each, stores) for each in ids]))
    return msgspec.Raw(_joined(tool))


def _id(text: str, stores: Mapping[str, str | None]) -> str:
    return (stores[text.removeprefix(PREFIX)] or text) if text.startswith(PREFIX) else text


def _joined(fields: Fields) -> bytes:
    return msgspec.json.encode(fields)


def _unknown(name: str, number: int) -> Problem:
    shown = sanitize(name, 80)
    return Problem(
        line=number,
        code="unknown_library",
        param="body.tools.vector_store_ids",
        message=f"There is no library {shown!r}: there is nothing under libraries/{shown}/.",
        remedy="write library:<name> of a folder under libraries/ in the inbox bucket, or drop "
        "its documents first",
    )
