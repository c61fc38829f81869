"""The rules of one line of a batch file, with OpenAI's limits.

Limits: https://platform.openai.com/docs/guides/batch (read in public copies, autumn 2026) and
errors seen live. A good line takes the fast way, one decode into four fields; `validation.py` says
what is wrong with another.
"""

import re
from collections.abc import Collection
from operator import attrgetter
from typing import Any, Literal

import msgspec

from shared.batchfile.duplicates import MAX_SUSPECTS
from shared.model import FrozenModel

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
CHAT, EMBEDDINGS, RESPONSES = "/v1/chat/completions", "/v1/embeddings", "/v1/responses"
# The field that holds what is asked; at an endpoint that is not here it is not looked for.
ASKED = {
    CHAT: "messages",
    RESPONSES: "input",
    EMBEDDINGS: "input",
    "/v1/moderations": "input",
    "/v1/completions": "prompt",
    "/v1/images/generations": "prompt",
    "/v1/images/edits": "prompt",
    "/v1/videos": "prompt",
}
INSTEAD_OF_INPUT = ("prompt", "previous_response_id", "conversation")  # at RESPONSES
ABSENT, NULL = msgspec.Raw(b""), msgspec.Raw(b"null")
MAX_REQUESTS = 50_000
MAX_INPUTS = 50_000  # embedding inputs in a batch: elements of `input`, not lines
# OpenAI says 200 MB and was seen to compare with 209,715,200; one user got HTTP 413 at 165,665,721.
MAX_PART_BYTES = 150_000_000
BYTES_PER_TOKEN = 4  # of a whole line, wrapping included: an estimate on the safe side
PARTS_PER_ATTEMPT = 100_000  # the numbers of its parts start at (attempt - 1) × this
MAX_MODEL = 256  # characters of a model's name: it becomes a key of the ledger
MAX_GROUPS = 200  # different (endpoint, model) pairs in a file: each keeps a spool open
MAX_PARTS = PARTS_PER_ATTEMPT - 1
MAX_LIBRARY_NAMES = 50_000  # bytes of the names that one part searches: they go into its row


class Limits(FrozenModel):
    """What one part and one file may hold, and which endpoints there are."""

    requests: int = MAX_REQUESTS
    bytes: int = MAX_PART_BYTES
    inputs: int = MAX_INPUTS
    tokens: int = 2_000_000_000  # estimated prompt tokens; no documented limit per batch
    library_names: int = MAX_LIBRARY_NAMES
    parts: int = MAX_PARTS
    groups: int = MAX_GROUPS
    suspects: int = MAX_SUSPECTS
    endpoints: frozenset[str] = ENDPOINTS


class Message(msgspec.Struct, gc=False):
    """Any object."""


class Messages(msgspec.Struct, array_like=True, gc=False):
    """An array that begins with an object; the decoder skips the rest."""

    first: Message


class Inputs(msgspec.Struct, array_like=True, gc=False):
    """Any array."""


class Body(msgspec.Struct, gc=False):
    """The part of a request's body that decides where it goes, and whether it asks anything."""

    model: str
    stream: bool | None = None
    messages: Messages | None = None
    input: str | Inputs | None = None
    prompt: msgspec.Raw = ABSENT
    previous_response_id: msgspec.Raw = ABSENT
    conversation: msgspec.Raw = ABSENT
    max_output_tokens: Any = None
    max_completion_tokens: Any = None
    max_tokens: Any = None
    n: Any = None  # answers to one request


class Request(msgspec.Struct, gc=False):
    """The part of a line that decides where it goes."""

    custom_id: str
    method: Literal["POST"]
    url: str
    body: Body


class _Inputs(msgspec.Struct):
    input: msgspec.Raw = msgspec.Raw(b"")


class _WithInputs(msgspec.Struct):
    body: _Inputs


class _Named(msgspec.Struct):
    custom_id: str


decode = msgspec.json.Decoder(Request).decode
_input = attrgetter("body.input")
_decode_inputs = msgspec.json.Decoder(_WithInputs).decode
_decode_named = msgspec.json.Decoder(_Named).decode

# How deep a line is when the decoder gives up differs by interpreter: see shared/nesting.py.
UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
TOKENS_OF_A_FILE = 1_500
PAYLOAD = re.compile(rb"[A-Za-z0-9+/=_\\-]{6000,}")  # Base64: no text goes on for so long
# An image or a file by its address or its id. In a text the quotes would be escaped.
REFERENCES = (b'_url"', b'"file_id"')
REFERENCE = re.compile(
    rb'"(?:image_url|file_url)"\s*:\s*(?:\{\s*(?:"detail"\s*:\s*"\w*"\s*,\s*)?"url"\s*:\s*)?"https?:'
    rb'|"file_id"\s*:\s*"'
)
WITHOUT_OUTPUT = frozenset({EMBEDDINGS, "/v1/moderations"})
LARGE = 8_192  # bytes of a line, on average, from which on it may hold an image by value
NUMBER = re.compile(rb"\[\s*-?\d")


