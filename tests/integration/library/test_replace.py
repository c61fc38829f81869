"""A document is replaced: at every call, whoever dies, a search finds the old or the new."""

import os
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from moto import mock_aws

from shared.errors import TryLater
from tests.support.fuse import Fuse, FusedTransport, Killed, Side, fused_session
from tests.support.libraries import Folder
from tests.support.world import World

OLD, NEW = "Cats sleep all day.", "Cats purr."
STEP = int(os.environ.get("LIBRARY_STEP", "7"))  # 1: at every call


@dataclass
class Asking(httpx.BaseTransport):
    """Before and after every call, and while it is under way, somebody searches."""

    folder: Folder
    inner: httpx.BaseTransport
    found: list[str] = field(default_factory=list)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.ask()
        response = self.inner.handle_request(request)
        self.ask()
        return response

    def ask(self) -> None:
        self.found.append(" ".join(self.folder.finds("What do cats do?")))


def replaced(fuse: Fuse, change: str) -> tuple[list[str], dict[str, Any]]:
    """What searches found meanwhile, and how it ended."""
    with mock_aws():
        fused = fused_session()
        fused.fuse = None
        world = World(settings={"uploads_at_once": 1})
        folder = Folder(world)
        folder.put("cats.md", OLD)
        _answer(folder, looked_at=change != "bytes at once")
        asking = Asking(folder, FusedTransport(fuse, world.small.transport()))
        message = _change(folder, change)
        fused.fuse = fuse
        edges = world.connect(fused, transport=asking)
        try:
            folder.send(message, edges)
            for _ in range(3):
                folder.tick(edges)
                asking.ask()
        except (Killed, TryLater):
            fused.fuse = None
            world.clock.pass_(seconds=world.config.lease_seconds + 1)
            folder.send(message)
            folder.tick()
        fused.fuse = None
        folder.settle()
        asking.ask()
        return asking.found, _end(folder)


def _end(folder: Folder) -> dict[str, Any]:
    """All that matters; an upload that a dying process broke off has no status."""
    small = folder.world.small
    (document,) = folder.store.documents.values()
    return {
        "text": document.text,
        "size": document.chunking.size,
        "files": len(small.files),
        "uploads": sum(each.route == "upload" and each.status == 200 for each in small.calls),
        "stores": len(small.stores),
    }


def _answer(folder: Folder, *, looked_at: bool) -> None:
    """The old version is found, whether or not its function has seen that it is."""
    if looked_at:
        folder.settle()
    else:
        folder.tick()
        folder.world.clock.pass_(seconds=60)
    assert folder.finds("What do cats do?") == [OLD]


def _change(folder: Folder, change: str) -> dict[str, Any]:
    if change.startswith("bytes"):
        return folder.put("cats.md", NEW, ring=False)
    static = "{max_chunk_size_tokens: 100, chunk_overlap_tokens: 0}"
    text = f"chunking_strategy: {{type: static, static: {static}}}"
    return folder.put("library.yaml", text, ring=False)


@pytest.mark.parametrize("side", ["before", "after"])
@pytest.mark.parametrize("change", ["bytes", "bytes at once", "settings"])
def test_a_search_always_finds_the_old_or_the_new(change: str, side: Side) -> None:
    fuse = Fuse()
    found, expected = replaced(fuse, change)
    assert (expected["files"], expected["uploads"]) == (1, 2)
    assert "" not in found
    assert len(found) > 10

    fuses = [Fuse(n, side) for n in range(1, len(fuse.calls) + 1, STEP)]
    ends = [(each, *replaced(each, change)) for each in fuses]

    differing = [
        (each.calls[each.at - 1], each.at, end)
        for each, found, end in ends
        if end != expected or "" in found
    ]
    assert differing == []
