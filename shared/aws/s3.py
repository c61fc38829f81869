"""S3: reads objects as streams that survive a broken connection, and writes them whole or not."""

import io
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, Any, BinaryIO

from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)

from shared.aws.failures import BUSY, code_of
from shared.errors import Details, NotFound, TryLater
from shared.objects import Source, Span

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CHUNK = 1 << 18
AT_ONCE = 4  # pieces in flight
RETRIES = 3  # of a read that broke off, each from where it stopped
BROKEN = (IncompleteReadError, ReadTimeoutError, ResponseStreamingError, ConnectionClosedError)
MISSING = frozenset({"NoSuchKey", "NoSuchVersion", "404", "NotFound", "MethodNotAllowed"})


class S3Store:
    """Writes go to the data bucket; a read names its bucket."""

    def __init__(self, s3: "S3Client", data_bucket: str, piece_bytes: int) -> None:
        self._s3 = s3
        self._piece_bytes = piece_bytes  # less is one put, more is a multipart upload
        self.bucket = data_bucket

    def head(self, source: Source) -> tuple[int, Mapping[str, str]]:
        """Size in bytes and user metadata. Raises NotFound."""
        with _typed_errors(source.key):
            head = self._s3.head_object(Bucket=source.bucket, Key=source.key, **_version(source))
        return head["ContentLength"], head["Metadata"]

    def newest(self, bucket: str, key: str) -> Source:
        """The object as it was written last. Raises NotFound."""
        with _typed_errors(key):
            head = self._s3.head_object(Bucket=bucket, Key=key)
        version = head.get("VersionId")
        return Source(
            bucket=bucket,
            key=key,
            version=version if version != "null" else None,
            etag=head["ETag"].strip('"'),
            size=head["ContentLength"],
        )

    def open(self, span: Span | Source) -> "Reader":
        """The bytes as a stream, opened at the first read."""
        return Reader(self._s3, span)

    def read(self, key: str) -> bytes:
        """A small object of ours, whole. Raises NotFound."""
        return b"".join(self.chunks(self.ours(key)))

    def chunks(self, span: Span | Source) -> Iterator[bytes]:
        reader = self.open(span)
        while chunk := reader.read(CHUNK):
            yield chunk

    def ours(self, key: str) -> Source:
        return Source(bucket=self.bucket, key=key)

    def write(self, key: str, chunks: Iterable[bytes], kind: str = "application/jsonl") -> int:
        """Writes an object, in one piece or (streamed) in many; returns its bytes."""
        pieces = _pieces(chunks, self._piece_bytes)
        first = next(pieces, b"")
        with _typed_errors(key):
            if len(first) >= self._piece_bytes:
                return self._write_in_pieces(key, chain([first], pieces), kind)
            self._s3.put_object(Bucket=self.bucket, Key=key, Body=first, ContentType=kind)
        return len(first)

    def _write_in_pieces(self, key: str, pieces: Iterator[bytes], kind: str) -> int:
        """A few pieces in flight at once; a failure leaves nothing behind."""
        begun = self._s3.create_multipart_upload(Bucket=self.bucket, Key=key, ContentType=kind)
        upload: Any = {"Bucket": self.bucket, "Key": key, "UploadId": begun["UploadId"]}
        try:
            written, parts = self._send(upload, pieces)
            self._s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
        except BaseException:
            self._s3.abort_multipart_upload(**upload)
            raise
        return written

    def _send(self, upload: Any, pieces: Iterator[bytes]) -> tuple[int, list[Any]]:
        """The number of bytes, and the parts.

        Pieces are made here, in one thread: memory that many threads allocate is not given back
        (329 MB were seen where 145 are enough).
        """

        def send(number: int, piece: bytes) -> Any:
            sent = self._s3.upload_part(**upload, PartNumber=number, Body=piece)
            return {"PartNumber": number, "ETag": sent["ETag"]}

        written, parts, in_flight = 0, list[Any](), deque[Future[Any]]()
        with ThreadPoolExecutor(AT_ONCE) as threads:
            for number, piece in enumerate(pieces, start=1):
                if len(in_flight) == AT_ONCE:
                    parts.append(in_flight.popleft().result())
                in_flight.append(threads.submit(send, number, piece))
                written += len(piece)
        return written, parts + [each.result() for each in in_flight]

    def write_file(self, key: str, file: BinaryIO, kind: str = "application/jsonl") -> int:
        """Writes a file on disk, from its beginning."""
        file.seek(0)
        return self.write(key, iter(lambda: file.read(CHUNK), b""), kind)

    def versions(self, bucket: str, prefix: str) -> Iterator[tuple[Source, datetime]]:
        """Every object's newest version under a prefix, and when it was written."""
        pages = self._s3.get_paginator("list_object_versions").paginate(
            Bucket=bucket, Prefix=prefix
        )
        for page in pages:
            for each in page.get("Versions", []):
                if each["IsLatest"]:
                    yield _listed(bucket, each), each["LastModified"]

    def folders(self, bucket: str, prefix: str) -> Iterator[str]:
        """Names of the folders right under a prefix."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=prefix, Delimiter="/"
        )
        for page in pages:
            for each in page.get("CommonPrefixes", []):
                yield each["Prefix"].removeprefix(prefix).rstrip("/")


class Reader(io.RawIOBase):
    """One object or a span of it, read forward; after a broken connection it continues."""

    def __init__(self, s3: "S3Client", span: Span | Source) -> None:
        self._s3 = s3
        self._span = span
        self._start = span.start if isinstance(span, Span) else 0
        self._end = span.start + span.length if isinstance(span, Span) else None
        self._at = self._start
        self._body: Any = None

    def read(self, size: int = -1, /) -> bytes:
        for tried in range(RETRIES + 1):
            try:
                return self._read(size)
            except BROKEN as error:
                self._body = None
                if tried == RETRIES:
                    raise TryLater(f"reading {self._span.key}: {error}") from error
        raise AssertionError("the last try either returns or raises")

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at - self._start

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Only spans seek: the uploader goes to the end and back to measure the length."""
        if self._end is None:
            raise io.UnsupportedOperation("the length of a whole object is not known")
        origin = (self._start, self._at, self._end)[whence]
        if origin + offset != self._at:
            self._at, self._body = origin + offset, None
        return self.tell()

    def _read(self, size: int) -> bytes:
        if self._at == self._end:
            return b""
        if self._body is None:
            self._body = self._opened()
        data: bytes = self._body.read(self._at_most(size))
        if not data and self._end is not None:
            raise TryLater(f"reading {self._span.key}: it ended {self._end - self._at} bytes early")
        self._at += len(data)
        return data

    def _at_most(self, size: int) -> int | None:
        """Never past the span's end, whatever the server sends."""
        if self._end is None:
            return size if size >= 0 else None
        left = self._end - self._at
        return min(size, left) if size >= 0 else left

    def _opened(self) -> Any:
        """The object's bytes from here.

        Some servers ignore a range and send all (MiniStack does if a version is named): then what
        comes before is read and dropped.
        """
        request: dict[str, Any] = {"Bucket": self._span.bucket, "Key": self._span.key}
        request |= _version(self._span)
        if self._end is not None:
            request["Range"] = f"bytes={self._at}-{self._end - 1}"
        elif self._at:
            request["Range"] = f"bytes={self._at}-"
        with _typed_errors(self._span.key):
            answer = self._s3.get_object(**request)
        if "Range" in request and not answer.get("ContentRange"):
            _skip(answer["Body"], self._at)
        return answer["Body"]


