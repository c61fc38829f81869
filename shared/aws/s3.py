"""S3: reads objects as streams, and writes them whole or not at all."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from itertools import chain
from typing import TYPE_CHECKING, Any, BinaryIO

from shared.aws.s3_reader import CHUNK, Reader, once_given, theirs, typed_errors, version_of
from shared.objects import Source, Span

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

AT_ONCE = 4  # pieces in flight


class S3Store:
    """Writes go to the data bucket; a read names its bucket."""

    def __init__(self, s3: "S3Client", data_bucket: str, piece_bytes: int) -> None:
        self._s3 = s3
        self._piece_bytes = piece_bytes  # less is one put, more is a multipart upload
        self.bucket = data_bucket

    def head(self, source: Source) -> tuple[int, Mapping[str, str]]:
        """Size in bytes and user metadata. Raises Refused where S3 will not say."""
        with theirs(source.key):
            head = self._s3.head_object(Bucket=source.bucket, Key=source.key, **version_of(source))
        return head["ContentLength"], {k: decoded(v) for k, v in head["Metadata"].items()}

    def newest(self, bucket: str, key: str) -> Source:
        """The object as others wrote it last. Raises NotFound, or Refused as `open_theirs`."""
        with theirs(key):
            head = self._s3.head_object(Bucket=bucket, Key=key)
        version = head.get("VersionId")
        return Source(
            bucket=bucket,
            key=key,
            version=version if version != "null" else None,
            etag=head["ETag"].strip('"'),
            size=head["ContentLength"],
        )

    def open(self, span: Span | Source) -> Reader:
        """The bytes as a stream, opened at the first read."""
        return Reader(self._s3, span)

    def open_theirs(self, source: Span | Source) -> Reader:
        """The same, of an object that others wrote. Raises Refused where S3 will not give it."""
        return Reader(self._s3, source, theirs)

    def open_again(self, span: Span | Source) -> Reader:
        """The same, of one that was read before. Raises NotGiven, or Refused if it is gone."""
        return Reader(self._s3, span, once_given)

    def read(self, key: str) -> bytes:
        """A small object of ours, whole. Raises NotFound."""
        return b"".join(self.chunks(self.ours(key)))

    def chunks(self, span: Span | Source) -> Iterator[bytes]:
        return _chunks(self.open(span))

    def chunks_of_theirs(self, span: Span | Source) -> Iterator[bytes]:
        """As `open_theirs`."""
        return _chunks(self.open_theirs(span))

    def beginning_of_theirs(self, source: Source, most: int) -> bytes:
        """As `open_theirs`, read at once; at most so many bytes."""
        reader = self.open_theirs(source)
        held, left = list[bytes](), most
        while left and (chunk := reader.read(min(left, CHUNK))):
            held.append(chunk)
            left -= len(chunk)
        return b"".join(held)

    def written_at(self, source: Source) -> datetime:
        """When others wrote it. Raises NotFound, or Refused as `open_theirs`."""
        with theirs(source.key):
            head = self._s3.head_object(Bucket=source.bucket, Key=source.key, **version_of(source))
        return head["LastModified"]

    def chunks_again(self, span: Span | Source) -> Iterator[bytes]:
        """As `open_again`."""
        return _chunks(self.open_again(span))

    def ours(self, key: str) -> Source:
        return Source(bucket=self.bucket, key=key)

    def write(self, key: str, chunks: Iterable[bytes], kind: str = "application/jsonl") -> int:
        """Writes an object, in one piece or (streamed) in many; returns its bytes."""
        pieces = _pieces(chunks, self._piece_bytes)
        first = next(pieces, b"")
        with typed_errors(key):
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
        listing = self._s3.get_paginator("list_object_versions")
        for page in _pages(listing, {"Bucket": bucket, "Prefix": prefix}):
            for each in page.get("Versions", []):
                if each["IsLatest"]:
                    yield _listed(bucket, each), each["LastModified"]

    def history(self, source: Source) -> Iterator[Source]:
        """The versions of an object before its newest, the newer first."""
        listing = self._s3.get_paginator("list_object_versions")
        for page in _pages(listing, {"Bucket": source.bucket, "Prefix": source.key}):
            for each in page.get("Versions", []):
                if each["Key"] == source.key and not each["IsLatest"]:
                    yield _listed(source.bucket, each)

    def folders(self, bucket: str, prefix: str) -> Iterator[str]:
        """Names of the folders right under a prefix."""
        listing = self._s3.get_paginator("list_objects_v2")
        for page in _pages(listing, {"Bucket": bucket, "Prefix": prefix, "Delimiter": "/"}):
            for each in page.get("CommonPrefixes", []):
                yield each["Prefix"].removeprefix(prefix).rstrip("/")


def _chunks(reader: Reader) -> Iterator[bytes]:
    while chunk := reader.read(CHUNK):
        yield chunk


def decoded(value: str) -> str:
    """Metadata that is not ASCII comes back as S3 keeps it, in RFC 2047's words."""
    if "=?" not in value:
        return value
    try:
        return str(make_header(decode_header(value)))
    except (HeaderParseError, LookupError, ValueError):
        return value


def _pages(listing: Any, query: dict[str, str]) -> Iterator[dict[str, Any]]:
    """A list page by page; a list that S3 refuses fails in our words, as every other call does."""
    pages = iter(listing.paginate(**query))
    while True:
        with typed_errors(query["Prefix"]):
            page = next(pages, None)
        if page is None:
            return
        yield page


def _listed(bucket: str, version: Any) -> Source:
    version_id = version["VersionId"]
    return Source(
        bucket=bucket,
        key=version["Key"],
        version=version_id if version_id != "null" else None,
        etag=version["ETag"].strip('"'),
        size=version["Size"],
    )


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
