"""Finds a custom_id that a file uses twice, in memory that does not grow with the file.

The first pass sorts 64-bit hashes into groups, which go to disk once they are many; a hash that
occurs twice in its group is a suspect. Only a file with suspects is read again. That pass compares
their texts, so that two texts with one hash are never called duplicates, and the report can name
the line of the first use.
"""

import hashlib
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import BinaryIO

WINDOW = 250_000  # hashes in memory, 2 MB
GROUPS = 256  # each becomes a set at the end: one that fits the processor's cache is fast
MAX_SUSPECTS = 200_000  # where the whole file is doubled, a list of all its lines is no use
KEPT_WHOLE = 64  # characters of a custom_id that are kept; a longer one is kept as a digest


class DuplicateFinder:
    """The first pass: which hashes occur twice."""

    def __init__(
        self, disk: BinaryIO, window: int = WINDOW, max_suspects: int = MAX_SUSPECTS
    ) -> None:
        self._disk = disk
        self._window = window
        self._max_suspects = max_suspects
        self._groups = [array("q") for _ in range(GROUPS)]
        self._held = 0
        self._spilled: list[list[tuple[int, int]]] = [[] for _ in range(GROUPS)]  # place, hashes

    def add(self, custom_ids: Sequence[str]) -> None:
        groups = self._groups
        for each in map(hash, custom_ids):
            groups[each % GROUPS].append(each)
        self._held += len(custom_ids)
        if self._held >= self._window:
            self._spill()

    def suspects(self) -> set[int]:
        """Call it once every line was added."""
        suspects: set[int] = set()
        for number in range(GROUPS):
            hashes = self._whole(number)
            if len(set(hashes)) != len(hashes):
                twice = (each for each, times in Counter(hashes).items() if times > 1)
                suspects.update(islice(twice, self._max_suspects - len(suspects)))
        return suspects

    def _spill(self) -> None:
        self._disk.seek(0, 2)
        for group, spilled in zip(self._groups, self._spilled, strict=True):
            spilled.append((self._disk.tell(), len(group)))
            group.tofile(self._disk)
            del group[:]
        self._held = 0

    def _whole(self, number: int) -> "array[int]":
        hashes = array("q")
        for place, count in self._spilled[number]:
            self._disk.seek(place)
            hashes.fromfile(self._disk, count)
        return hashes + self._groups[number]


class FirstUses:
    """The second pass: the line on which each suspect's text comes first."""

    def __init__(self, suspects: set[int]) -> None:
        self._suspects = suspects
        self._lines: dict[str | bytes, int] = {}

    def concern(self, custom_ids: Iterable[str]) -> bool:
        """Whether the file may use any of these twice."""
        return bool(self._suspects) and not self._suspects.isdisjoint(map(hash, custom_ids))

    def first(self, custom_id: str, line: int) -> int:
        """The line that used this custom_id first: `line` itself, if none did before."""
        if hash(custom_id) not in self._suspects:
            return line
        long = len(custom_id) > KEPT_WHOLE
        text = hashlib.sha256(custom_id.encode()).digest() if long else custom_id
        return self._lines.setdefault(text, line)
