"""S3's buckets on moto's own, called without HTTP: this module leans on moto's internals."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import count
from typing import Any

from botocore.exceptions import ResponseStreamingError
from botocore.response import StreamingBody
from moto.s3.models import FakeKey, S3Backend, s3_backends

from tests.simulation.aws_tables import ACCOUNT, REGION
from tests.simulation.calls import Answer, Error, Parsed, Status, failure
from tests.support.names import AUDIT, DATA, INBOX

OPERATIONS = (
    *("PutObject", "HeadObject", "GetObject", "ListObjectsV2", "ListObjectVersions"),
    *("CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "AbortMultipartUpload"),
)
PAGE = 2  # keys that a list shows at a time: S3 shows 1,000
MISSING = ("NoSuchKey", "The specified key does not exist.", 404)


@dataclass
class NotGiven:
    """How S3 refuses an object, how often (None: always), and whom it tells that it did."""

    error: Error
    times: int | None
    happened: Callable[[], None]

    def next(self) -> Error | None:
        if self.times == 0:
            return None
        if self.times is not None:
            self.times -= 1
        self.happened()
        return self.error


class Buckets:
    """The inbox, the data and the audit bucket, empty at the start."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self._uploads: dict[str, dict[int, bytes]] = {}
        self._numbers = count(1)
        self._not_given: dict[str, NotGiven] = {}
        for bucket in (INBOX, DATA, AUDIT):
            self.s3.create_bucket(bucket, REGION)
            self.s3.put_bucket_versioning(bucket, "Enabled")

    @cached_property
    def s3(self) -> S3Backend:
        backend: S3Backend = s3_backends[ACCOUNT]["aws"]
        return backend

    def read(self, key: str, bucket: str = DATA) -> bytes | None:
        found = self.s3.get_object(bucket, key)
        return found.value if found else None

    def keys(self, bucket: str = DATA, prefix: str = "") -> list[str]:
        return [key for key in self.s3.get_bucket(bucket).keys if key.startswith(prefix)]

    def put(self, bucket: str, key: str, content: bytes, metadata: dict[str, str]) -> Any:
        made = self.s3.put_object(bucket, key, content, disable_notification=True)
        made.set_metadata(metadata)
        made.last_modified = self.now().replace(tzinfo=None)
        return made

    def refuse(self, version: str, not_given: "NotGiven") -> None:
        """From now on S3 does not give this version of an object."""
        self._not_given[version] = not_given

    def _refused(self, asked: Parsed) -> Error | None:
        found = self._not_given.get(asked.get("VersionId", ""))
        return found.next() if found else None

    def call(self, operation: str, asked: Parsed) -> Answer:
        work: Callable[[Parsed], Answer] = getattr(self, f"_{operation}")
        return work(asked)

    def _PutObject(self, asked: Parsed) -> Answer:
        key = self.put(asked["Bucket"], asked["Key"], _bytes(asked), asked.get("Metadata", {}))
        return Status(), {"VersionId": key.version_id, "ETag": key.etag}

    def _CreateMultipartUpload(self, asked: Parsed) -> Answer:
        upload = f"upload-{next(self._numbers)}"
        self._uploads[upload] = {}
        return Status(), {"UploadId": upload}

    def _UploadPart(self, asked: Parsed) -> Answer:
        self._uploads[asked["UploadId"]][asked["PartNumber"]] = _bytes(asked)
        return Status(), {"ETag": f'"{asked["PartNumber"]}"'}

    def _CompleteMultipartUpload(self, asked: Parsed) -> Answer:
        pieces = self._uploads.pop(asked["UploadId"], None)
        if pieces is None:
            return failure(("NoSuchUpload", "The specified upload does not exist.", 404))
        named = [each["PartNumber"] for each in asked["MultipartUpload"]["Parts"]]
        content = b"".join(pieces[number] for number in named)
        key = self.put(asked["Bucket"], asked["Key"], content, {})
        return Status(), {"VersionId": key.version_id, "ETag": key.etag}

    def _AbortMultipartUpload(self, asked: Parsed) -> Answer:
        self._uploads.pop(asked["UploadId"], None)
        return Status(204), {}

    def _HeadObject(self, asked: Parsed) -> Answer:
        found = self.s3.get_object(asked["Bucket"], asked["Key"], asked.get("VersionId"))
        if found is None:
            return failure(("404", "Not Found", 404))
        metadata = {k: v for k, v in found.metadata.items() if k.lower() != "content-type"}
        head = {"ContentLength": found.size, "Metadata": metadata, "ETag": found.etag}
        head |= {"VersionId": found.version_id, "LastModified": self._modified(found)}
        return Status(), head

    def _GetObject(self, asked: Parsed) -> Answer:
        if refused := self._refused(asked):
            return failure(refused)
        found = self.s3.get_object(asked["Bucket"], asked["Key"], asked.get("VersionId"))
        if found is None:
            return failure(MISSING)
        content, answer = found.value, Parsed()
        if span := asked.get("Range"):
            first, _, last = span.removeprefix("bytes=").partition("-")
            end = min(int(last) + 1, len(content)) if last else len(content)
            answer["ContentRange"] = f"bytes {first}-{end - 1}/{len(content)}"
            content = content[int(first) : end]
        body = StreamingBody(io.BytesIO(content), len(content))
        answer |= {"Body": body, "ContentLength": len(content), "ETag": found.etag}
        return Status(), answer

    def _ListObjectsV2(self, asked: Parsed) -> Answer:
        """Folders right under a prefix, a page at a time."""
        bucket, prefix = asked["Bucket"], asked.get("Prefix", "")
        heads = {key[len(prefix) :].partition("/") for key in self.keys(bucket, prefix)}
        folders = sorted(f"{prefix}{head}/" for head, slash, _ in heads if slash)
        page, more = _page(folders, asked.get("ContinuationToken", ""))
        answer: Parsed = {"CommonPrefixes": [{"Prefix": each} for each in page]}
        return Status(), answer | _more("NextContinuationToken", page, more=more)

    def _ListObjectVersions(self, asked: Parsed) -> Answer:
        bucket, prefix = self.s3.get_bucket(asked["Bucket"]), asked.get("Prefix", "")
        by_key = dict(bucket.keys.iterlists())
        keys = sorted(key for key in by_key if key.startswith(prefix))
        page, more = _page(keys, asked.get("KeyMarker", ""))
        versions = [self._version(v, by_key[key]) for key in page for v in reversed(by_key[key])]
        answer = {"Versions": [each for each in versions if each]}
        return Status(), answer | _more("NextKeyMarker", page, more=more)

    def _version(self, key: Any, versions: Any) -> Parsed | None:
        """None: it is only a mark that the object was deleted."""
        if not isinstance(key, FakeKey):
            return None
        return {
            "Key": key.name,
            "VersionId": key.version_id,
            "IsLatest": key is versions[-1],
            "Size": key.size,
            "ETag": key.etag,
            "LastModified": self._modified(key),
        }

    def _modified(self, key: Any) -> datetime:
        return key.last_modified.replace(tzinfo=self.now().tzinfo)  # type: ignore[no-any-return]


