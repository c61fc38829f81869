"""The Batches API: create with every refusal that comes at once, list, retrieve, cancel."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from werkzeug.wrappers import Response

from local.openai.batches.batch import Batch
from local.openai.batches.lifecycle import Lifecycle
from local.openai.context import Context, Rate
from local.openai.files.api import THIRTY_DAYS, Files
from local.openai.http import validation
from local.openai.http.messages import Json, Refusal, SmallRequest, json_answer
from local.openai.http.paging import oddly, page
from local.openai.inference.answers import ANSWERS
from local.openai.inference.engine import Engine
from local.openai.quirks import BATCH_QUIRKS, Quirk

ENDPOINTS = (
    "/v1/responses",
    "/v1/chat/completions",
    "/v1/embeddings",
    "/v1/completions",
    "/v1/moderations",
    "/v1/images/generations",
    "/v1/images/edits",
    "/v1/videos",
)
PARAMETERS = (
    "input_file_id",
    "endpoint",
    "completion_window",
    "metadata",
    "output_expires_after",
)
# As other programs and other servers leave them.
ODD_NEIGHBOUR: Json = {
    "id": "batch_of_somebody_else",
    "object": "batch",
    "status": {"now": "failed"},
    "created_at": "yesterday",
    "metadata": "",
    "errors": [],
    "usage": "none",
    "request_counts": None,
}
assert set(ENDPOINTS) == set(ANSWERS)


@dataclass(frozen=True)
class BatchView:
    """A batch as it is at one moment, for a list."""

    batch: Batch
    now: float

    @property
    def id(self) -> str:
        return self.batch.id

    def view(self) -> Json:
        return self.batch.view(self.now)


class Batches:
    def __init__(self, context: Context, files: Files, engine: Engine) -> None:
        self.context = context
        self.files = files
        self.lifecycle = Lifecycle(context, files, engine)

    def routes(self) -> list[tuple[str, str, str, Callable[..., Response]]]:
        return [
            ("POST", "/v1/batches", "create_batch", self.create),
            ("GET", "/v1/batches", "list_batches", self.list),
            ("GET", "/v1/batches/<batch>", "retrieve_batch", self.retrieve),
            ("POST", "/v1/batches/<batch>/cancel", "cancel_batch", self.cancel),
        ]

    def create(self, request: SmallRequest) -> Response:
        body = request.json_body()
        batch = self._new(body)
        limit = self.context.settings.creations_per_hour
        self.context.enforce(Rate("batch creations", limit, 3_600, retry_after=False))
        target = {"endpoint": batch.endpoint, "file": batch.input_file_id, **batch.metadata}
        batch.quirks = self.context.quirks.take_all(BATCH_QUIRKS, target)
        self.lifecycle.begin(batch)
        return json_answer(batch.view(self.context.now()))

    def list(self, request: SmallRequest) -> Response:
        now = self.context.now()
        views = [BatchView(batch, now) for batch in self.lifecycle.batches.values()]
        found = page(views, request.args, most=(100, 20), shown=_is_listed)
        first_page = partial(page, views, {}, most=(100, 20), shown=_is_listed)
        found = oddly(self.context.quirks, found, first_page, "list_batches")
        if self.context.quirks.take("list_odd_neighbour", {"route": "list_batches"}):
            found["data"] = [ODD_NEIGHBOUR, *found["data"]]
        return json_answer(found)

    def retrieve(self, request: SmallRequest, batch: str) -> Response:
        return json_answer(self._find(batch).view(self.context.now()))

    def cancel(self, request: SmallRequest, batch: str) -> Response:
        found = self._find(batch)
        if found.status in ("completed", "failed", "expired"):
            raise Refusal(f"Cannot cancel a batch with status '{found.status}'.", status=409)
        self.lifecycle.cancel(found)
        return json_answer(found.view(self.context.now()))

    def apply_quirk(self, batch: str, quirk: Quirk) -> None:
        """Give a quirk to a batch that exists already."""
        found = self.lifecycle.batches[batch]
        found.quirks[quirk.name] = quirk
        self.lifecycle.interfere(found)

    def _new(self, body: Json) -> Batch:
        file, endpoint, window = (validation.require(body, name) for name in PARAMETERS[:3])
        validation.check_known(body, PARAMETERS)
        validation.check_choice(endpoint, ENDPOINTS, "endpoint")
        validation.check_choice(window, self.context.settings.windows, "completion_window")
        metadata = validation.metadata(body.get("metadata"))
        expires = self._expires_after(body.get("output_expires_after"))
        self._input(validation.check_type(file, "string", "input_file_id"))
        id_, now = self.context.hex_id("batch_"), self.context.now()
        return Batch(id_, endpoint, file, metadata, now, window, expires)

    def _expires_after(self, wanted: object) -> int:
        if wanted is None:
            return THIRTY_DAYS
        expires: Json = validation.check_type(wanted, "object", "output_expires_after")
        validation.check_known(expires, ("anchor", "seconds"), "output_expires_after.")
        validation.check_choice(
            expires.get("anchor"), ("created_at",), "output_expires_after.anchor"
        )
        seconds = expires.get("seconds")
        return validation.check_range(seconds, 3_600, THIRTY_DAYS, "output_expires_after.seconds")

    def _input(self, file: str) -> None:
        found = self.files.visible(file)
        if found is None:
            project = self.context.settings.project
            raise Refusal(
                f"Cannot find file {file}, or project {project} does not have access to it.",
                param="file_id",
            )
        if found.purpose != "batch":
            message = f"File {file} has purpose '{found.purpose}', but 'batch' is needed."
            raise Refusal(message, param="input_file_id", code="invalid_file_purpose")

    def _find(self, batch: str) -> Batch:
        found = self.lifecycle.batches.get(batch)
        if found is None or found.visible_at > self.context.now():
            raise Refusal(f"No batch found with id '{batch}'.", status=404)
        return found


def _is_listed(view: BatchView) -> bool:
    return max(view.batch.visible_at, view.batch.listed_at) <= view.now
