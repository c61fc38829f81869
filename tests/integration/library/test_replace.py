"""A document is replaced: at every call, whatever dies, a search finds the old or the new one."""

import os
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from moto import mock_aws

from shared.errors import Conflict, TryLater
from tests.support.interrupts import (
    Interrupt,
    InterruptedTransport,
    Killed,
    Side,
    interrupted_session,
)
from tests.support.libraries import Folder
from tests.support.world import World

OLD, NEW = "Cats sleep all day.", "Cats purr."
STEP = int(os.environ.get("LIBRARY_STEP", "7"))  # 1: at every call


@dataclass
class SearchingTransport(httpx.BaseTransport):
    """Searches before and after every call to OpenAI, and while it is under way."""

    folder: Folder
    inner: httpx.BaseTransport
    found: list[str] = field(default_factory=list)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.search()
        response = self.inner.handle_request(request)
        self.search()
        return response

    def search(self) -> None:
        self.found.append(" ".join(self.folder.finds("What do cats do?")))


def run_replacement(interrupt: Interrupt, change: str) -> tuple[list[str], dict[str, Any]]:
    """What the searches found, and the state at the end."""
    with mock_aws():
        session = interrupted_session()
        session.interrupt = None
        world = World(settings={"uploads_at_once": 1})
        folder = Folder(world)
        folder.put("cats.md", OLD)
        _index_old(folder, checked=change != "bytes at once")
        searching = SearchingTransport(
            folder, InterruptedTransport(interrupt, world.small.transport())
        )
        message = _change(folder, change)
        session.interrupt = interrupt
        edges = world.connect(session, transport=searching)
        try:
            folder.send(message, edges)
            for _ in range(3):
                folder.tick(edges)
                searching.search()
        except (Conflict, Killed, TryLater):
            session.interrupt = None
            world.clock.advance(seconds=world.config.lease_seconds + 1)
            folder.send(message)
            folder.tick()
        session.interrupt = None
        folder.settle()
        searching.search()
        return searching.found, _end(folder)


def _end(folder: Folder) -> dict[str, Any]:
    """All that matters. An upload that a crash cut off has no status, so it does not count."""
    small = folder.world.small
    (document,) = folder.store.documents.values()
    return {
        "text": document.text,
        "size": document.chunking.size,
        "files": len(small.files),
        "uploads": sum(each.route == "upload" and each.status == 200 for each in small.calls),
        "stores": len(small.stores),
    }


def _index_old(folder: Folder, *, checked: bool) -> None:
    """A search finds the old version, whether or not the function has checked that it does."""
    if checked:
        folder.settle()
    else:
        folder.tick()
        folder.world.clock.advance(seconds=60)
    found = folder.finds("What do cats do?")
    assert found == [OLD], f"before the replacement a search finds {found}"


def _change(folder: Folder, change: str) -> dict[str, Any]:
    if change.startswith("bytes"):
        return folder.put("cats.md", NEW, notify=False)
    static = "{max_chunk_size_tokens: 100, chunk_overlap_tokens: 0}"
    text = f"chunking_strategy: {{type: static, static: {static}}}"
    return folder.put("library.yaml", text, notify=False)


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("change", ["bytes", "bytes at once", "settings"])
def test_search_during_replacement_finds_the_old_or_the_new_version(
    change: str, side: Side
) -> None:
    interrupt = Interrupt()
    found, expected = run_replacement(interrupt, change)
    assert (expected["files"], expected["uploads"]) == (1, 2)
    assert "" not in found
    assert len(found) > 10

    interrupts = [Interrupt(n, side) for n in range(1, len(interrupt.calls) + 1, STEP)]
    ends = [(each, *run_replacement(each, change)) for each in interrupts]

    differing = [(each.place, end) for each, found, end in ends if end != expected or "" in found]
    assert differing == []
