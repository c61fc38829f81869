"""The small OpenAI: a WSGI app that is as odd as the real one, on a clock of its own."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from local.openai.admin import AdminPages
from local.openai.batches.batch import Batch
from local.openai.context import Context
from local.openai.files.api import File
from local.openai.http.messages import Call, Json
from local.openai.http.transport import SmallTransport
from local.openai.organization import Organization
from local.openai.serving.router import Router
from local.openai.settings import SmallSettings
from local.openai.stores.models import Store
from local.openai.webhooks.api import post_over_http
from local.openai.webhooks.delivery import Post

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class SmallOpenAI:
    """One organization, served; what tests look at is the organization's."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        settings: SmallSettings = SmallSettings(),  # noqa: B008 - frozen
        folder: Path | None = None,
        seed: int = 0,
        post: Post = post_over_http,
    ) -> None:
        self.settings = settings
        self.organization = Organization(Context(clock, settings, folder, seed), post)
        self._router = Router(self.organization, AdminPages(self.organization))

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        return self._router(environ, start_response)

    def transport(self) -> SmallTransport:
        """For httpx clients in the same process."""
        return SmallTransport(self)

    def misbehave(self, name: str, /, times: int | None = 1, **where: object) -> None:
        """Ask for a quirk: so many times, or until it is removed (None)."""
        self.organization.misbehave(name, times, **where)

    def deliver_webhooks(self) -> int:
        """Sends what is due by now. A server does it by itself."""
        return self.organization.deliver_webhooks()

    def clear_quirks(self) -> None:
        self.organization.clear_quirks()

    def add_audit_event(self, event: Json, visible_at: float | None = None) -> str:
        """Let an event happen; it is listed from `visible_at` on. Returns its id."""
        return self.organization.add_audit_event(event, visible_at)

    @property
    def calls(self) -> list[Call]:
        return list(self.organization.calls)

    @property
    def audit_events(self) -> list[Json]:
        return self.organization.audit_events

    @property
    def files(self) -> dict[str, File]:
        return self.organization.files

    @property
    def batches(self) -> dict[str, Batch]:
        return self.organization.batches

    @property
    def billed(self) -> list[tuple[str, str]]:
        return self.organization.billed

    @property
    def enqueued(self) -> dict[str, int]:
        return self.organization.enqueued

    @property
    def peak_enqueued(self) -> dict[str, int]:
        return self.organization.peak_enqueued

    @property
    def stores(self) -> dict[str, Store]:
        return self.organization.stores
