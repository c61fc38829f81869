"""Reads one object of S3 as a stream that survives a broken connection."""

import io
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    IncompleteReadError,
    ReadTimeoutError,
    ResponseStreamingError,
)

from shared.aws.failures import BUSY, code_of
from shared.errors import Details, NotFound, NotGiven, Refused, TryLater
from shared.objects import Source, Span

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Typed = Callable[[str], AbstractContextManager[None]]  # a key to what types S3's errors

CHUNK = 1 << 18
RETRIES = 3  # of a read that broke off, each from where it stopped
BROKEN = (IncompleteReadError, ReadTimeoutError, ResponseStreamingError, ConnectionClosedError)
OURS = frozenset(
    {"ExpiredToken", "InvalidAccessKeyId", "InvalidToken", "RequestTimeTooSkewed"}
    | {"SignatureDoesNotMatch"}
)  # it is the function's credentials that are wrong, not the object
GONE = "object_gone"
GIVE_BACK = "is it archived, or its KMS key or a policy changed? The stack's roles must read it"
MISSING = frozenset({"NoSuchKey", "NoSuchVersion", "404", "NotFound", "MethodNotAllowed"})


class Reader(io.RawIOBase):
    """One object or a span of it, read forward; after a broken connection it continues."""

    def __init__(self, s3: "S3Client", span: Span | Source, typed: "Typed | None" = None) -> None:
        self._s3 = s3
        self._typed = typed or typed_errors
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
        request |= version_of(self._span)
        if self._end is not None:
            request["Range"] = f"bytes={self._at}-{self._end - 1}"
        elif self._at:
            request["Range"] = f"bytes={self._at}-"
        with self._typed(self._span.key):
            answer = self._s3.get_object(**request)
        if "Range" in request and not answer.get("ContentRange"):
            _skip(answer["Body"], self._at)
        return answer["Body"]


@contextmanager
def typed_errors(key: str) -> Iterator[None]:
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


@contextmanager
def theirs(key: str) -> Iterator[None]:
    """Of an object that others wrote: raises Refused too, where S3 will not give it."""
    try:
        with typed_errors(key):
            yield
    except ClientError as error:
        answer = error.response.get("Error", {})
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if not 400 <= status < 500 or code_of(error) in OURS:
            raise
        details = Details(status, code_of(error), answer.get("Message", ""))
        raise Refused(f"{key}: {details.code}: {details.message}", details) from error


@contextmanager
def once_given(key: str) -> Iterator[None]:
    """Of an object that was read before: a person may give it back, unless it is gone.

    Raises NotGiven, or Refused with the code `object_gone`.
    """
    try:
        with theirs(key):
            yield
    except NotFound as error:
        details = Details(404, GONE, error.reason)
        raise Refused(f"{key} was deleted, with its version", details) from error
    except Refused as error:
        raise NotGiven(f"{error.reason} ({GIVE_BACK})", details=error.details) from error


def version_of(source: Span | Source) -> dict[str, Any]:
    return {"VersionId": source.version} if source.version else {}


def _skip(body: Any, left: int) -> None:
    while left and (skipped := body.read(min(left, CHUNK))):
        left -= len(skipped)
