"""One line of an output file: whether the request succeeded, failed, or may succeed later."""

import json
from collections.abc import Iterable, Iterator
from enum import Enum
from itertools import filterfalse
from typing import Any

import msgspec

from shared.nesting import is_too_deep
from shared.text import shorten

RETRYABLE = frozenset({"batch_expired", "request_timeout", "missing_result"})
MISSING = "missing_result"


class Fate(Enum):
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    MAY_SUCCEED = "may succeed later"


class _Usage(msgspec.Struct, gc=False):
    prompt_tokens: int | None = None  # chat completions, completions, embeddings
    completion_tokens: int | None = None
    input_tokens: int | None = None  # responses
    output_tokens: int | None = None


class _Error(msgspec.Struct, gc=False):
    code: str | int | None = None
    message: str | None = None
    type: str | None = None


class _Body(msgspec.Struct, gc=False):
    model: str | None = None
    usage: _Usage | None = None
    error: _Error | None = None


class _Response(msgspec.Struct, gc=False):
    status_code: int | None = None
    body: _Body | None = None


class Answer(msgspec.Struct, gc=False):
    """The part of an output line that decides what it counts as."""

    custom_id: str
    response: _Response | None = None
    error: _Error | None = None

    @property
    def status(self) -> int:
        return (self.response.status_code or 0) if self.response else 0

    @property
    def fate(self) -> Fate:
        """Success is no error and a 2xx; `status_code: 0` was seen in completed batches."""
        if self.error is None and 200 <= self.status < 300:
            return Fate.SUCCEEDED
        if self.error is not None:
            return Fate.MAY_SUCCEED if self.error.code in RETRYABLE else Fate.FAILED
        passing = self.status in {0, 408, 429} or self.status >= 500
        return Fate.MAY_SUCCEED if passing else Fate.FAILED

    @property
    def failure(self) -> tuple[str, str]:
        """The code and the text of a failure, for grouping."""
        body = self.response.body if self.response else None
        error = self.error or (body.error if body else None) or _Error()
        code = error.code or error.type or f"http_{self.status}"
        return shorten(str(code)), shorten(error.message or "no message")


_decode = msgspec.json.Decoder(Answer).decode


def read_answer(line: bytes) -> Answer | None:
    """An output line, however odd its inside is; None for one that names no request."""
    return None if is_too_deep(line) else read_landed(line)


def read_landed(line: bytes) -> Answer | None:
    """A line that has been read before."""
    try:
        return _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _read_leniently(line)


def _read_leniently(line: bytes) -> Answer | None:
    """A body of an unexpected shape is still an answer."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    if not isinstance(found, dict) or not isinstance(found.get("custom_id"), str):
        return None
    response, error = _object(found.get("response")), found.get("error")
    answer = Answer(custom_id=found["custom_id"])
    if response:
        answer.response = _Response(_odd_status(response.get("status_code")))
    if error is not None:
        answer.error = _odd_error(error)
    return answer


def _odd_status(status: Any) -> int | None:
    """`"200"` and `200.0` are a success too: a retry would be paid again."""
    try:
        return int(status)
    except (TypeError, ValueError, OverflowError):
        return None


def _odd_error(error: object) -> _Error:
    """Takes what it can from whatever stands in place of an error."""
    if not isinstance(error, dict):
        return _Error(message=str(error))
    known = {name: str(error[name]) for name in ("code", "message") if error.get(name) is not None}
    return _Error(**known)


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def stand_in(custom_id: str, code: str, message: str) -> bytes:
    """The line of a request that got no answer, in OpenAI's output-line format."""
    error = {"code": code, "message": message}
    line = {"id": None, "custom_id": custom_id, "response": None, "error": error}
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode()


def lines_of(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Lines without their newlines; blank ones are left out."""
    pieces: list[bytes] = []
    for chunk in chunks:
        first, *rest = chunk.split(b"\n")
        pieces.append(first)
        if rest:
            yield from filterfalse(_is_blank, (b"".join(pieces), *rest[:-1]))
            pieces = [rest[-1]]
    yield from filterfalse(_is_blank, [b"".join(pieces)])


def _is_blank(line: bytes) -> bool:
    return not line or line.isspace()
