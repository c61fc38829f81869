"""The rules of one line of a batch file, with OpenAI's limits.

Limits: https://platform.openai.com/docs/guides/batch (read in public copies, autumn 2026) and
errors seen live. A good line takes the fast way (one decode into four fields); a line with
anything wrong goes through `problems_of`, which names everything that is wrong with it.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from shared.jobs import BYTES_PER_TOKEN
from shared.lines import MAX_LINE_BYTES, TOO_LONG, misencoded_at
from shared.model import Ours
from shared.problems import Problem

ENDPOINTS = frozenset(
    {
        "/v1/responses",
        "/v1/chat/completions",
        "/v1/embeddings",
        "/v1/completions",
        "/v1/moderations",
        "/v1/images/generations",
        "/v1/images/edits",
        "/v1/videos",
    }
)
EMBEDDINGS = "/v1/embeddings"
MAX_REQUESTS = 50_000
MAX_INPUTS = 50_000  # embedding inputs in a batch: elements of `input`, not lines
# OpenAI says 200 MB and was seen to compare with 209,715,200; one user got HTTP 413 at 165,665,721.
MAX_PART_BYTES = 150_000_000
MAX_MODEL = 256  # characters of a model's name: it becomes a key of the ledger


class Limits(Ours):
    """What one part may hold, and what may be asked for."""

    requests: int = MAX_REQUESTS
    bytes: int = MAX_PART_BYTES
    inputs: int = MAX_INPUTS
    tokens: int = 2_000_000_000  # estimated prompt tokens; no documented limit per batch
    endpoints: frozenset[str] = ENDPOINTS


class Body(msgspec.Struct, gc=False):
    """The part of a request's body that decides where it goes."""

    model: str
    stream: bool | None = None


class Request(msgspec.Struct, gc=False):
    """The part of a line that decides where it goes."""

    custom_id: str
    method: str
    url: str
    body: Body


class _Inputs(msgspec.Struct):
    input: msgspec.Raw = msgspec.Raw(b"")


class _WithInputs(msgspec.Struct):
    body: _Inputs


class _Named(msgspec.Struct):
    custom_id: str


class _AnyBody(msgspec.Struct):
    """What may stand in a body, unread: an image or a million messages may be among it."""

    model: msgspec.Raw = msgspec.Raw(b"null")
    stream: msgspec.Raw = msgspec.Raw(b"null")


class _AnyRequest(msgspec.Struct):
    custom_id: msgspec.Raw = msgspec.Raw(b"null")
    method: msgspec.Raw = msgspec.Raw(b"null")
    url: msgspec.Raw = msgspec.Raw(b"null")
    body: msgspec.Raw = msgspec.Raw(b"null")


decode = msgspec.json.Decoder(Request).decode
_decode_inputs = msgspec.json.Decoder(_WithInputs).decode
_decode_named = msgspec.json.Decoder(_Named).decode
_decode_any_request = msgspec.json.Decoder(_AnyRequest).decode
_decode_any_body = msgspec.json.Decoder(_AnyBody).decode

UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
NUMBER = re.compile(rb"\[\s*-?\d")
HALF_A_PAIR = re.compile(rb"\\u[dD][89abAB]..(?!\\u[dD][c-fC-F])")


def is_good(request: Request, limits: Limits) -> bool:
    """What the types alone do not hold; anything false is explained by `problems_of`."""
    return (
        request.method == "POST"
        and request.url in limits.endpoints
        and not request.body.stream
        and 0 < len(request.body.model) <= MAX_MODEL
        and bool(request.custom_id)
    )


def all_alike(requests: list[Request], limits: Limits) -> bool:
    """Whether all are good and go to one endpoint and one model: the hot loop of a pass."""
    url, model = requests[0].url, requests[0].body.model
    if not 0 < len(model) <= MAX_MODEL or url not in limits.endpoints:
        return False
    for request in requests:
        body = request.body
        if (
            request.method != "POST"
            or request.url != url
            or body.model != model
            or body.stream
            or not request.custom_id
        ):
            return False
    return True


