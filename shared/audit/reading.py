"""Reads what the audit endpoint, or a file of its answers, holds: as much as can be read of it.

Bodies were seen with several JSON documents one after the other and with trailing commas (the
official example has one). What cannot be read is reported, never dropped in silence.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from shared.audit.events import AuditLog, Unreadable, read_event
from shared.nesting import TOO_DEEP, is_too_deep

# A comma with only white space before its closing bracket, outside of strings.
_STRING_OR_TRAILING_COMMA = re.compile(r'"(?:[^"\\]|\\.)*"|,(?=\s*[\]}])')
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{},:]', re.DOTALL)
_OPENING, _CLOSING = (b"[", b"{"), (b"]", b"}")
# The list is the answer's own where only plain fields stand before it, as OpenAI writes it.
_DATA = re.compile(rb'\A\s*\{(?:\s*"[^"\\]*"\s*:\s*[^\[{,]*,)*?\s*"data"\s*:\s*\[')
_WHITE_SPACE = re.compile(r"\s*")
_decoder = json.JSONDecoder(strict=False)


class Page(NamedTuple):
    """One answer of the list endpoint."""

    events: tuple[AuditLog, ...]
    unreadable: tuple[bytes, ...]  # entries that are no events: kept raw all the same
    has_more: bool
    last_id: str | None


class _List(msgspec.Struct):
    """An answer in the form that is documented, its entries as they came."""

    data: list[msgspec.Raw]
    has_more: bool | None = None
    last_id: str | None = None


def read_page(body: bytes) -> Page:
    """Raises ValueError where not even the outline of a list can be made out."""
    answers = _answers(body)
    events: list[AuditLog] = []
    unreadable: list[bytes] = []
    for entry in (one_line(bytes(entry)) for answer in answers for entry in answer.data):
        try:
            events.append(read_event(entry))
        except Unreadable:
            unreadable.append(entry)
    last = next((answer.last_id for answer in reversed(answers) if answer.last_id), None)
    more = any(answer.has_more for answer in answers)
    return Page(tuple(events), tuple(unreadable), more, last or (events[-1].id if events else None))


def entries(text: str) -> Iterator[bytes]:
    """The raw events in a text of events, of list answers, or of arrays of either.

    Raises ValueError at the first thing that is not JSON, after what came before it.
    """
    for document in documents(text):
        yield from _entries_of(document)


def documents(text: str) -> Iterator[Any]:
    """The JSON documents in a text, one after the other, trailing commas forgiven.

    Raises ValueError at once where one is nested too deeply, else at the first that is no JSON.
    """
    if is_too_deep(text.encode(errors="replace")):
        raise ValueError(TOO_DEEP)
    text = text.removeprefix("\ufeff")
    at = _after_white_space(text, 0)
    while at < len(text):
        try:
            document, at = _decoder.raw_decode(text, at)
        except json.JSONDecodeError:
            forgiven = _without_trailing_commas(text[at:])
            if forgiven == text[at:]:
                raise
            yield from documents(forgiven)
            return
        yield document
        at = _after_white_space(text, at)


def one_line(raw: bytes) -> bytes:
    """JSON on one line, for a file of lines."""
    if b"\n" not in raw and b"\r" not in raw:
        return raw
    return msgspec.json.format(raw, indent=-1)


def _answers(body: bytes) -> list[_List]:
    if is_too_deep(body):
        return [_shallow(body)]
    try:
        return [msgspec.json.decode(body, type=_List)]
    except (msgspec.MsgspecError, UnicodeDecodeError):
        text = body.decode(errors="replace")
    answers = [_answer(document) for document in documents(text)]
    if not answers:
        raise ValueError("the answer is empty")
    return answers


def _shallow(body: bytes) -> _List:
    """An answer of which an entry is nested too deeply: the others can be read all the same."""
    start, end, entries_ = _cut_data(body)
    outline = body[:start] + b"[]" + body[end:]
    if is_too_deep(outline):
        raise ValueError(TOO_DEEP)
    (answer,) = _answers(outline)
    return _List([msgspec.Raw(each) for each in entries_], answer.has_more, answer.last_id)


def _cut_data(body: bytes) -> tuple[int, int, list[bytes]]:
    """Where the list `data` begins and ends, and its entries, without reading what they hold."""
    begun = _DATA.search(body)
    if begun is None:
        raise ValueError(TOO_DEEP)
    start = begun.end() - 1
    depth, begin, found = 0, start, list[bytes]()
    for token in _TOKEN.finditer(body, start):
        sign = token[0]
        depth += (sign in _OPENING) - (sign in _CLOSING)
        is_between = sign == b"," and depth == 1
        if is_between or depth == 0:
            found.append(body[begin + 1 : token.start()].strip())
            begin = token.start()
        if depth == 0:
            return start, token.end(), [each for each in found if each]
    raise ValueError(TOO_DEEP)


def _answer(document: Any) -> _List:
    if not isinstance(document, dict) or not _is_list(document):
        raise ValueError("the answer is not a list of audit events")
    data = [msgspec.Raw(_encoded(entry)) for entry in document.get("data") or ()]
    last = document.get("last_id")
    more = str(document.get("has_more")).lower() == "true"
    return _List(data, more, last if isinstance(last, str) else None)


def _is_list(document: dict[str, Any]) -> bool:
    """An empty one may be null, or missing where the rest says that it is a list."""
    data = document.get("data")
    if data is None:
        return "error" not in document and ("has_more" in document or "data" in document)
    return isinstance(data, list)


def _entries_of(document: Any) -> Iterator[bytes]:
    if isinstance(document, list):
        for each in document:
            yield from _entries_of(each)
    elif isinstance(document, dict) and isinstance(document.get("data"), list):
        yield from map(_encoded, document["data"])
    else:
        yield _encoded(document)


def _encoded(entry: Any) -> bytes:
    return json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def _without_trailing_commas(text: str) -> str:
    return _STRING_OR_TRAILING_COMMA.sub(lambda m: "" if m[0] == "," else m[0], text)


def _after_white_space(text: str, at: int) -> int:
    matched = _WHITE_SPACE.match(text, at)
    return matched.end() if matched else at
