"""The Batches API: creating with every refusal that comes at once, looking, cancelling."""

from collections.abc import Callable
from dataclasses import dataclass

from werkzeug.wrappers import Response

from local.openai.batches.answers import MAKERS
from local.openai.batches.batch import Batch
from local.openai.batches.lifecycle import Life
from local.openai.context import Rate, World
from local.openai.files.api import THIRTY_DAYS, Files
from local.openai.http import validation
from local.openai.http.messages import Json, Refusal, SmallRequest, json_answer
from local.openai.http.paging import page
from local.openai.quirks import BATCH_QUIRKS, Quirk
from local.openai.stores.api import Stores
from local.openai.stores.file_search import Librarian

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
assert set(ENDPOINTS) == set(MAKERS)


@dataclass(frozen=True)
class Seen:
    """A batch as it is now, for a list."""

    batch: Batch
    now: float

    @property
    def id(self) -> str:
        return self.batch.id

    def view(self) -> Json:
        return self.batch.view(self.now)


class Batches:
    def __init__(self, world: World, files: Files, stores: Stores) -> None:
        self.world = world
        self.files = files
        self.life = Life(world, files, Librarian(stores))

    def routes(self) -> list[tuple[str, str, str, Callable[..., Response]]]:
        return [
            ("POST", "/v1/batches", "create_batch", self.create),
            ("GET", "/v1/batches", "list_batches", self.list),
            ("GET", "/v1/batches/<batch>", "retrieve_batch", self.retrieve),
            ("POST", "/v1/batches/<batch>/cancel", "cancel_batch", self.cancel),
        ]

    def create(self, request: SmallRequest) -> Response:
        body = request.json_body()
        batch = self._wanted(body)
        limit = self.world.settings.creations_per_hour
        self.world.within(Rate("batch creations", limit, 3_600, tell=False))
        facts = {"endpoint": batch.endpoint, "file": batch.input_file_id, **batch.metadata}
        batch.flaws = self.world.quirks.take_all(BATCH_QUIRKS, facts)
        self.life.begin(batch)
        return json_answer(batch.view(self.world.now()))

    def list(self, request: SmallRequest) -> Response:
        now = self.world.now()
        seen = [Seen(batch, now) for batch in self.life.batches.values()]
        return json_answer(page(seen, request.args, most=(100, 20), shown=self._listed))

    def retrieve(self, request: SmallRequest, batch: str) -> Response:
        return json_answer(self._find(batch).view(self.world.now()))

    def cancel(self, request: SmallRequest, batch: str) -> Response:
        found = self._find(batch)
        if found.status in ("completed", "failed", "expired"):
            raise Refusal(f"Cannot cancel a batch with status '{found.status}'.", status=409)
        self.life.cancel(found)
        return json_answer(found.view(self.world.now()))

    def afflict(self, batch: str, quirk: Quirk) -> None:
        """Lay a quirk on a batch that exists already."""
        found = self.life.batches[batch]
        found.flaws[quirk.name] = quirk
        self.life.doom(found)

    def _wanted(self, body: Json) -> Batch:
        file, endpoint, window = (validation.required(body, name) for name in PARAMETERS[:3])
        validation.only(body, PARAMETERS)
        validation.one_of(endpoint, ENDPOINTS, "endpoint")
        validation.one_of(window, ("24h",), "completion_window")
        metadata = validation.metadata(body.get("metadata"))
        expires = self._expires_after(body.get("output_expires_after"))
        self._input(validation.of_type(file, "string", "input_file_id"))
        id_, now = self.world.hex_id("batch_"), self.world.now()
        return Batch(id_, endpoint, file, metadata, now, expires)

    def _expires_after(self, wanted: object) -> int:
        if wanted is None:
            return THIRTY_DAYS
        expires: Json = validation.of_type(wanted, "object", "output_expires_after")
        validation.only(expires, ("anchor", "seconds"), "output_expires_after.")
        validation.one_of(expires.get("anchor"), ("created_at",), "output_expires_after.anchor")
        seconds = expires.get("seconds")
        return validation.between(seconds, 3_600, THIRTY_DAYS, "output_expires_after.seconds")

    def _input(self, file: str) -> None:
        found = self.files.usable(file)
        if found is None:
            raise Refusal(
                f"Cannot find file {file}, or project {self.world.settings.project} does not have "
                "access to it.",
                param="file_id",
            )
        if found.purpose != "batch":
            message = f"File {file} has purpose '{found.purpose}', but 'batch' is needed."
            raise Refusal(message, param="input_file_id", code="invalid_file_purpose")

    def _visible(self, batch: Batch) -> bool:
        return batch.visible_at <= self.world.now()

    def _listed(self, seen: Seen) -> bool:
        return self._visible(seen.batch) and seen.batch.listed_at <= seen.now

    def _find(self, batch: str) -> Batch:
        found = self.life.batches.get(batch)
        if found is None or not self._visible(found):
            raise Refusal(f"No batch found with id '{batch}'.", status=404)
        return found
