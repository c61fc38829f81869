"""The small OpenAI as an httpx transport: the same app without a socket."""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import httpx

from local.openai.http.messages import ConnectionDropped, NoAnswer

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

# httpx's own words for a connection that a socket drops, or that stays silent.
DROPPED = "Server disconnected without sending a response."


class RequestBody:
    """A request's stream as the file that a WSGI app reads, so that uploads stay streams."""

    def __init__(self, stream: Iterable[bytes]) -> None:
        self._chunks = iter(stream)
        self._left = b""

    def read(self, size: int = -1) -> bytes:
        while size < 0 or len(self._left) < size:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            self._left += chunk
        end = len(self._left) if size < 0 else size
        taken, self._left = self._left[:end], self._left[end:]
        return taken


class ResponseStream(httpx.SyncByteStream):
    """A WSGI answer, read to its end at once: a reader who is killed leaves no file open."""

    def __init__(self, body: Iterable[bytes]) -> None:
        self._chunks: list[bytes] = []
        self._dropped = False
        try:
            for chunk in body:
                self._chunks.append(chunk)
        except ConnectionDropped:
            self._dropped = True
        finally:
            if close := getattr(body, "close", None):
                close()

    def __iter__(self) -> Iterator[bytes]:
        yield from self._chunks
        if self._dropped:
            raise httpx.RemoteProtocolError(DROPPED)


class SmallTransport(httpx.BaseTransport):
    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        started: list[Any] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], *_: object
        ) -> Callable[[bytes], object]:
            started[:] = [int(status.split(maxsplit=1)[0]), headers]
            return lambda _: None

        try:
            body = self._app(_environ(request), start_response)
        except ConnectionDropped:
            raise httpx.RemoteProtocolError(DROPPED, request=request) from None
        except NoAnswer:
            raise httpx.ReadTimeout("The read operation timed out", request=request) from None
        return httpx.Response(started[0], headers=started[1], stream=ResponseStream(body))


def _environ(request: httpx.Request) -> dict[str, Any]:
    if not isinstance(request.stream, httpx.SyncByteStream):
        raise TypeError("the small OpenAI takes synchronous requests only")
    environ: dict[str, Any] = {
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": request.url.scheme,
        "wsgi.input": RequestBody(request.stream),
        "wsgi.input_terminated": True,
        "wsgi.multithread": True,
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": request.url.path,
        "QUERY_STRING": request.url.query.decode("ascii"),
        "SERVER_NAME": request.url.host,
        "SERVER_PORT": str(request.url.port or 80),
        "SERVER_PROTOCOL": "HTTP/1.1",
    }
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
    return environ
