"""`… local.measure.kit.file_store FOLDER [PREFIX…]`: S3 over HTTP, with files for objects.

For objects larger than a local AWS can hold in memory. It serves the files of the folder, ranges
too, with the metadata that `<name>.metadata` beside a file holds as JSON. It stores what is put
under one of the prefixes, and discards the rest.
"""

import json
import os
import shutil
import sys
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

PIECE = 1 << 20
ETAG = '"0123456789abcdef0123456789abcdef"'
STARTED = "<InitiateMultipartUploadResult><UploadId>{}</UploadId></InitiateMultipartUploadResult>"
ENDED = f"<CompleteMultipartUploadResult><ETag>{ETAG}</ETag></CompleteMultipartUploadResult>"
UNKNOWN = "<Error><Code>NoSuchKey</Code></Error>"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    folder: ClassVar[Path]
    kept: ClassVar[tuple[str, ...]]
    uploads: ClassVar = count(1)

    def do_GET(self) -> None:
        path = self._path()
        if not path.is_file():
            self._reply(404, UNKNOWN)
            return
        size = path.stat().st_size
        start, end = self._range(size)
        self.send_response_only(206 if "Range" in self.headers else 200)
        self.send_header("Content-Length", str(end - start))
        self.send_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
        self.send_header("ETag", ETAG)
        for name, value in self._metadata(path).items():
            self.send_header(f"x-amz-meta-{name}", value)
        self.send_header("Last-Modified", "Sun, 01 Nov 2026 00:00:00 GMT")
        self.end_headers()
        if self.command == "GET":
            self._send(path, start, end)

    do_HEAD = do_GET  # noqa: N815

    def do_PUT(self) -> None:
        """An object, or a piece of one."""
        with self._destination().open("wb") as file:
            left = int(self.headers.get("Content-Length", 0))
            while left and (data := self.rfile.read(min(left, PIECE))):
                file.write(data)
                left -= len(data)
        self._reply(200)

    def do_POST(self) -> None:
        """Begins an upload in pieces, or ends it."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        upload = self._query("uploadId")
        if not upload:
            self._reply(200, STARTED.format(next(self.uploads)))
            return
        self._join(list(self.folder.glob(f"{upload}.piece.*")))
        self._reply(200, ENDED)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Log nothing."""

    def _join(self, pieces: list[Path]) -> None:
        if not pieces:
            return  # they were discarded
        with self._path().open("wb") as whole:
            for piece in sorted(pieces, key=lambda each: int(each.suffix[1:])):
                with piece.open("rb") as part:
                    shutil.copyfileobj(part, whole, PIECE)
                piece.unlink()

    def _destination(self) -> Path:
        """Where the bytes of a PUT go."""
        path = self._path()
        key = str(path.relative_to(self.folder)).partition("/")[2]
        if not key.startswith(self.kept):
            return Path(os.devnull)
        path.parent.mkdir(parents=True, exist_ok=True)
        upload = self._query("uploadId")
        return self.folder / f"{upload}.piece.{self._query('partNumber')}" if upload else path

    def _path(self) -> Path:
        return self.folder / unquote(urlsplit(self.path).path).strip("/")

    def _metadata(self, path: Path) -> dict[str, str]:
        beside = path.with_name(f"{path.name}.metadata")
        own = json.loads(beside.read_text()) if beside.is_file() else {}
        return {"keep-files": "true"} | own  # so that a landing can be repeated

    def _query(self, name: str) -> str:
        return parse_qs(urlsplit(self.path).query).get(name, [""])[0]

    def _range(self, size: int) -> tuple[int, int]:
        asked = self.headers.get("Range", "bytes=0-").removeprefix("bytes=")
        start, _, end = asked.partition("-")
        return int(start), min(int(end) + 1, size) if end else size

    def _send(self, path: Path, start: int, end: int) -> None:
        self.wfile.flush()
        with path.open("rb") as file:
            while start < end:
                start += os.sendfile(self.connection.fileno(), file.fileno(), start, end - start)

    def _reply(self, status: int, text: str = "") -> None:
        self.send_response_only(status)
        self.send_header("ETag", ETAG)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main(argv: Sequence[str]) -> int:
    Handler.folder, Handler.kept = Path(argv[0]), tuple(argv[1:])
    with Server(("127.0.0.1", 0), Handler) as server:
        print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
        server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
