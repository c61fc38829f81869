"""Names everything that is wrong with a line, or with a file that can't be split, for its owner.

Codes and messages are OpenAI's own where we have seen them; the remedy is ours.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from shared.batchfile.lines import MAX_LINE_BYTES, TOO_LONG, misencoded_at
from shared.batchfile.schema import (
    ASKED,
    INSTEAD_OF_INPUT,
    MAX_MODEL,
    RESPONSES,
    UNDECODABLE,
    Limits,
    decode,
)
from shared.nesting import TOO_DEEP, is_too_deep
from shared.problems import Problem
from shared.text import shorten


class _AnyBody(msgspec.Struct):
    """A body's fields, left undecoded: an image or a million messages may be in it."""

    model: msgspec.Raw = msgspec.Raw(b"null")
    stream: msgspec.Raw = msgspec.Raw(b"null")
    messages: msgspec.Raw = msgspec.Raw(b"null")
    input: msgspec.Raw = msgspec.Raw(b"null")
    prompt: msgspec.Raw = msgspec.Raw(b"null")
    previous_response_id: msgspec.Raw = msgspec.Raw(b"null")
    conversation: msgspec.Raw = msgspec.Raw(b"null")


class _AnyRequest(msgspec.Struct):
    custom_id: msgspec.Raw = msgspec.Raw(b"null")
    method: msgspec.Raw = msgspec.Raw(b"null")
    url: msgspec.Raw = msgspec.Raw(b"null")
    body: msgspec.Raw = msgspec.Raw(b"null")


_decode_any_request = msgspec.json.Decoder(_AnyRequest).decode
_decode_any_body = msgspec.json.Decoder(_AnyBody).decode
_listed = msgspec.json.Decoder(list[msgspec.Raw]).decode
SMALL, LARGE = ("model", "stream"), ("messages", "input", "prompt", *INSTEAD_OF_INPUT[1:])
# A value by its first byte; all else is a number.
OUTLINES: dict[bytes, object] = {
    b"{": {},
    b"[": [],
    b'"': "",
    b"t": True,
    b"f": False,
    b"n": None,
}
LONE_SURROGATE = re.compile(rb"\\u[dD][89abAB]..(?!\\u[dD][c-fC-F])")


def problems_of(line: bytes, number: int, limits: Limits) -> list[Problem]:
    """Everything that is wrong with one line on its own; empty for a good line."""
    parsed = _parsed(line, number)
    if isinstance(parsed, Problem):
        return [parsed]
    return list(_wrong(parsed, number, limits)) or list(_ambiguous(line, number))


def duplicate(number: int, first: int) -> Problem:
    return Problem(
        line=number,
        code="duplicate_custom_id",
        param="custom_id",
        message="The custom_id for this request is a duplicate of another request. The custom_id "
        "parameter must be unique for each request in a batch.",
        remedy=f"line {first} has it already: give each line its own",
    )


def too_large(number: int, what: str, have: int, limit: int) -> Problem:
    """One request that fits no part, however the file is split."""
    return Problem(
        line=number,
        code="request_too_large",
        message=f"This request alone has {have:,} {what}; a batch may have {limit:,}.",
        remedy="make the request smaller, or split it into several",
    )


def _parsed(line: bytes, number: int) -> dict[str, object] | Problem:
    """The fields that matter, as outlines: large values are not decoded."""
    if line is TOO_LONG:
        return _too_long(number)
    if (at := misencoded_at(line)) is not None:
        return _misencoded(number, at, line[at])
    try:
        request = _decode_any_request(line)
    except msgspec.ValidationError:
        kind = _kind(OUTLINES.get(line.lstrip()[:1], 0))
        return _unparseable(number, f"it holds {kind}, not an object")
    except UNDECODABLE as error:
        return _unparseable(number, _why(line, error))
    if is_too_deep(line):
        return _unparseable(number, f"it is {TOO_DEEP}")
    fields = {name: _outline(getattr(request, name)) for name in _AnyRequest.__struct_fields__}
    if isinstance(fields["body"], dict):
        body = _decode_any_body(request.body)
        fields["body"] = {name: _outline(getattr(body, name)) for name in SMALL}
        fields["body"] |= {name: _content(getattr(body, name)) for name in LARGE}
    return fields


