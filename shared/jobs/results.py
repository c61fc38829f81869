"""What an answer is: whether its request succeeded, failed, or may succeed later.

HTTP 200 is not enough: the body says whether there is an answer in it.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from itertools import filterfalse
from typing import NamedTuple

import msgspec

from shared.jobs.answer import Answer, Body, Choice, Error
from shared.openai.refusals import UNPAID
from shared.text import masked, shorten

MISSING = "missing_result"
NO_ANSWER = "no_answer"  # HTTP 200 with nothing in it
RETRYABLE = frozenset(
    {"batch_expired", "request_timeout", MISSING, "server_error", "rate_limit_exceeded"}
    | {"vector_store_timeout", *UNPAID}
)
# Where each endpoint's answer is. At an endpoint that is not here every body counts as one.
CONTENT = {
    "/v1/chat/completions": "choices",
    "/v1/completions": "choices",
    "/v1/responses": "output",
    "/v1/embeddings": "data",
    "/v1/images/generations": "data",
    "/v1/images/edits": "data",
    "/v1/moderations": "results",
    "/v1/videos": "id",
}
FAILED = frozenset({"failed", "cancelled", "canceled", "expired", "error"})
UNFINISHED = frozenset({"incomplete", "in_progress", "queued"})
UNUSUAL = frozenset({"length", "content_filter", "error"})  # reasons to finish a chat


_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class Fate(Enum):
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    MAY_SUCCEED = "may succeed later"


class Verdict(NamedTuple):
    """What an answer counts as, and why."""

    fate: Fate
    code: str = ""  # of a failure, for grouping
    message: str = ""
    incomplete: str = ""  # why an answer that succeeded is not whole


SUCCEEDED = Verdict(Fate.SUCCEEDED)
Judge = Callable[[Answer, bytes, str], Verdict]  # of an answer, its line and the endpoint


def judge(answer: Answer, endpoint: str) -> Verdict:
    """Success is no error, a 2xx, and a body with an answer in it."""
    error, response = answer.error, answer.response
    if error is not None and (response is None or error.says_something):
        return _failed(error, f"http_{answer.status}")
    status, body = (response.status_code or 0, response.body) if response else (0, None)
    if 200 <= status < 300:
        return _judge_body(body, endpoint)
    return _failed(_said(body), f"http_{status}", passing=_may_pass(status))


def judge_line(answer: Answer, line: bytes, endpoint: str) -> Verdict:
    """As judge: of the line itself nothing more is asked, unless a recipe does."""
    return judge(answer, endpoint)


def _judge_body(body: Body | str | None, endpoint: str) -> Verdict:
    if not isinstance(body, Body):
        return _judge_text(body, endpoint)
    where = CONTENT.get(endpoint)
    is_empty = where is not None and not getattr(body, where)
    if is_empty or body.status or body.error or body.object == "error":
        return _judge_by_status(body, body.status.lower() if body.status else "", is_empty)
    return _judge_choices(body.choices or [])


def _judge_text(text: str | None, endpoint: str) -> Verdict:
    is_answer = endpoint not in CONTENT and bool(text and text.strip())
    return SUCCEEDED if is_answer else _failed(_said(text), NO_ANSWER)


def _judge_by_status(body: Body, status: str, is_empty: bool) -> Verdict:
    if _has_failed(body, status):
        return _failed(_said(body), status or "error")
    if status == "incomplete" or (status in UNFINISHED and not is_empty):
        return Verdict(Fate.SUCCEEDED, incomplete=_why_incomplete(body, status))
    return _failed(_said(body), NO_ANSWER) if is_empty else _judge_choices(body.choices or [])


def _has_failed(body: Body, status: str) -> bool:
    has_error = body.error is not None and body.error.says_something
    return has_error or status in FAILED or body.object == "error"


def _why_incomplete(body: Body, status: str) -> str:
    details = body.incomplete_details
    return shorten(masked((details.reason if details else None) or status))


def _judge_choices(choices: list[Choice]) -> Verdict:
    for choice in choices:
        if choice.message is None and choice.text is None:
            return _failed(Error(message="a choice is empty"), NO_ANSWER)
        if choice.finish_reason in UNUSUAL:
            if choice.finish_reason == "error":
                return _failed(Error(message="the answer ended in an error"), "error")
            return Verdict(Fate.SUCCEEDED, incomplete=choice.finish_reason)
    return SUCCEEDED


def _said(body: Body | str | None) -> Error:
    """What a body without an answer says, in whatever place."""
    if not isinstance(body, Body):
        return Error(message=body)
    if body.error and body.error.says_something:
        return body.error
    status = f"its status is {body.status!r}" if body.status else None
    return Error(message=body.message or body.detail or status)


def _failed(error: Error, code: str, *, passing: bool = False) -> Verdict:
    """The code is for one that the error does not name."""
    fate = Fate.MAY_SUCCEED if passing or _is_passing(error) else Fate.FAILED
    named = str(error.code or error.type or code)
    said = error.message or ("the answer is empty" if named == NO_ANSWER else "no message")
    return Verdict(fate, shorten(masked(named)), shorten(masked(said)))


def _is_passing(error: Error) -> bool:
    named = {str(each).lower() for each in (error.code, error.type) if each}
    if named & RETRYABLE:
        return True
    return any(each.isdecimal() and len(each) == 3 and _may_pass(int(each)) for each in named)


def _may_pass(status: int) -> bool:
    """`status_code: 0` was seen in completed batches."""
    return status in {0, 408, 429} or status >= 500


def stand_in(custom_id: str, code: str, message: str) -> bytes:
    """The line of a request that got no answer, in OpenAI's output-line format."""
    error = {"code": code, "message": message}
    line = {"id": None, "custom_id": custom_id, "response": None, "error": error}
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode()


def for_request(line: bytes, custom_id: str) -> bytes:
    """The same answer as another request's; all else is as OpenAI wrote it."""
    fields = _fields(line)
    fields["custom_id"] = msgspec.Raw(msgspec.json.encode(custom_id))
    return msgspec.json.encode(fields)


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
