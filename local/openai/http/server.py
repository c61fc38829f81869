"""A threaded HTTP/1.1 server with keep-alive for a WSGI app that may drop connections."""

# werkzeug's own server closes every connection, which would hide bugs of keep-alive.

import re
import socket
import sys
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, BinaryIO, cast
from urllib.parse import unquote_to_bytes

from werkzeug.serving import DechunkedInput

from local.openai.http.messages import ConnectionDropped, NoAnswer, Refusal

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

CHUNK = 1024 * 1024
LENGTH = re.compile(r"[0-9]{1,18}")


class BoundedBody:
    """A request body that ends where Content-Length says."""

    def __init__(self, stream: BinaryIO, length: int) -> None:
        self.stream = stream
        self.left = length

    def read(self, size: int = -1) -> bytes:
        wanted = self.left if size < 0 else min(size, self.left)
        data = self.stream.read(wanted)
        self.left -= len(data)
        return data


class ConnectionHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "SmallServer"

    def serve(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not LENGTH.fullmatch(length):
            self._refuse(f"Invalid Content-Length: {length[:40]!r}")
            return
        body = self._body(int(length))
        try:
            self._run(body)
            self._drain(body)
        except NoAnswer:
            self._wait_for_the_client()
        except (ConnectionDropped, ConnectionError):
            self._drop()
        except OSError:
            self.close_connection = True  # a chunked body broke off, and was refused

    def __getattr__(self, name: str) -> Any:
        """Every method is served, TRACE and those that nobody knows: the app refuses them."""
        if name.startswith("do_"):
            return self.serve
        raise AttributeError(name)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Log nothing: the calls are counted in the state."""

    def _run(self, body: Any) -> None:
        def start_response(
            status: str, headers: list[tuple[str, str]], *_: object
        ) -> Callable[[bytes], object]:
            self._head(status, headers)
            return self.wfile.write

        chunks = self.server.app(self._environ(body), start_response)
        try:
            self._send(chunks)
        finally:
            if close := getattr(chunks, "close", None):
                close()

    def _head(self, status: str, headers: list[tuple[str, str]]) -> None:
        code, _, reason = status.partition(" ")
        self.send_response_only(int(code), reason)
        for name, value in headers:
            self.send_header(name, value)
        self._chunked = not any(name.lower() == "content-length" for name, _ in headers)
        if self._chunked:
            self.send_header("Transfer-Encoding", "chunked")

    def _send(self, chunks: Iterable[bytes]) -> None:
        self.end_headers()
        chunked = self._chunked and self.command != "HEAD"
        for chunk in filter(None, chunks):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if chunked else chunk)
        if chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _refuse(self, message: str) -> None:
        """For a request that no WSGI app could read."""
        self.close_connection = True
        refusal = Refusal(message).response()
        self._head(refusal.status, list(refusal.headers))
        self._send([refusal.get_data()])

    def _body(self, length: int) -> Any:
        incoming = cast("BinaryIO", self.rfile)
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            return DechunkedInput(incoming)
        return BoundedBody(incoming, length)

    def _drain(self, body: Any) -> None:
        """Read what the app did not, so that the next request starts where it should."""
        while body.read(CHUNK):
            pass

    def _wait_for_the_client(self) -> None:
        """Returns when the client gives up."""
        self.close_connection = True
        self.connection.recv(1)

    def _drop(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _environ(self, body: Any) -> dict[str, Any]:
        path, _, query = self.path.partition("?")
        host, port = self.server.server_address[:2]
        environ: dict[str, Any] = {
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": body,
            "wsgi.input_terminated": True,
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin1"),
            "QUERY_STRING": query,
            "SERVER_NAME": str(host),
            "SERVER_PORT": str(port),
            "SERVER_PROTOCOL": self.request_version,
        }
        for name, value in self.headers.items():
            key = name.upper().replace("-", "_")
            environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
        return environ


class SmallServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, app: "WSGIApplication", host: str, port: int) -> None:
        self.app = app
        self._open: set[socket.socket] = set()
        super().__init__((host, port), ConnectionHandler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print the error, unless the client went away."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def close_connections(self) -> None:
        """Close the connections that clients keep alive."""
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
