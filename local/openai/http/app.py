"""The small OpenAI: a WSGI app that is as odd as the real one, on a clock of its own."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from local.openai.admin import State
from local.openai.audit.api import AuditLog
from local.openai.batches.api import Batches
from local.openai.batches.batch import Batch
from local.openai.context import World
from local.openai.files.api import File, Files
from local.openai.http.messages import Json
from local.openai.http.router import Call, Reception
from local.openai.http.transport import SmallTransport
from local.openai.quirks import BATCH_QUIRKS
from local.openai.settings import SmallSettings
from local.openai.stores.api import Stores
from local.openai.stores.documents_api import Documents
from local.openai.stores.models import Store

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class SmallOpenAI:
    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        settings: SmallSettings = SmallSettings(),  # noqa: B008 - frozen
        folder: Path | None = None,
        seed: int = 0,
    ) -> None:
        self.settings = settings
        self.world = World(clock, settings, folder, seed)
        self._files = Files(self.world)
        self._stores = Stores(self.world, self._files)
        self._batches = Batches(self.world, self._files, self._stores)
        self._audit = AuditLog(self.world)
        documents = Documents(self._stores)
        rooms = (self._files, self._batches, self._stores, documents, self._audit, State(self))
        self._reception = Reception(self.world, rooms, self._settle)

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        return self._reception(environ, start_response)

    def misbehave(self, name: str, /, times: int | None = 1, **where: object) -> None:
        """Ask for a quirk: so many times, or until it is removed (None)."""
        with self.world.lock:
            quirk = self.world.quirks.add(name, times, where)
            batch = quirk.where.get("batch", "")
            if name in BATCH_QUIRKS and batch in self._batches.life.batches:
                self.world.quirks.waiting.remove(quirk)
                self._batches.afflict(batch, quirk)

    def forgive(self) -> None:
        """Forget every quirk that is still waiting."""
        with self.world.lock:
            self.world.quirks.clear()

    def transport(self) -> SmallTransport:
        """For httpx clients in the same process."""
        return SmallTransport(self)

    def add_audit_event(self, event: Json, visible_at: float | None = None) -> str:
        """Let an event happen; it is listed from `visible_at` on. Returns its id."""
        with self.world.lock:
            return self._audit.add(event, visible_at)

    @property
    def calls(self) -> list[Call]:
        return list(self._reception.calls)

    @property
    def audit_events(self) -> list[Json]:
        """Every event there is, oldest first, listed already or not."""
        with self._settled():
            return [event.raw for event in self._audit.events]

    @property
    def files(self) -> dict[str, File]:
        with self._settled():
            return dict(self._files.kept)

    @property
    def batches(self) -> dict[str, Batch]:
        with self._settled():
            return dict(self._batches.life.batches)

    @property
    def billed(self) -> list[tuple[str, str]]:
        """(batch id, custom_id) of everything that was executed, answered and thus paid."""
        with self._settled():
            return list(self._batches.life.billed)

    @property
    def enqueued(self) -> dict[str, int]:
        with self._settled():
            return dict(self._batches.life.room.enqueued)

    @property
    def peak_enqueued(self) -> dict[str, int]:
        """The most prompt tokens ever enqueued at once, per model."""
        with self._settled():
            return dict(self._batches.life.room.peak)

    @property
    def stores(self) -> dict[str, Store]:
        with self._settled():
            return dict(self._stores.kept)

    @contextmanager
    def _settled(self) -> Iterator[None]:
        with self.world.lock:
            self._settle()
            yield

    def _settle(self) -> None:
        self._stores.settle()
        self._batches.life.settle()
        self._files.settle()