def tokens_of(size: int) -> int:
    """Estimated prompt tokens of a line of so many bytes."""
    return -(-size // BYTES_PER_TOKEN)


def inputs_of(line: bytes) -> int:
    """Embedding inputs of a line: a text or one array of token numbers is one.

    Counted by what opens each input, never too few, as a line may have millions of them.
    """
    raw = bytes(_decode_inputs(line).body.input)
    if not raw.startswith(b"[") or NUMBER.match(raw):
        return 1
    opening = raw[1:].lstrip()[:1]
    if opening == b'"':
        plain = raw.replace(rb"\\", b"")
        return (plain.count(b'"') - plain.count(rb"\"")) // 2
    if opening == b"[":
        return raw.count(b"[") - 1
    return 0 if opening == b"]" else raw.count(b",") + 1


def custom_id_of(line: bytes) -> str | None:
    """The custom_id of a line that is otherwise bad, as far as it has one."""
    try:
        return _decode_named(line).custom_id or None
    except UNDECODABLE:
        return None


def problems_of(line: bytes, number: int, limits: Limits) -> list[Problem]:
    """Everything that is wrong with one line, by itself; empty for a good line."""
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
        remedy=f"it stands on line {first} already: give each line its own",
    )


def too_large(number: int, what: str, have: int, limit: int) -> Problem:
    """One request that fits no part, however the file is cut."""
    return Problem(
        line=number,
        code="request_too_large",
        message=f"This request alone has {have:,} {what}; a batch may have {limit:,}.",
        remedy="make the request smaller, or cut it into several",
    )


def _parsed(line: bytes, number: int) -> dict[str, object] | Problem:
    """The fields that matter; what they hold is outlined, not built."""
    if line is TOO_LONG:
        return _too_long(number)
    if (at := misencoded_at(line)) is not None:
        return _misencoded(number, at, line[at])
    try:
        request = _decode_any_request(line)
    except msgspec.ValidationError:
        kind = _kind(_outline(msgspec.Raw(line.lstrip())))
        return _unparseable(number, f"it holds {kind}, not an object")
    except RecursionError:
        return _unparseable(number, "it is nested too deeply")
    except msgspec.DecodeError as error:
        half = HALF_A_PAIR.search(line)
        return _unparseable(number, "half a surrogate pair stands alone" if half else str(error))
    fields = {name: _outline(getattr(request, name)) for name in _AnyRequest.__struct_fields__}
    if isinstance(fields["body"], dict):
        body = _decode_any_body(request.body)
        fields["body"] = {"model": _outline(body.model), "stream": _outline(body.stream)}
    return fields


def _outline(raw: msgspec.Raw) -> object:
    """The value of a text, a truth or a null; of anything else only its kind."""
    first = memoryview(raw)[:1].tobytes()
    if first == b"{":
        return {}
    if first == b"[":
        return []
    return msgspec.json.decode(raw) if first in b'"tfn' else 0


def _too_long(number: int) -> Problem:
    return Problem(
        line=number,
        code="request_too_large",
        message=f"This line has more than {MAX_LINE_BYTES:,} bytes.",
        remedy="make the request smaller, or cut it into several",
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
    """Of a key that stands twice the last value counts, but the others have to be of its type."""
    try:
        decode(line)
    except UNDECODABLE as error:
        yield Problem(
            line=number,
            code="duplicate_key",
            message="A key stands more than once on this line, with different types of values.",
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
    else:
        yield _wrong_type(number, "body", "an object", body)


def _wrong_custom_id(custom_id: object, number: int) -> Iterator[Problem]:
    if custom_id is None:
        yield _missing(number, "custom_id", "give each line a text of its own, such as its id")
    elif not isinstance(custom_id, str):
        yield _wrong_type(number, "custom_id", "a string", custom_id)
    elif not custom_id:
        yield _invalid(number, "custom_id", "it is empty", "give each line a text of its own")


def _wrong_method(method: object, number: int) -> Iterator[Problem]:
    if method is None:
        yield _missing(number, "method", 'write "method": "POST"')
    elif not isinstance(method, str):
        yield _wrong_type(number, "method", "a string", method)
    elif method != "POST":
        yield _invalid(number, "method", f"{_shown(method)} is not POST", 'write "method": "POST"')


def _wrong_url(url: object, number: int, limits: Limits) -> Iterator[Problem]:
    known = "write one of: " + ", ".join(sorted(limits.endpoints))
    if url is None:
        yield _missing(number, "url", known)
    elif not isinstance(url, str):
        yield _wrong_type(number, "url", "a string", url)
    elif url not in limits.endpoints:
        yield Problem(
            line=number,
            code="invalid_url",
            param="url",
            message=f"{_shown(url)} is not an endpoint of the Batch API.",
            remedy=known,
        )


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
    """Somebody's text inside a sentence of ours: short, and without line breaks."""
    return json.dumps(text if len(text) <= 80 else text[:79] + "…", ensure_ascii=False)
