"""One organization at the small OpenAI: what it holds, and the misbehaviour asked of it."""

from collections.abc import Iterator
from contextlib import contextmanager

from local.openai.audit.api import AuditLog
from local.openai.batches.api import Batches
from local.openai.batches.batch import Batch
from local.openai.context import Context
from local.openai.files.api import File, Files
from local.openai.http.messages import Call, Json
from local.openai.inference.direct import DirectCalls
from local.openai.inference.engine import Engine
from local.openai.quirks import BATCH_QUIRKS
from local.openai.stores.api import Stores
from local.openai.stores.documents_api import Documents
from local.openai.stores.models import Store
from local.openai.webhooks.api import Webhooks, post_over_http
from local.openai.webhooks.delivery import Post


class Organization:
    """Every view is up to date: it first takes the steps that time has made due."""

    def __init__(self, context: Context, post: Post = post_over_http) -> None:
        self.context = context
        self.webhooks = Webhooks(context, post)
        self.calls: list[Call] = []
        self._files = Files(context)
        self._stores = Stores(context, self._files)
        engine = Engine(context.settings, self._stores)
        self._batches = Batches(context, self._files, engine)
        self._batches.lifecycle.ended = self._batch_ended
        self._audit = AuditLog(context)
        self.apis = (
            *(self._files, self._batches, self._stores, Documents(self._stores), self._audit),
            *(DirectCalls(context, engine), self.webhooks),
        )

    def _batch_ended(self, batch: Batch, at: float) -> None:
        """Of one that vanished nobody hears."""
        if batch.ended:
            self.webhooks.happened(f"batch.{batch.status}", {"id": batch.id}, at)

    def deliver_webhooks(self) -> int:
        """Sends what is due; how many that were."""
        with self._up_to_date():
            pass
        return self.webhooks.deliver()

    def misbehave(self, name: str, times: int | None, /, **where: object) -> None:
        """Ask for a quirk: so many times, or until it is removed (None)."""
        with self.context.lock:
            quirk = self.context.quirks.add(name, times, where)
            batch = quirk.where.get("batch", "")
            if name in BATCH_QUIRKS and batch in self._batches.lifecycle.batches:
                self.context.quirks.waiting.remove(quirk)
                self._batches.apply_quirk(batch, quirk)

    def clear_quirks(self) -> None:
        """Forget every quirk that is still waiting."""
        with self.context.lock:
            self.context.quirks.clear()

    def add_audit_event(self, event: Json, visible_at: float | None) -> str:
        with self.context.lock:
            return self._audit.add(event, visible_at)

    @property
    def audit_events(self) -> list[Json]:
        """All events, oldest first, whether they are listed yet or not."""
        with self._up_to_date():
            return [event.raw for event in self._audit.events]

    @property
    def files(self) -> dict[str, File]:
        with self._up_to_date():
            return dict(self._files.by_id)

    @property
    def batches(self) -> dict[str, Batch]:
        with self._up_to_date():
            return dict(self._batches.lifecycle.batches)

    @property
    def billed(self) -> list[tuple[str, str]]:
        """(batch id, custom_id) of every request that was executed, answered and thus paid."""
        with self._up_to_date():
            return list(self._batches.lifecycle.billed)

    @property
    def enqueued(self) -> dict[str, int]:
        """Prompt tokens that are enqueued now, per model."""
        with self._up_to_date():
            return dict(self._batches.lifecycle.quota.enqueued)

    @property
    def peak_enqueued(self) -> dict[str, int]:
        """The most prompt tokens ever enqueued at once, per model."""
        with self._up_to_date():
            return dict(self._batches.lifecycle.quota.peak)

    @property
    def stores(self) -> dict[str, Store]:
        with self._up_to_date():
            return dict(self._stores.by_id)

    def lose_store(self, store: str) -> None:
        """As if somebody else deleted it."""
        with self._up_to_date():
            del self._stores.by_id[store]

    def advance(self) -> None:
        """Take every step that is due by now."""
        self._stores.advance()
        self._batches.lifecycle.advance()
        self._files.advance()

    @contextmanager
    def _up_to_date(self) -> Iterator[None]:
        with self.context.lock:
            self.advance()
            yield
