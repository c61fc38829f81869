"""After any sequence of changes, events, crashes and lost answers the store matches the folder.

`LIBRARY_EXAMPLES=500 pytest …` tries more of them.
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
from local.openai.stores.models import Document
from shared.errors import Conflict, TryLater
from tests.support.interrupts import Interrupt, InterruptedTransport, Killed, interrupted_session
from tests.support.libraries import Folder
from tests.support.world import World

NAMES = ("a.md", "b.md", "c.txt")
TEXTS = (b"Cats sleep.", b"Dogs bark.", b"Birds sing.", b"\xff\x00\xfe")
BROKEN = TEXTS[-1]
CHUNKING = ("auto", "static")
ROUTES = ("upload", "create_store", "create_file_batch", "detach_file", "delete_file")
EXAMPLES = int(os.environ.get("LIBRARY_EXAMPLES", "10"))

names, texts, places = st.sampled_from(NAMES), st.sampled_from(TEXTS), st.integers(0, 99)


class Libraries(RuleBasedStateMachine):
    """This model knows what the folder holds; the store has to follow."""

    def __init__(self) -> None:
        super().__init__()
        self.aws = mock_aws()
        self.aws.start()
        self.session = interrupted_session()
        self.session.interrupt = None
        self.world = World(settings={"uploads_at_once": 1})
        self.folder = Folder(self.world)
        self.messages: list[dict[str, Any]] = []
        self.held: dict[str, bytes] = {}
        self.attributes: dict[str, int] = {}
        self.chunking = "auto"
        self.needed: Counter[tuple[bytes, str, str]] = Counter()
        self.broken_off = 0  # uploads cut off while their bytes were read

    @rule(name=names, text=texts)
    def put(self, name: str, text: bytes) -> None:
        self._change(name, text)
        self.messages.append(self.folder.put(name, text, notify=False))

    @rule(name=names)
    def delete(self, name: str) -> None:
        self._change(name, None)
        self.messages.append(self.folder.delete(name, notify=False))

    @rule(name=names, to=names)
    def rename(self, name: str, to: str) -> None:
        if name in self.held and name != to:
            self.put(to, self.held[name])
            self.delete(name)

    @rule(name=names, year=st.integers(2024, 2026))
    def describe(self, name: str, year: int) -> None:
        self.attributes[name] = year
        sidecar = f'{{"metadataAttributes": {{"year": {year}}}}}'
        self.messages.append(self.folder.put(f"{name}.metadata.json", sidecar, notify=False))

    @rule(kind=st.sampled_from(CHUNKING))
    def set(self, kind: str) -> None:
        self.chunking = kind
        for name in self.held:
            self._change(name, self.held[name])
        sizes = "{max_chunk_size_tokens: 100, chunk_overlap_tokens: 0}"
        static = f"{{type: static, static: {sizes}}}"
        text = f"chunking_strategy: {static if kind == 'static' else '{type: auto}'}"
        self.messages.append(self.folder.put("library.yaml", text, notify=False))

    @rule(place=places, twice=st.booleans())
    def send_one(self, place: int, twice: bool) -> None:  # hypothesis names it
        """S3 events arrive in any order, and twice."""
        if self.messages:
            message = self.messages[place % len(self.messages)]
            self.folder.send(message)
            if not twice:
                self.messages.remove(message)

    @rule(route=st.sampled_from(("", *ROUTES)))
    def send_all(self, route: str) -> None:
        """Then a sync runs, and an answer may be lost."""
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
        """A process takes all events and syncs, and is killed at a call."""
        interrupt = self.session.interrupt = Interrupt(at, side)
        transport = InterruptedTransport(interrupt, self.world.small.transport())
        edges = self.world.connect(self.session, transport=transport)
        try:
            for message in list(self.messages):
                keep_in_sync(edges, message)
                self.messages.remove(message)
            self.folder.tick(edges)
        except (Conflict, Killed, TryLater):
            self.broken_off += any(call.endswith("POST /v1/files") for call in interrupt.calls[-2:])
            self.world.clock.advance(seconds=self.world.config.lease_seconds + 1)
        finally:
            self.session.interrupt = None

    @invariant()
    def no_content_has_two_files(self) -> None:
        named = Counter(each.filename for each in self.world.small.files.values())
        assert max(named.values(), default=1) == 1, f"two Files have one name: {named}"

    def teardown(self) -> None:
        try:
            self._settle()
            self._check()
        finally:
            self.aws.stop()

    def _settle(self) -> None:
        self.world.small.clear_quirks()
        for message in self.messages:
            with suppress(TryLater):
                self.folder.send(message)
        if self.world.edges.library_table.dirty_flag("handbook").marks:
            self.world.clock.advance(seconds=self.world.config.lease_seconds + 1)
            self.folder.tick()
            self.folder.settle()

    def _check(self) -> None:
        stores = self.world.small.stores
        assert len(stores) <= 1, f"there are {len(stores)} stores"
        documents = [each for store in stores.values() for each in store.documents.values()]
        readable = {name: text for name, text in self.held.items() if text != BROKEN}
        self._check_documents(documents, readable)
        self._check_attributes(documents, readable)
        self._check_uploads()

    def _check_documents(self, documents: list[Document], readable: dict[str, bytes]) -> None:
        found = sorted((each.text.encode(), _suffix(each.filename)) for each in documents)
        wanted = sorted({(text, _suffix(name)) for name, text in readable.items()})
        assert found == wanted, f"the store holds {found}, the folder {wanted}"
        states = {(each.status, each.chunking.size) for each in documents}
        expected = ("completed", 100 if self.chunking == "static" else 800)
        assert states <= {expected}, f"documents are {states}, expected is {expected}"
        ids, files = {each.id for each in documents}, set(self.world.small.files)
        assert ids == files, f"the store holds {ids}, the Files are {files}"

    def _check_attributes(self, documents: list[Document], readable: dict[str, bytes]) -> None:
        """Of documents with the same bytes, the test does not know which gives them."""
        for each in documents:
            names = [name for name, text in readable.items() if text == each.text.encode()]
            if len(names) == 1:
                year = self.attributes.get(names[0])
                wanted = {"year": year} if year else {}
                assert each.attributes == wanted, f"{each.filename} has {each.attributes}"

    def _check_uploads(self) -> None:
        broken = len({suffix for text, suffix, _ in self.needed if text == BROKEN})
        wanted = sum(n for (text, _, _), n in self.needed.items() if text != BROKEN)
        most, uploads = wanted + broken + self.broken_off, self.folder.uploads()
        assert uploads <= most, f"{uploads} uploads, at most {most} are needed"

    def _change(self, name: str, text: bytes | None) -> None:
        """Counts each time that a content becomes wanted."""
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
