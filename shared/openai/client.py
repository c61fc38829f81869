"""OpenAI's Files and Batches over HTTP.

Each call ends in an answer or in a typed error, as `refusals` reads it: `Refused` (no, for good),
`TryLater` (not now) or, where the call may have done its work although no answer came,
`OutcomeUnknown`. Reading, cancelling and deleting are repeated here a few times. Uploading and
creating never are: look whether the first call did its work before you call again.
"""

import io
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO

import httpx
from pydantic import ValidationError

from shared.aws.secrets import Secret
from shared.errors import Details, EdgeError, NotFound, OutcomeUnknown, Refused, TryLater
from shared.nesting import read_json
from shared.openai.models import ApiError, Batch, BatchPage, ErrorEnvelope, File, FilePage
from shared.openai.refusals import KEY_REFUSED, Refusal, masked
from shared.openai.retry import retry_after, with_retries

# Seconds. A read timeout is between two bytes; an upload's answer comes after its last byte.
TIMEOUT = httpx.Timeout(connect=5, read=60, write=60, pool=5)
LONGEST_WAIT = 20.0  # seconds of Retry-After waited for here; longer goes back to the queue
PAGE = 100
FILES_PAGE = 1_000
CHUNK = 1 << 18
UPLOAD_EXPIRY = 2_592_000  # seconds, the longest there is: 30 days


class OpenAI:
    """One project's files and batches. Each failure is a typed error."""

    def __init__(
        self, http: httpx.Client, key: Secret, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._http = http
        self._key = key
        self._pause = pause

    def close(self) -> None:
        self._http.close()

    def upload(self, name: str, file: io.RawIOBase | BinaryIO) -> File:
        """Streams one batch file with its Content-Length, so `file` has to know its end."""
        fields = {
            "purpose": "batch",
            "expires_after[anchor]": "created_at",
            "expires_after[seconds]": str(UPLOAD_EXPIRY),
        }
        files = {"file": (name, file, "application/jsonl")}
        return File.model_validate(self.call("POST", "/files", data=fields, files=files))

    def create_batch(
        self, input_file_id: str, endpoint: str, window: str, metadata: Mapping[str, str]
    ) -> Batch:
        """Creates a batch, which costs money: look for it before you call this again."""
        body = {
            "input_file_id": input_file_id,
            "endpoint": endpoint,
            "completion_window": window,
            "metadata": dict(metadata),
        }
        return Batch.model_validate(self.call("POST", "/batches", json=body))

    def batch(self, batch_id: str) -> Batch:
        return Batch.model_validate(self.call_with_retries("GET", f"/batches/{batch_id}"))

    def cancel_batch(self, batch_id: str) -> Batch:
        """The batch as it is then; one that has ended can't be cancelled any more."""
        try:
            return Batch.model_validate(
                self.call_with_retries("POST", f"/batches/{batch_id}/cancel")
            )
        except Refused:
            return self.batch(batch_id)

    def batch_page(self, after: str | None = None) -> BatchPage:
        """A page of the project's batches in the API's order (so far newest first)."""
        query = {"limit": str(PAGE)} | ({"after": after} if after else {})
        return BatchPage.model_validate(self.call_with_retries("GET", "/batches", params=query))

    def batch_pages(self) -> Iterator[list[Batch]]:
        """All of them, page by page."""
        page = self.batch_page()
        yield page.data
        while after := page.after:
            page = self.batch_page(after)
            yield page.data

    def file_page(self, after: str | None = None, purpose: str = "batch") -> FilePage:
        """A page of the project's files, newest first."""
        query = {"limit": str(FILES_PAGE), "purpose": purpose, "order": "desc"}
        query |= {"after": after} if after else {}
        return FilePage.model_validate(self.call_with_retries("GET", "/files", params=query))

    def file_pages(self, purpose: str = "batch") -> Iterator[list[File]]:
        """All of the project's files for a purpose, page by page."""
        page = self.file_page(purpose=purpose)
        yield page.data
        while after := page.after:
            page = self.file_page(after, purpose)
            yield page.data

    def file(self, file_id: str) -> File:
        return File.model_validate(self.call_with_retries("GET", f"/files/{file_id}"))

    def delete_file(self, file_id: str) -> None:
        """A file that does not exist is deleted too."""
        with suppress(NotFound):
            self.call_with_retries("DELETE", f"/files/{file_id}")

    @contextmanager
    def content(self, file_id: str, start: int = 0, etag: str = "") -> Iterator["Download"]:
        """A file's bytes from `start` on, as they come."""
        headers = {"Range": f"bytes={start}-"} if start else {}
        if start and etag:
            headers["If-Range"] = etag
        try:
            with self._http.stream(
                "GET", f"/files/{file_id}/content", headers=headers | self._auth()
            ) as response:
                if response.is_error:
                    response.read()
                    raise self._failure(response)
                yield Download(response)
        except httpx.HTTPError as error:
            raise TryLater(f"GET content of {file_id}: {_named(error)}") from error

    def call(self, method: str, path: str, **call: Any) -> Any:
        """One try. Raises OutcomeUnknown if no answer came: the work may be done."""
        try:
            response = self._http.request(method, path, headers=self._auth(), **call)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise TryLater(f"{method} {path}: {_named(error)}") from error  # nothing was sent
        except httpx.HTTPError as error:
            raise OutcomeUnknown(f"{method} {path}: {_named(error)}") from error
        if response.is_error:
            raise self._failure(response)
        return _parsed(response)

    def call_with_retries(self, method: str, path: str, **call: Any) -> Any:
        """For calls that do no harm if they are made twice."""
        return with_retries(lambda: self.call(method, path, **call), self._pause, LONGEST_WAIT)

    def _auth(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._key()}"}

    def _failure(self, response: httpx.Response) -> EdgeError:
        if response.status_code in KEY_REFUSED:
            self._key.forget()
        return refusal(response).as_error()


class Download:
    """A running download: whether it goes on where it was cut, and its bytes."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.resumed = response.status_code == httpx.codes.PARTIAL_CONTENT
        self.etag = response.headers.get("ETag", "")

    def chunks(self) -> Iterator[bytes]:
        """The bytes as sent; a cut connection raises TryLater from `content`."""
        return self._response.iter_bytes(CHUNK)


def connect(base_url: str, headers: Mapping[str, str]) -> httpx.Client:
    """Connections are kept and shared: make one client for each process."""
    return httpx.Client(base_url=base_url, headers=headers, timeout=TIMEOUT)


def refusal(response: httpx.Response) -> Refusal:
    """An error as OpenAI states it."""
    stated = _stated_error(response)
    details = Details(
        status=response.status_code,
        code=stated.code,
        message=masked(stated.message),
        request_id=response.headers.get("x-request-id", ""),
    )
    call = f"{response.request.method} {response.request.url.path}"
    return Refusal(details, call, retry_after(response.headers))


def _stated_error(response: httpx.Response) -> ApiError:
    try:
        return ErrorEnvelope.model_validate_json(response.content).error
    except ValidationError:
        return ApiError(message=response.reason_phrase)


def _parsed(response: httpx.Response) -> Any:
    try:
        return read_json(response.content)
    except ValueError as error:
        raise OutcomeUnknown(f"{response.request.url.path}: the answer is not JSON") from error


def _named(error: Exception) -> str:
    return f"{type(error).__name__} {error}".strip()