def _why(line: bytes, error: Exception) -> str:
    if is_too_deep(line):
        return f"it is {TOO_DEEP}"
    return "half a surrogate pair stands alone" if LONE_SURROGATE.search(line) else str(error)


def _outline(raw: msgspec.Raw) -> object:
    """The value of a text, a boolean or null; of anything else only its type."""
    first = memoryview(raw)[:1].tobytes()
    return msgspec.json.decode(raw) if first == b'"' else OUTLINES.get(first, 0)


def _content(raw: msgspec.Raw) -> object:
    """What the value is: of an array the outline of its first element, of a text only its type."""
    first = memoryview(raw)[:1].tobytes()
    if first == b"[":
        return [OUTLINES.get(bytes(each)[:1], 0) for each in _listed(raw)[:1]]
    return OUTLINES.get(first, 0)


def _too_long(number: int) -> Problem:
    return Problem(
        line=number,
        code="request_too_large",
        message=f"This line has more than {MAX_LINE_BYTES:,} bytes.",
        remedy="make the request smaller, or split it into several",
    )


def _misencoded(number: int, at: int, byte: int) -> Problem:
    return Problem(
        line=number,
        code="invalid_encoding",
        message=f"This line is not valid UTF-8: byte {at + 1:,} is 0x{byte:02x}.",
        remedy="save the file as UTF-8 without a byte order mark",
    )


def _unparseable(number: int, why: str) -> Problem:
    return Problem(
        line=number,
        code="invalid_json_line",
        message="This line is not parseable as valid JSON.",
        remedy=f"{why}: write one JSON object on the line",
    )


def _ambiguous(line: bytes, number: int) -> Iterator[Problem]:
    """Where a key occurs twice, the last value counts, but the others must have its type."""
    try:
        decode(line)
    except UNDECODABLE as error:
        yield Problem(
            line=number,
            code="duplicate_key",
            message="A key occurs more than once on this line, with values of different types.",
            remedy=f"{error}: write each key once",
        )


def _wrong(request: dict[str, object], number: int, limits: Limits) -> Iterator[Problem]:
    yield from _wrong_custom_id(request["custom_id"], number)
    yield from _wrong_method(request["method"], number)
    yield from _wrong_url(request["url"], number, limits)
    body = request["body"]
    if body is None:
        yield _missing(number, "body", "write the request's parameters as an object")
    elif isinstance(body, dict):
        yield from _wrong_body(body, number)
        yield from _wrong_question(str(request["url"]), body, number)
    else:
        yield _wrong_type(number, "body", "an object", body)


def _wrong_custom_id(custom_id: object, number: int) -> Iterator[Problem]:
    if custom_id is None:
        yield _missing(number, "custom_id", "give each line its own text, such as an id")
    elif not isinstance(custom_id, str):
        yield _wrong_type(number, "custom_id", "a string", custom_id)
    elif not custom_id:
        yield _invalid(number, "custom_id", "it is empty", "give each line its own text")


def _wrong_method(method: object, number: int) -> Iterator[Problem]:
    if method is None:
        yield _missing(number, "method", 'write "method": "POST"')
    elif not isinstance(method, str):
        yield _wrong_type(number, "method", "a string", method)
    elif method != "POST":
        yield _invalid(number, "method", f"{_shown(method)} is not POST", 'write "method": "POST"')


