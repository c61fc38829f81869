"""Any sequence of changes, notifications, deaths and lost answers: the store ends as the folder.

`LIBRARY_EXAMPLES=500 pytest …` walks through more of them.
"""

import os
from collections import Counter
from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from moto import mock_aws

from functions.library.flow import keep_in_sync
from shared.errors import TryLater
from tests.support.fuse import Fuse, FusedTransport, Killed, fused_session
from tests.support.libraries import Folder
from tests.support.world import World

NAMES = ("a.md", "b.md", "c.txt")
TEXTS = (b"Cats sleep.", b"Dogs bark.", b"Birds sing.", b"\xff\x00\xfe")
BROKEN = TEXTS[-1]
CHUNKING = ("auto", "static")
ROUTES = ("upload", "create_store", "create_file_batch", "detach_file", "delete_file")
EXAMPLES = int(os.environ.get("LIBRARY_EXAMPLES", "16"))

names, texts, places = st.sampled_from(NAMES), st.sampled_from(TEXTS), st.integers(0, 99)


class Libraries(RuleBasedStateMachine):
    """What the folder holds is known here; what the store holds has to follow."""

    def __init__(self) -> None:
        super().__init__()
        self.aws = mock_aws()
        self.aws.start()
        self.fused = fused_session()
        self.fused.fuse = None
        self.world = World(settings={"uploads_at_once": 1})
        self.folder = Folder(self.world)
        self.messages: list[dict[str, Any]] = []
        self.held: dict[str, bytes] = {}
        self.attributes: dict[str, int] = {}
        self.chunking = "auto"
        self.needed: Counter[tuple[bytes, str, str]] = Counter()
        self.broken_off = 0  # uploads that died while their bytes were read

    @rule(name=names, text=texts)
    def put(self, name: str, text: bytes) -> None:
        self._change(name, text)
        self.messages.append(self.folder.put(name, text, ring=False))

    @rule(name=names)
    def delete(self, name: str) -> None:
        self._change(name, None)
        self.messages.append(self.folder.delete(name, ring=False))

    @rule(name=names, to=names)
    def rename(self, name: str, to: str) -> None:
        if name in self.held and name != to:
            self.put(to, self.held[name])
            self.delete(name)

    @rule(name=names, year=st.integers(2024, 2026))
    def describe(self, name: str, year: int) -> None:
        self.attributes[name] = year
        sidecar = f'{{"metadataAttributes": {{"year": {year}}}}}'
        self.messages.append(self.folder.put(f"{name}.metadata.json", sidecar, ring=False))

    @rule(kind=st.sampled_from(CHUNKING))
    def set(self, kind: str) -> None:
        self.chunking = kind
        for name in self.held:
            self._change(name, self.held[name])
        sizes = "{max_chunk_size_tokens: 100, chunk_overlap_tokens: 0}"
        static = f"{{type: static, static: {sizes}}}"
        text = f"chunking_strategy: {static if kind == 'static' else '{type: auto}'}"
        self.messages.append(self.folder.put("library.yaml", text, ring=False))

    @rule(place=places, twice=st.booleans())
    def hear(self, place: int, twice: bool) -> None:  # hypothesis names it
        """Notifications come in any order, and twice."""
        if self.messages:
            message = self.messages[place % len(self.messages)]
            self.folder.send(message)
            if not twice:
                self.messages.remove(message)

    @rule(route=st.sampled_from(("", *ROUTES)))
    def hear_all(self, route: str) -> None:
        """Then the store is looked after, and an answer may be lost."""
        if route:
            self.lose_an_answer(route)
        for message in self.messages:
            self.folder.send(message)
        self.messages.clear()
        self.folder.tick()

    @rule()
    def tick(self) -> None:
        self.folder.tick()

    @rule(route=st.sampled_from(ROUTES))
    def lose_an_answer(self, route: str) -> None:
        self.world.small.misbehave("cut_after", route=route)

    @rule(at=st.integers(1, 30), side=st.sampled_from(("before", "after")))
    def die(self, at: int, side: Any) -> None:
        """All is heard, and the store looked after, by a process that is killed at a call."""
        fuse = self.fused.fuse = Fuse(at, side)
        transport = FusedTransport(fuse, self.world.small.transport())
        edges = self.world.connect(self.fused, transport=transport)
        try:
            for message in list(self.messages):
                keep_in_sync(edges, message)
                self.messages.remove(message)
            self.folder.tick(edges)
        except (Killed, TryLater):
            self.broken_off += any(call.endswith("POST /v1/files") for call in fuse.calls[-2:])
            self.world.clock.pass_(seconds=self.world.config.lease_seconds + 1)
        finally:
            self.fused.fuse = None

    @invariant()
    def no_content_has_two_files(self) -> None:
        named = Counter(each.filename for each in self.world.small.files.values())
        assert max(named.values(), default=1) == 1, named

    def teardown(self) -> None:
        try:
            self._settle()
            self._judge()
        finally:
            self.aws.stop()

    def _settle(self) -> None:
        self.world.small.clear_quirks()
        for message in self.messages:
            with suppress(TryLater):
                self.folder.send(message)
        if self.world.edges.library_table.dirty_flag("handbook").marks:
            self.world.clock.pass_(seconds=self.world.config.lease_seconds + 1)
            self.folder.tick()
            self.folder.settle()

    def _judge(self) -> None:
        stores = self.world.small.stores
        assert len(stores) <= 1
        documents = [each for store in stores.values() for each in store.documents.values()]
        found = sorted((each.text.encode(), _suffix(each.filename)) for each in documents)
        readable = {n: text for n, text in self.held.items() if text != BROKEN}
        assert found == sorted({(text, _suffix(name)) for name, text in readable.items()})
        assert {each.status for each in documents} <= {"completed"}
        assert {each.chunking.size for each in documents} <= {
            100 if self.chunking == "static" else 800
        }
        assert {each.id for each in documents} == set(self.world.small.files)
        for each in documents:
            first = min(n for n, t in readable.items() if t == each.text.encode())
            if sum(t == each.text.encode() for t in readable.values()) == 1:
                years = {"year": self.attributes[first]} if first in self.attributes else {}
                assert each.attributes == years
        broken = len({suffix for text, suffix, _ in self.needed if text == BROKEN})
        wanted = sum(n for (text, _, _), n in self.needed.items() if text != BROKEN)
        assert self.folder.uploads() <= wanted + broken + self.broken_off

    def _change(self, name: str, text: bytes | None) -> None:
        """Counts each time that a content is wanted which was not a moment ago."""
        before = {(t, _suffix(n), self.chunking) for n, t in self.held.items()}
        if text is None:
            self.held.pop(name, None)
            return
        self.held[name] = text
        wish = (text, _suffix(name), self.chunking)
        self.needed[wish] += wish not in before or not self.needed[wish]


def _suffix(name: str) -> str:
    return name.rpartition(".")[2]


TestLibraries = Libraries.TestCase
TestLibraries.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=14,
    deadline=None,
    derandomize=EXAMPLES == 16,
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)
