"""The Files API: upload, list, download, delete; files expire by the clock."""

import heapq
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePath

import orjson
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from local.openai.context import Context, Rate
from local.openai.files.content import content
from local.openai.http import validation
from local.openai.http.messages import Json, Refusal, SmallRequest, json_answer
from local.openai.http.paging import oddly, page
from local.openai.quirks import Quirk

PURPOSES = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")
THIRTY_DAYS = 2_592_000
BOM = b"\xef\xbb\xbf"


@dataclass
class File:
    """A stored file, and the path of its bytes."""

    id: str
    path: Path
    bytes: int
    created_at: float
    filename: str
    purpose: str
    expires_at: int | None = None
    visible_at: float = 0.0
    quirks: dict[str, Quirk] = field(default_factory=dict)

    def view(self) -> Json:
        return {
            "id": self.id,
            "object": "file",
            "bytes": self.bytes,
            "created_at": int(self.created_at),
            "expires_at": self.expires_at,
            "filename": self.filename,
            "purpose": self.purpose,
            "status": "processed",
            "status_details": None,
        }


class Files:
    def __init__(self, context: Context) -> None:
        self.context = context
        self.by_id: dict[str, File] = {}
        self._expiries: list[tuple[int, str]] = []
        self.on_delete: list[Callable[[str], None]] = []

    def routes(self) -> list[tuple[str, str, str, Callable[..., Response]]]:
        return [
            ("POST", "/v1/files", "upload", self.upload),
            ("GET", "/v1/files", "list_files", self.list),
            ("GET", "/v1/files/<file>", "retrieve_file", self.retrieve),
            ("GET", "/v1/files/<file>/content", "download", self.download),
            ("DELETE", "/v1/files/<file>", "delete_file", self.delete),
        ]

    def upload(self, request: SmallRequest) -> Response:
        limit = self.context.settings.uploads_per_minute
        self.context.enforce(Rate("file uploads", limit, 60, retry_after=False))
        form: Json = request.form.to_dict()
        upload = request.files.get("file")
        validation.require(form, "purpose")
        purpose = validation.check_choice(form["purpose"], PURPOSES, "purpose")
        validation.check_known(form, ("purpose", "expires_after[anchor]", "expires_after[seconds]"))
        if upload is None or upload.filename is None:
            raise Refusal("'file' is a required property", param="file")
        size = self._accepted_size(upload, purpose)
        expires_at = self._expires_at(form, purpose)
        file = self._keep(upload, size, purpose, expires_at)
        return json_answer(file.view())

    def list(self, request: SmallRequest) -> Response:
        purpose = request.args.get("purpose")
        shown = lambda file: self._visible(file) and purpose in (None, file.purpose)  # noqa: E731
        files = list(self.by_id.values())
        found = page(files, request.args, most=(10_000, 10_000), shown=shown)
        first_page = partial(page, files, {}, most=(10_000, 10_000), shown=shown)
        return json_answer(oddly(self.context.quirks, found, first_page, "list_files"))

    def retrieve(self, request: SmallRequest, file: str) -> Response:
        return json_answer(self.find(file).view())

    def download(self, request: SmallRequest, file: str) -> Response:
        found = self.find(file)
        target = {"file": file, "purpose": found.purpose, "filename": found.filename}
        return content(found, request.environ, self.context.quirks, target)

    def delete(self, request: SmallRequest, file: str) -> Response:
        self.find(file)
        self.drop(file)
        return json_answer({"id": file, "object": "file", "deleted": True})

    def find(self, file: str) -> File:
        found = self.by_id.get(file)
        if found is None or not self._visible(found):
            raise Refusal(f"No such File object: {file}", status=404, param="id")
        return found

    def visible(self, file: str) -> File | None:
        """The file as the Batch API sees it: none where it does not exist, or not yet."""
        found = self.by_id.get(file)
        return found if found is not None and self._visible(found) else None

    def add(self, path: Path, filename: str, at: float, lifetime: int) -> File:
        """Take over an output file that a batch has written."""
        id_ = self.context.file_id()
        place = path.rename(self._place(id_))
        expires_at = int(at) + lifetime
        size = place.stat().st_size
        return self._known(File(id_, place, size, at, filename, "batch_output", expires_at))

    def drop(self, file: str) -> None:
        self.by_id.pop(file).path.unlink(missing_ok=True)
        for notify in self.on_delete:
            notify(file)

    def advance(self) -> None:
        while self._expiries and self._expiries[0][0] <= self.context.now():
            _, file = heapq.heappop(self._expiries)
            if file in self.by_id:
                self.drop(file)

    def _visible(self, file: File) -> bool:
        return file.visible_at <= self.context.now()

    def _place(self, id_: str) -> Path:
        return self.context.folder / id_

    def _accepted_size(self, upload: FileStorage, purpose: str) -> int:
        size = upload.stream.seek(0, os.SEEK_END)
        upload.stream.seek(0)
        if size > self.context.settings.max_file_bytes:
            raise Refusal("File is too large.", status=413)
        if purpose == "batch" and not _looks_like_a_batch(upload, size):
            raise Refusal("Invalid file format for Batch API. Must be .jsonl").with_detail()
        return size

    def _expires_at(self, form: Json, purpose: str) -> int | None:
        now = int(self.context.now())
        anchor = form.get("expires_after[anchor]")
        seconds = form.get("expires_after[seconds]")
        if anchor is None and seconds is None:
            return now + THIRTY_DAYS if purpose == "batch" else None
        validation.check_choice(anchor, ("created_at",), "expires_after.anchor")
        if not str(seconds).isdecimal():
            validation.check_type(seconds, "integer", "expires_after.seconds")
        return now + validation.check_range(
            int(str(seconds)), 3_600, THIRTY_DAYS, "expires_after.seconds"
        )

    def _keep(self, upload: FileStorage, size: int, purpose: str, expires_at: int | None) -> File:
        id_ = self.context.file_id()
        path = self._place(id_)
        # The upload is a temporary file in the same folder: a second name keeps its bytes.
        os.link(str(upload.stream.name), path)
        now = self.context.now()
        file = File(id_, path, size, now, str(upload.filename), purpose, expires_at)
        target = {"purpose": purpose, "filename": file.filename}
        if slow := self.context.quirks.take("file_not_visible", target):
            file.visible_at = now + self.context.clock_seconds(slow.number("seconds", 2))
        return self._known(file)

    def _known(self, file: File) -> File:
        self.by_id[file.id] = file
        if file.expires_at is not None:
            heapq.heappush(self._expiries, (file.expires_at, file.id))
        return file


def _looks_like_a_batch(upload: FileStorage, size: int) -> bool:
    """Only the name and the first line are checked at upload; a batch checks the rest."""
    # The official client calls bytes without a name `upload`: that is accepted, `.txt` is not.
    if size == 0 or PurePath(str(upload.filename)).suffix not in ("", ".jsonl"):
        return False
    line = upload.stream.readline().removeprefix(BOM)
    upload.stream.seek(0)
    try:
        return isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False