def is_good(request: Request, limits: Limits) -> bool:
    """What the types alone do not check; `validation.problems_of` says what is wrong."""
    return (
        request.url in limits.endpoints
        and not request.body.stream
        and is_model(request.body.model)
        and bool(request.custom_id)
        and asks(request.url, request.body)
    )


def all_alike(requests: list[Request], limits: Limits) -> bool:
    """Whether all are good and have one endpoint and one model."""
    url, model = requests[0].url, requests[0].body.model
    if not is_model(model) or url not in limits.endpoints:
        return False
    return _all_same(requests, url, model) and (url == CHAT or _all_ask(requests, url))


def _all_same(requests: list[Request], url: str, model: str) -> bool:
    """The hot loop of a pass; a chat's messages are looked for on the way."""
    chat = url == CHAT
    for request in requests:
        body = request.body
        if (
            request.url != url
            or body.model != model
            or body.stream
            or not request.custom_id
            or (body.messages is None and chat)
        ):
            return False
    return True


def _all_ask(requests: list[Request], url: str) -> bool:
    if ASKED.get(url) == "input" and None not in map(_input, requests):
        return True
    return all(asks(url, each.body) for each in requests)


def is_model(name: str) -> bool:
    return 0 < len(name) <= MAX_MODEL and name.strip() == name


def asks(url: str, body: Body) -> bool:
    """Whether the body has what its endpoint cannot do without."""
    if url == CHAT:
        return body.messages is not None
    name = ASKED.get(url)
    if name is None:
        return True
    if getattr(body, name) not in (None, ABSENT, NULL):
        return True
    return url == RESPONSES and any(
        getattr(body, each) not in (ABSENT, NULL) for each in INSTEAD_OF_INPUT
    )


def tokens_of(size: int) -> int:
    """Estimated prompt tokens of a line of so many bytes."""
    return -(-size // BYTES_PER_TOKEN)


def tokens_in(line: bytes) -> int:
    """Estimated prompt tokens of a request: files in it do not count by their bytes."""
    return tokens_of(len(line) + 1 - uncounted_bytes(line))


def may_hold_files(data: bytes, lines: int) -> bool:
    """A look that costs little."""
    return len(data) > LARGE * lines or any(each in data for each in REFERENCES)


def uncounted_bytes(data: bytes) -> int:
    """Of images, sound and other files: each counts as so many tokens, whatever its size.

    Less than zero where more are meant than lie there: an address is short.

    Source: 85 to 1,445 real tokens were seen where the bytes say 200,000 (forum 726758, 710256).
    """
    counted = TOKENS_OF_A_FILE * BYTES_PER_TOKEN
    sizes = (len(found[0]) - counted for found in PAYLOAD.finditer(data))
    references = sum(1 for _ in REFERENCE.finditer(data))
    return sum(size for size in sizes if size > 0) - references * counted


def output_bounds(requests: Collection[Request], url: str) -> tuple[int, int]:
    """Of some to one endpoint: how many say how long an answer may be, and the tokens of those."""
    if url in WITHOUT_OUTPUT:
        return len(requests), 0
    found = [bound for each in requests if (bound := _bound(each.body)) is not None]
    return len(found), sum(found)


def _bound(body: Body) -> int | None:
    """OpenAI refuses what is no number."""
    given = (body.max_output_tokens, body.max_completion_tokens, body.max_tokens)
    known = [each for each in given if type(each) is int and each >= 0]
    if not known:
        return None
    return min(known) * (body.n if type(body.n) is int and body.n > 1 else 1)


def inputs_of(line: bytes) -> int:
    """Embedding inputs of a line: a text is one, and so is one array of token numbers.

    Counts what opens each input, never too few: a line may have millions of them.
    """
    raw = bytes(_decode_inputs(line).body.input)
    if not raw.startswith(b"[") or NUMBER.match(raw):
        return 1
    opening = raw[1:].lstrip()[:1]
    if opening == b'"':
        unescaped = raw.replace(rb"\\", b"")
        return (unescaped.count(b'"') - unescaped.count(rb"\"")) // 2
    if opening == b"[":
        return raw.count(b"[") - 1
    return 0 if opening == b"]" else raw.count(b",") + 1


def custom_id_of(line: bytes) -> str | None:
    """The custom_id of a line that is otherwise bad, if it has one."""
    try:
        return _decode_named(line).custom_id or None
    except UNDECODABLE:
        return None
