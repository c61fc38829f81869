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
    stores: dict[str, str | None] = {}

    def store_of(id_: str) -> str:
        if not id_.startswith(PREFIX):
            return id_
        name = id_.removeprefix(PREFIX)
        stores[name] = resolve(name)
        return stores[name] or id_

    written = _with_ids(line, store_of)
    problems = [_unknown(name, number) for name, store in stores.items() if store is None]
    if not stores or problems:
        return unchanged._replace(problems=problems)
    return Resolved(written, frozenset(stores), [])


def with_other_stores(line: bytes, others: Mapping[str, str]) -> bytes:
    """A line that was resolved before, with these stores instead of those that they replace."""
    return _with_ids(line, lambda id_: others.get(id_, id_))


def _with_ids(line: bytes, written: Callable[[str], str]) -> bytes:
    """The line with other ids in its file_search tools; what has none comes back as it is."""
    try:
        request = _fields(line)
        body = _fields(request["body"])
        tools = _listed(body["tools"])
    except (msgspec.DecodeError, KeyError):
        return line
    changed = [_tool(each, written) for each in tools]
    if changed == tools:
        return line
    body["tools"] = msgspec.Raw(b"[" + b",".join(map(bytes, changed)) + b"]")
    request["body"] = msgspec.Raw(_joined(body))
    return _joined(request)


def _tool(raw: msgspec.Raw, written: Callable[[str], str]) -> msgspec.Raw:
    try:
        tool = _fields(raw)
        ids = _ids(tool["vector_store_ids"]) if _text(tool["type"]) == "file_search" else []
    except (msgspec.DecodeError, KeyError):
        return raw  # OpenAI says what is wrong with it
    changed = [written(each) for each in ids]
    if changed == ids:
        return raw
    tool["vector_store_ids"] = msgspec.Raw(msgspec.json.encode(changed))
    return msgspec.Raw(_joined(tool))


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