def _wrong_url(url: object, number: int, limits: Limits) -> Iterator[Problem]:
    if url is None:
        yield _missing(number, "url", _one_of(limits.endpoints))
    elif not isinstance(url, str):
        yield _wrong_type(number, "url", "a string", url)
    elif url not in limits.endpoints:
        yield Problem(
            line=number,
            code="invalid_url",
            param="url",
            message=f"{_shown(url)} is not an endpoint of the Batch API.",
            remedy=_one_of(limits.endpoints),
        )


def _one_of(endpoints: frozenset[str]) -> str:
    return "write one of: " + ", ".join(sorted(endpoints))


def _wrong_body(body: dict[str, Any], number: int) -> Iterator[Problem]:
    model = body.get("model")
    if model is None or model == "":
        yield Problem(
            line=number,
            code="invalid_request",
            param="body.model",
            message="Model parameter is required.",
            remedy='write "model": "gpt-…" in the body',
        )
    elif not isinstance(model, str):
        yield _wrong_type(number, "body.model", "a string", model)
    elif model.strip() != model:
        why = f"{_shown(model)} has spaces around the name"
        yield _invalid(number, "body.model", why, f"write {_shown(model.strip())}")
    elif len(model) > MAX_MODEL:
        why = f"it has {len(model):,} characters, more than {MAX_MODEL}"
        yield _invalid(number, "body.model", why, "write the model's name as OpenAI lists it")
    stream = body.get("stream")
    if stream is True:
        yield Problem(
            line=number,
            code="streaming_unsupported",
            param="body.stream",
            message="Streaming is not supported in the Batch API.",
            remedy='remove "stream" from the body',
        )
    elif stream is not None and stream is not False:
        yield _wrong_type(number, "body.stream", "true or false", stream)


def _wrong_question(url: str, body: dict[str, Any], number: int) -> Iterator[Problem]:
    """What is asked: it is there, and it is of a type that its endpoint takes."""
    name = ASKED.get(url)
    if name and body[name] is None and not (url == RESPONSES and _has_instead(body)):
        yield _missing(number, f"body.{name}", f"write {QUESTIONS[name]} in the body's {name!r}")
    if (messages := body["messages"]) is not None:
        yield from _wrong_messages(messages, number)
    if body["input"] is not None and not isinstance(body["input"], str | list):
        yield _wrong_type(number, "body.input", "a string or an array", body["input"])


def _wrong_messages(messages: object, number: int) -> Iterator[Problem]:
    if not isinstance(messages, list):
        yield _wrong_type(number, "body.messages", "an array of objects", messages)
    elif not messages:
        yield _invalid(number, "body.messages", "it is empty", "write at least one message")
    elif not isinstance(messages[0], dict):
        yield _wrong_type(number, "body.messages[0]", "an object", messages[0])


def _has_instead(body: dict[str, Any]) -> bool:
    return any(body[name] is not None for name in INSTEAD_OF_INPUT)


QUESTIONS = {
    "messages": "an array of messages",
    "input": "a string or an array",
    "prompt": "a string",
}


def _missing(number: int, param: str, remedy: str) -> Problem:
    return Problem(
        line=number,
        code="missing_required_parameter",
        param=param,
        message=f"Missing required parameter: '{param}'.",
        remedy=remedy,
    )


def _wrong_type(number: int, param: str, wanted: str, got: object) -> Problem:
    return Problem(
        line=number,
        code="invalid_type",
        param=param,
        message=f"Invalid type for '{param}': expected {wanted}, but got {_kind(got)} instead.",
        remedy=f"write {wanted}",
    )


def _invalid(number: int, param: str, why: str, remedy: str) -> Problem:
    return Problem(
        line=number,
        code="invalid_value",
        param=param,
        message=f"Invalid value for '{param}': {why}.",
        remedy=remedy,
    )


def _kind(value: object) -> str:
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean"}
    return "null" if value is None else names.get(type(value), "a number")


def _shown(text: str) -> str:
    """A text from the file inside our sentence: short, and without line breaks."""
    return json.dumps(shorten(text, 80), ensure_ascii=False)