@contextmanager
def _typed_errors(key: str) -> Iterator[None]:
    """Raises NotFound or TryLater where S3's error means that."""
    try:
        yield
    except ClientError as error:
        code = code_of(error)
        if code in MISSING:
            raise NotFound(f"{key}: {code}", Details(404, code)) from error
        if code in BUSY:
            raise TryLater(f"{key}: {code}") from error
        raise


def _listed(bucket: str, version: Any) -> Source:
    version_id = version["VersionId"]
    return Source(
        bucket=bucket,
        key=version["Key"],
        version=version_id if version_id != "null" else None,
        etag=version["ETag"].strip('"'),
        size=version["Size"],
    )


def _skip(body: Any, left: int) -> None:
    while left and (skipped := body.read(min(left, CHUNK))):
        left -= len(skipped)


def _version(source: Span | Source) -> dict[str, Any]:
    return {"VersionId": source.version} if source.version else {}


def _pieces(chunks: Iterable[bytes], full: int) -> Iterator[bytes]:
    """Of `full` bytes or a little more; the last one may be shorter."""
    held, size = list[bytes](), 0
    for chunk in chunks:
        held.append(chunk)
        size += len(chunk)
        if size >= full:
            piece = b"".join(held)
            held, size = [], 0
            yield piece
    if held:
        yield b"".join(held)
