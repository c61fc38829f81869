"""The bytes of a file, streamed from disk; in ranges, or damaged by quirks."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.wrappers import Response
from werkzeug.wsgi import FileWrapper

from local.openai.http.messages import ConnectionDropped, Refusal
from local.openai.quirks import Quirk, Quirks

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

CHUNK = 64 * 1024


class Stored(Protocol):
    id: str
    path: Path
    bytes: int
    filename: str


class TruncatedBody:
    """The first bytes of a body; then the connection drops."""

    def __init__(self, body: IO[bytes], after: int) -> None:
        self.body = body
        self.after = after

    def __iter__(self) -> Iterator[bytes]:
        if head := self.body.read(self.after):
            yield head
        raise ConnectionDropped

    def close(self) -> None:
        self.body.close()


def content(
    file: Stored, environ: "WSGIEnvironment", quirks: Quirks, target: Mapping[str, object]
) -> Response:
    if short := quirks.take("download_short", target):
        return _short(file, int(short.number("after_bytes", 100)))
    cut = quirks.take("download_cut", target)
    ranges = quirks.take("download_ranges", target)
    response = _with_ranges(file, environ) if ranges else _whole(file)
    return response if cut is None else _cut(response, file, cut)


def _whole(file: Stored) -> Response:
    """As the real one answers: no ETag, no ranges, and every other file without its length."""
    # Opened here, under the lock; a deletion while it streams does not disturb it.
    response = _response(file, FileWrapper(file.path.open("rb"), CHUNK))
    if sum(file.id.encode()) % 2:
        response.content_length = file.bytes
    return response


def _with_ranges(file: Stored, environ: "WSGIEnvironment") -> Response:
    response = _response(file, FileWrapper(file.path.open("rb"), CHUNK))
    response.content_length = file.bytes
    response.set_etag(file.id)
    try:
        response.make_conditional(environ, accept_ranges=True, complete_length=file.bytes)
    except RequestedRangeNotSatisfiable:
        response.close()
        raise Refusal("The requested range is not satisfiable.", status=416) from None
    return response


def _cut(response: Response, file: Stored, cut: Quirk) -> Response:
    start = response.content_range.start or 0
    response.close()
    body = file.path.open("rb")
    body.seek(start)
    response.response = TruncatedBody(body, int(cut.number("after_bytes", 100)))
    return response


def _short(file: Stored, length: int) -> Response:
    with file.path.open("rb") as body:
        return _response(file, [body.read(length)])


def _response(file: Stored, body: Iterable[bytes]) -> Response:
    response = Response(body, mimetype="application/octet-stream", direct_passthrough=True)
    response.headers.set("content-disposition", "attachment", filename=file.filename)
    return response
