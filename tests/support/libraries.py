"""A library's folder in the inbox, its S3 events, and what its store holds."""

import json
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import yaml

from functions.library.flow import keep_in_sync
from local.openai.stores.models import Document, Store
from shared.errors import TryLater
from shared.jobs.edges import JobEdges
from tests.support.names import INBOX
from tests.support.s3_messages import CREATED, REMOVED, library_changed
from tests.support.world import World

MAX_TICKS = 60


@dataclass
class Folder:
    """Sends an S3 event for each change, unless a test keeps the event for later."""

    world: World
    name: str = "handbook"
    undelivered: list[dict[str, Any]] = field(default_factory=list)
    sequence: "count[int]" = field(default_factory=lambda: count(0x55))

    def put(self, name: str, content: bytes | str, *, notify: bool = True) -> dict[str, Any]:
        body = content.encode() if isinstance(content, str) else content
        self.world.s3.put_object(Bucket=INBOX, Key=self.key(name), Body=body)
        return self._event(name, CREATED, notify=notify)

    def delete(self, name: str, *, notify: bool = True) -> dict[str, Any]:
        self.world.s3.delete_object(Bucket=INBOX, Key=self.key(name))
        return self._event(name, REMOVED, notify=notify)

    def describe(self, name: str, **attributes: Any) -> None:
        self.put(f"{name}.metadata.json", json.dumps({"metadataAttributes": attributes}))

    def set(self, **settings: Any) -> None:
        self.put("library.yaml", yaml.safe_dump(settings))

    def send(self, message: dict[str, Any], edges: JobEdges | None = None) -> None:
        """Gives the event to the function; if it cannot take it now, the next send repeats it."""
        self.undelivered.append(message)
        for each in list(self.undelivered):
            with suppress(TryLater):
                keep_in_sync(edges or self.world.edges, each)
                self.undelivered.remove(each)

    def tick(self, edges: JobEdges | None = None, seconds: float = 60) -> None:
        """Syncs each dirty library, as poll does."""
        self.world.clock.advance(seconds=seconds)
        for library in self.world.edges.library_table.dirty(self.world.clock()):
            keep_in_sync(edges or self.world.edges, {"library": library})

    def reconcile(self) -> None:
        self.send({"library": self.name, "reconcile": True})

    def settle(self) -> None:
        """Ticks until nothing is left to do; fails if that never happens."""
        for _ in range(MAX_TICKS):
            if not self.world.edges.library_table.dirty(self.world.clock()) and self.in_sync:
                return
            self.tick()
        raise AssertionError(f"not in sync after {MAX_TICKS} ticks: {self.report()}")

    @property
    def in_sync(self) -> bool:
        library = self.world.edges.library_table.library(self.name)
        return library is not None and library.in_sync

    def key(self, name: str) -> str:
        return f"libraries/{self.name}/{name}"

    @property
    def store(self) -> Store:
        (store,) = self.world.small.stores.values()
        return store

    @property
    def searchable(self) -> list[Document]:
        """Documents that a search may find."""
        return [each for each in self.store.documents.values() if each.status == "completed"]

    def texts(self) -> list[str]:
        return sorted(each.text for each in self.searchable)

    def finds(self, query: str) -> list[str]:
        """Texts that a search in the store finds."""
        found = self.world.edges.openai.call_with_retries(
            "POST", f"/vector_stores/{self.store.id}/search", json={"query": query}
        )
        return [hit["content"][0]["text"] for hit in found["data"]]

    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.world.read(f"libraries/{self.name}/report.json"))
        return found

    def states(self) -> dict[str, str]:
        return {each["document"]: each["state"] for each in self.report()["documents"]}

    def uploads(self) -> int:
        return self.calls("POST", "/v1/files")

    def calls(self, method: str, path: str) -> int:
        return sum(each.method == method and each.path == path for each in self.world.small.calls)

    def _event(self, name: str, event: str, *, notify: bool) -> dict[str, Any]:
        at, number = self.world.clock(), next(self.sequence)
        message = library_changed(self.key(name), event, at, number)
        if notify:
            self.send(message)
        return message
