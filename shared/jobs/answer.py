"""A line of an output file: what decides what it counts as, read however odd it is."""

import json
from typing import Any

import msgspec

from shared.nesting import is_too_deep, read_json

Thing = dict[str, Any]


class Error(msgspec.Struct, gc=False):
    """What an answer says went wrong."""

    code: str | int | None = None
    message: str | None = None
    type: str | None = None

    @property
    def says_something(self) -> bool:
        """`{}` in place of an error is none."""
        return bool(self.code or self.message or self.type)


class _InputDetails(msgspec.Struct, gc=False):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class StatedUsage(msgspec.Struct, gc=False):
    """Tokens under the names of both APIs."""

    prompt_tokens: int | None = None  # chat completions, completions, embeddings
    completion_tokens: int | None = None
    prompt_tokens_details: _InputDetails | None = None
    input_tokens: int | None = None  # responses, images
    output_tokens: int | None = None
    input_tokens_details: _InputDetails | None = None


class Item(msgspec.Struct, gc=False):
    """Something is there; what it is does not matter."""


class Choice(msgspec.Struct, gc=False):
    finish_reason: str | None = None
    message: Item | None = None  # of a chat
    text: str | None = None  # of a completion


class _Incomplete(msgspec.Struct, gc=False):
    reason: str | None = None


class Body(msgspec.Struct, gc=False):
    """What an endpoint answered, whichever it is."""

    id: str | None = None
    object: str | None = None
    status: str | None = None  # of responses and videos
    error: Error | None = None
    incomplete_details: _Incomplete | None = None
    choices: list[Choice] | None = None
    output: list[Item] | None = None
    data: list[Item] | None = None
    results: list[Item] | None = None
    usage: StatedUsage | None = None
    message: str | None = None  # what some servers say instead of an error
    detail: str | None = None


class Response(msgspec.Struct, gc=False):
    """A text in place of the body is one that holds no object of JSON."""

    status_code: int | None = None
    body: Body | str | None = None


class Answer(msgspec.Struct, gc=False):
    """The part of an output line that decides what it counts as."""

    custom_id: str
    response: Response | None = None
    error: Error | None = None

    @property
    def status(self) -> int:
        return (self.response.status_code or 0) if self.response else 0

    @property
    def body(self) -> Body | str | None:
        return self.response.body if self.response else None

    @property
    def usage(self) -> StatedUsage | None:
        body = self.body
        return body.usage if isinstance(body, Body) else None


_decode = msgspec.json.Decoder(Answer).decode


def read_answer(line: bytes) -> Answer | None:
    """An output line, however odd its inside is; None for one that names no request."""
    return None if is_too_deep(line) else read_landed(line)


def read_landed(line: bytes) -> Answer | None:
    """A line that has been read before."""
    try:
        answer = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _read_leniently(line)
    response = answer.response
    if response and type(response.body) is str:
        response.body = _body_in(response.body)
    return answer


def _body_in(text: str) -> Body | str:
    """Some servers write the body as a text of JSON."""
    try:
        found = read_json(text)
    except ValueError:
        return text
    return _converted(found) if isinstance(found, dict) else text


def _converted(found: Thing) -> Body:
    try:
        return msgspec.convert(found, Body)
    except msgspec.ValidationError:
        return _odd_body(found)


def _read_leniently(line: bytes) -> Answer | None:
    """A body of an unexpected shape is still an answer."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    if not isinstance(found, dict) or not isinstance(found.get("custom_id"), str):
        return None
    response = found.get("response")
    return Answer(
        custom_id=found["custom_id"],
        response=_odd_response(response) if isinstance(response, dict) and response else None,
        error=_odd_error(found.get("error")),
    )


def _odd_response(found: Thing) -> Response:
    return Response(_whole(found.get("status_code")), _odd_content(found.get("body")))


def _odd_content(body: object) -> Body | str | None:
    if isinstance(body, dict):
        return _converted(body)
    if isinstance(body, str):
        return _body_in(body)
    return str(body) if body else None


def _odd_body(found: Thing) -> Body:
    """Each fact by itself: one that is odd does not hide the others."""
    return Body(
        id=_text(found.get("id")),
        object=_text(found.get("object")),
        status=_text(found.get("status")),
        error=_odd_error(found.get("error")),
        incomplete_details=_Incomplete(
            _text(_object(found.get("incomplete_details")).get("reason"))
        ),
        choices=[_odd_choice(each) for each in _objects(found, "choices")],
        output=[Item() for _ in _objects(found, "output")],
        data=[Item() for _ in _objects(found, "data")],
        results=[Item() for _ in _objects(found, "results")],
        usage=_odd_usage(found.get("usage")),
        message=_text(found.get("message")),
        detail=_text(found.get("detail")),
    )


def _odd_choice(found: Thing) -> Choice:
    message = None if found.get("message") is None else Item()
    text = found.get("text")
    return Choice(_text(found.get("finish_reason")), message, None if text is None else str(text))


def _odd_usage(found: object) -> StatedUsage | None:
    if not isinstance(found, dict):
        return None
    return StatedUsage(
        prompt_tokens=_whole(found.get("prompt_tokens")),
        completion_tokens=_whole(found.get("completion_tokens")),
        prompt_tokens_details=_odd_details(found.get("prompt_tokens_details")),
        input_tokens=_whole(found.get("input_tokens")),
        output_tokens=_whole(found.get("output_tokens")),
        input_tokens_details=_odd_details(found.get("input_tokens_details")),
    )


def _odd_details(found: object) -> _InputDetails:
    known = _object(found)
    return _InputDetails(
        _whole(known.get("cached_tokens")), _whole(known.get("cache_write_tokens"))
    )


def _odd_error(error: object) -> Error | None:
    """Takes what it can from whatever stands in place of an error."""
    if not isinstance(error, dict):
        return Error(message=str(error)) if error else None
    known = {name: str(error[name]) for name in ("code", "message", "type") if error.get(name)}
    return Error(**known)


def _whole(value: Any) -> int | None:
    """`"200"` and `200.0` are a success too: a retry would be paid again."""
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _text(value: object) -> str | None:
    return str(value) if value else None


def _object(value: object) -> Thing:
    return value if isinstance(value, dict) else {}


def _objects(found: Thing, name: str) -> list[Thing]:
    """Those in a list that are objects: a null among them is no answer."""
    value = found.get(name)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
