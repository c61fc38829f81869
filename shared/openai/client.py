"""OpenAI's Files and Batches over HTTP.

Each call ends in an answer or in a typed error, as `refusals` reads it: `Refused` (no, for good),
`TryLater` (not now) or, where the call may have done its work although no answer came,
`OutcomeUnknown`. Reading, cancelling and deleting are repeated here a few times. Uploading and
creating never are: look whether the first call did its work before you call again.
"""

import io
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from typing import Any, BinaryIO

import httpx

from shared.aws.secrets import Secret
from shared.errors import (
    ActionRequired,
    Details,
    EdgeError,
    NotFound,
    OutcomeUnknown,
    Refused,
    TryLater,
)
from shared.nesting import read_json
from shared.openai.lists import walk
from shared.openai.models import ApiError, Batch, BatchPage, File, FilePage, SafetyAlert
from shared.openai.reading import Object, error_in, read
from shared.openai.refusals import KEY_REFUSED, Refusal
from shared.openai.retry import retry_after, with_retries
from shared.telemetry import ACTIONS_REQUIRED, count
from shared.text import masked

# Seconds. A read timeout is between two bytes; an upload's answer comes after its last byte.
TIMEOUT = httpx.Timeout(connect=5, read=60, write=60, pool=5)
LONGEST_WAIT = 20.0  # seconds of Retry-After waited for here; longer goes back to the queue
MOST_REDIRECTS = 5
NO_ROUTE = "the server has no such route, or not yet (is the base URL right?)"
PAGE = 100
FILES_PAGE = 1_000
CHUNK = 1 << 18
UPLOAD_EXPIRY = 2_592_000  # seconds, the longest there is: 30 days


