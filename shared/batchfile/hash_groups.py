"""64-bit hashes of a large file's lines, in memory that does not grow with it.

They are sorted into groups as they come, and the groups go to disk once they are many. What is
alike lies in one group, so each group can be looked at on its own.
"""

from array import array
from collections.abc import Iterator
from typing import BinaryIO

WINDOW = 250_000  # hashes in memory, 2 MB
GROUPS = 256  # each becomes a set at the end: one that fits the processor's cache is fast


class HashGroups:
    """Add to `groups[hash % GROUPS]`, and say how much was added."""

    def __init__(self, disk: BinaryIO, window: int = WINDOW) -> None:
        self._disk = disk
        self._window = window
        self.groups = [array("q") for _ in range(GROUPS)]
        self._held = 0
        self._spilled: list[list[tuple[int, int]]] = [[] for _ in range(GROUPS)]  # place, hashes

    def grew(self, numbers: int) -> None:
        self._held += numbers
        if self._held >= self._window:
            self._spill()

    def __iter__(self) -> Iterator["array[int]"]:
        """Each group whole, in the order in which it was added to."""
        return map(self._whole, range(GROUPS))

    def _spill(self) -> None:
        self._disk.seek(0, 2)
        for group, spilled in zip(self.groups, self._spilled, strict=True):
            spilled.append((self._disk.tell(), len(group)))
            group.tofile(self._disk)
            del group[:]
        self._held = 0

    def _whole(self, number: int) -> "array[int]":
        hashes = array("q")
        for place, count in self._spilled[number]:
            self._disk.seek(place)
            hashes.fromfile(self._disk, count)
        return hashes + self.groups[number]
