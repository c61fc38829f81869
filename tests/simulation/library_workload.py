"""A library's folder: what its user does to it, change by change, and what S3 says of each."""

import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from tests.simulation.aws import Cloud
from tests.support.s3_messages import CREATED, REMOVED, library_changed

LIBRARY = "docs"
KEPT = "kept.md"  # never taken out: a library without documents would be an unknown one
NAMES = (KEPT, "a.md", "b.md", "c.txt")
BROKEN = b"\xff\x00\xfe"
TEXTS = (b"Cats sleep.", b"Dogs bark.", b"Birds sing.", BROKEN)
KINDS = (*("put",) * 4, "delete", "delete", "rename", "describe", "set")
CHUNKS = {"auto": 800, "static": 100}  # tokens of each
SIZES = "{max_chunk_size_tokens: 100, chunk_overlap_tokens: 0}"
SETTINGS = {
    "auto": "chunking_strategy: {type: auto}",
    "static": f"chunking_strategy: {{type: static, static: {SIZES}}}",
    "wrong": "chunking_strategy: {type: automatic}",
}

Bytes = tuple[bytes, str]  # with the suffix they are read by


class Held(NamedTuple):
    text: bytes
    since: datetime


@dataclass
class Folder:
    """What lies in it is known here; what the store holds has to follow."""

    draw: random.Random
    cloud: Cloud
    now: Callable[[], datetime]
    held: dict[str, Held] = field(default_factory=dict)
    versions: dict[str, set[bytes]] = field(default_factory=dict)  # by name, all there ever were
    interrupted: set[str] = field(default_factory=set)  # names that were once taken out, or broken
    left_at: dict[Bytes, datetime] = field(default_factory=dict)  # bytes that nobody holds now
    years: dict[str, int] = field(default_factory=dict)
    settings: str = "auto"
    chunking: str = "auto"
    needed: Counter[Bytes] = field(default_factory=Counter)  # uploads that may have been needed
    written: int = 0

    def __post_init__(self) -> None:
        self.left = self.draw.randint(3, 10)

    def begin(self) -> list[str]:
        """Its first two documents."""
        return [self._put(KEPT), self._put("a.md")]

    def change(self) -> list[str]:
        """One more change; S3's notifications of it."""
        self.left -= 1
        if not self.left and self.settings == "wrong":
            return [self._set("auto")]
        match self.draw.choice(KINDS):
            case "delete":
                return self._delete(self.draw.choice(NAMES[1:]))
            case "rename":
                return self._rename(self.draw.choice(NAMES[1:]), self.draw.choice(NAMES))
            case "describe":
                return [self._describe(self.draw.choice(NAMES))]
            case "set":
                wrong = ("wrong",) if self.left else ()
                return [self._set(self.draw.choice((*CHUNKS, *CHUNKS, *wrong)))]
        return [self._put(self.draw.choice(NAMES))]

    def _put(self, name: str, text: bytes | None = None) -> str:
        text = text or self.draw.choice(TEXTS)
        self._lets_go(name)
        if text == BROKEN:
            self.interrupted.add(name)
        self.needed[text, suffix(name)] += 1
        self.left_at.pop((text, suffix(name)), None)
        self.held[name] = Held(text, self.now())
        self.versions.setdefault(name, set()).add(text)
        return self._wrote(name, text)

    def _delete(self, name: str) -> list[str]:
        if name not in self.held:
            return []
        self.interrupted.add(name)
        self._lets_go(name)
        self.cloud.remove(f"libraries/{LIBRARY}/{name}")
        return [self._notice(name, REMOVED)]

    def _rename(self, name: str, to: str) -> list[str]:
        if name not in self.held or name == to:
            return []
        return [self._put(to, self.held[name].text), *self._delete(name)]

    def _describe(self, name: str) -> str:
        self.years[name] = self.draw.randint(2024, 2026)
        sidecar = {"metadataAttributes": {"year": self.years[name]}}
        return self._wrote(f"{name}.metadata.json", json.dumps(sidecar).encode())

    def _set(self, settings: str) -> str:
        if settings in CHUNKS and settings != self.chunking:
            self.chunking = settings
            self.needed.update((held.text, suffix(name)) for name, held in self.held.items())
        self.settings = settings
        return self._wrote("library.yaml", SETTINGS[settings].encode())

    def _lets_go(self, name: str) -> None:
        """Where a rename is heard of in halves, its bytes are uploaded again."""
        old = self.held.pop(name, None)
        if old is None:
            return
        holders = {(each.text, suffix(n)) for n, each in self.held.items()}
        self.needed[old.text, suffix(name)] += 1
        if (old.text, suffix(name)) not in holders:
            self.left_at[old.text, suffix(name)] = self.now()

    def _wrote(self, name: str, content: bytes) -> str:
        self.cloud.drop(f"libraries/{LIBRARY}/{name}", content, {})
        return self._notice(name, CREATED)

    def _notice(self, name: str, event: str) -> str:
        self.written += 1
        key = f"libraries/{LIBRARY}/{name}"
        return json.dumps(library_changed(key, event, self.now(), self.written))


def suffix(name: str) -> str:
    return name.rpartition(".")[2]