class OpenAI:
    """One project's files and batches. Each failure is a typed error."""

    def __init__(
        self,
        http: httpx.Client,
        key: Secret,
        pause: Callable[[float], None] = time.sleep,
        headers: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self._http = http
        self._key = key
        self._pause = pause
        self._headers = headers

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
        return self.send_file(fields, files)

    def send_file(self, fields: Mapping[str, str], files: Mapping[str, Any]) -> File:
        """Nothing that an upload names can be missing; what is missing is the server's route."""
        try:
            answer = self.call("POST", "/files", data=fields, files=files)
        except NotFound as error:
            raise ActionRequired(f"{error.reason}: {NO_ROUTE}", details=error.details) from error
        return read(File, answer, "POST /files")

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
        return read(Batch, self.call("POST", "/batches", json=body), "POST /batches")

    def batch(self, batch_id: str) -> Batch:
        return self.ask(Batch, "GET", f"/batches/{batch_id}")

    def cancel_batch(self, batch_id: str) -> Batch:
        """The batch as it is then; one that has ended can't be cancelled any more."""
        try:
            return self.ask(Batch, "POST", f"/batches/{batch_id}/cancel")
        except Refused:
            return self.batch(batch_id)

    def batch_page(self, after: str | None = None) -> BatchPage:
        """A page of the project's batches in the API's order (so far newest first)."""
        query = {"limit": str(PAGE)} | ({"after": after} if after else {})
        return self._ask_list(BatchPage, "/batches", query)

    def batch_pages(self) -> Iterator[list[Batch]]:
        """All of them, page by page. Raises TryLater where the list stops short of its end."""
        return (page.data for page in walk(self.batch_page, "the list of batches"))

    def file_page(self, after: str | None = None, purpose: str = "batch") -> FilePage:
        """A page of the project's files, newest first."""
        query = {"limit": str(FILES_PAGE), "purpose": purpose, "order": "desc"}
        query |= {"after": after} if after else {}
        return self._ask_list(FilePage, "/files", query)

    def file_pages(self, purpose: str = "batch") -> Iterator[list[File]]:
        """All of the project's files for a purpose, page by page, as `batch_pages`."""
        pages = walk(lambda after: self.file_page(after, purpose), "the list of files")
        return (page.data for page in pages)

    def file(self, file_id: str) -> File:
        return self.ask(File, "GET", f"/files/{file_id}")

    def safety_alert(self, alert_id: str) -> SafetyAlert:
        """What OpenAI tells of it."""
        return self.ask(SafetyAlert, "GET", f"/safety/alerts/{alert_id}")

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
        path = f"/files/{file_id}/content"
        try:
            with closing(self._sent("GET", path, stream=True, headers=headers)) as response:
                if not response.is_success:
                    response.read()
                    raise self._failure(response)
                yield Download(response)
        except httpx.HTTPError as error:
            raise TryLater(f"GET content of {file_id}: {_named(error)}") from None

    def call(self, method: str, path: str, **call: Any) -> Any:
        """One try. Raises OutcomeUnknown if no answer came: the work may be done."""
        try:
            response = self._sent(method, path, **call)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise TryLater(f"{method} {path}: {_named(error)}") from None  # nothing was sent
        except httpx.HTTPError as error:
            raise OutcomeUnknown(f"{method} {path}: {_named(error)}") from None
        if not response.is_success:
            raise self._failure(response)
        answer = _parsed(response)
        if isinstance(answer, dict) and answer.get("error") and "id" not in answer:
            raise self._failure(response)
        return answer

    def call_with_retries(self, method: str, path: str, **call: Any) -> Any:
        """For calls that do no harm if they are made twice."""
        return with_retries(lambda: self.call(method, path, **call), self._pause, LONGEST_WAIT)

    def ask(self, kind: type[Object], method: str, path: str, **call: Any) -> Object:
        """The same, for an answer that is an object or a list of a kind."""
        return read(kind, self.call_with_retries(method, path, **call), f"{method} {path}")

    def _ask_list(self, kind: type[Object], path: str, query: Mapping[str, str]) -> Object:
        """Refused, it does not mean that nothing is there: who searches has to wait."""
        try:
            return self.ask(kind, "GET", path, params=query)
        except Refused as error:
            raise TryLater(error.reason, details=error.details) from error

    def _sent(self, method: str, path: str, *, stream: bool = False, **call: Any) -> httpx.Response:
        """Follows redirects within the origin: the key goes nowhere else."""
        headers = httpx.Headers({"Authorization": f"Bearer {self._key()}"})
        headers.update(self._headers())
        headers.update(call.pop("headers", {}))
        request = self._http.build_request(method, path, headers=headers, **call)
        for _ in range(MOST_REDIRECTS):
            response = self._http.send(request, stream=stream)
            onward = response.next_request
            if onward is None or not _may_follow(request, onward):
                return response
            response.close()
            request = onward
        return response

    def _failure(self, response: httpx.Response) -> EdgeError:
        if response.status_code in KEY_REFUSED:
            self._key.forget()
        error = refusal(response).as_error()
        if isinstance(error, ActionRequired):
            count(ACTIONS_REQUIRED)
        return error


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
        code=stated.code or stated.type,
        message=stated.message,
        param=stated.param or "",
        request_id=masked(response.headers.get("x-request-id", "")),
    )
    call = f"{response.request.method} {response.request.url.path}"
    return Refusal(details, call, retry_after(response.headers))


def _stated_error(response: httpx.Response) -> ApiError:
    if response.has_redirect_location:
        return ApiError(message=f"it redirects to {_target(response)}: set the base URL to that")
    try:
        said = error_in(read_json(response.content))
    except ValueError:
        is_page = response.content.lstrip()[:1] == b"<"
        said = None if is_page else error_in(response.text)
    return ApiError.model_validate({"message": response.reason_phrase} | (said or {}))


def _may_follow(request: httpx.Request, onward: httpx.Request) -> bool:
    """Not to another origin, and not where the redirect would change what is asked."""
    asked, there = request.url, onward.url
    same_origin = (asked.scheme, asked.host, asked.port) == (there.scheme, there.host, there.port)
    return same_origin and request.method == onward.method


def _target(response: httpx.Response) -> str:
    """Without its query, which may hold a signature."""
    there = response.request.url.join(response.headers["Location"])
    return str(there.copy_with(query=None, fragment=None, username=None, password=None))


def _parsed(response: httpx.Response) -> Any:
    try:
        return read_json(response.content)
    except ValueError:
        path = response.request.url.path
        raise OutcomeUnknown(f"{path}: the answer is not JSON") from None


def _named(error: Exception) -> str:
    return f"{type(error).__name__} {error}".strip()