def cut_in_the_middle(body: StreamingBody, notice: Callable[[], None]) -> StreamingBody:
    """The same bytes, but the connection breaks once they are read to their half."""
    return StreamingBody(_Cut(body.read(), notice), content_length=None)  # type: ignore[arg-type]


class _Cut(io.BytesIO):
    def __init__(self, content: bytes, notice: Callable[[], None]) -> None:
        super().__init__(content)
        self._left = len(content) // 2
        self._notice = notice

    def read(self, size: int | None = -1, /) -> bytes:
        if self._left <= 0:
            self._notice()
            raise ResponseStreamingError(error="the connection broke")
        some = super().read(self._left if size is None or size < 0 else min(size, self._left))
        self._left -= len(some)
        return some


def _bytes(asked: Parsed) -> bytes:
    """From the start in each attempt, as boto3 sends it."""
    body = asked["Body"]
    if isinstance(body, bytes):
        return body
    body.seek(0)
    return bytes(body.read())


def _page(names: list[str], after: str) -> tuple[list[str], bool]:
    left = [each for each in names if each > after]
    return left[:PAGE], len(left) > PAGE


def _more(marker: str, page: list[str], *, more: bool) -> Parsed:
    return {"IsTruncated": more} | ({marker: page[-1]} if more else {})
