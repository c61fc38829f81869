"""Whether a custom_id stands in a file twice, in memory that does not grow with the file.

The first pass keeps 64-bit hashes in a set, and full sets on disk; a hash met twice is a suspect.
Only a file with suspects is read again, when their texts are compared, so that two texts with one
hash are never called duplicates and the line of the first use can be told.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import BinaryIO

WINDOW = 500_000  # hashes in memory, about 50 MB
MOST_SUSPECTS = 200_000  # a file that is doubled whole has no use for a list of all its lines


class Seen:
    """The first pass: which hashes were met twice."""

    def __init__(
        self, disk: BinaryIO, window: int = WINDOW, most_suspects: int = MOST_SUSPECTS
    ) -> None:
        self._disk = disk
        self._window = window
        self._most_suspects = most_suspects
        self._hashes: set[int] = set()
        self._sets_on_disk: list[int] = []  # hashes in each
        self.suspects: set[int] = set()

    def add(self, custom_ids: Sequence[str]) -> None:
        hashes = list(map(hash, custom_ids))
        fresh = set(hashes)
        if len(fresh) != len(hashes):
            self._suspect(each for each, n in Counter(hashes).items() if n > 1)
        self._suspect(self._hashes & fresh)
        self._hashes |= fresh
        if len(self._hashes) >= self._window:
            self._compare_with_disk()
            self._spill()

    def close(self) -> set[int]:
        """The suspects, once every line was seen."""
        self._compare_with_disk()
        return self.suspects

    def _compare_with_disk(self) -> None:
        self._disk.seek(0)
        for count in self._sets_on_disk:
            hashes = array("q")
            hashes.fromfile(self._disk, count)
            self._suspect(self._hashes.intersection(hashes))

    def _suspect(self, hashes: Iterable[int]) -> None:
        room = self._most_suspects - len(self.suspects)
        self.suspects.update(islice(hashes, room))

    def _spill(self) -> None:
        self._disk.seek(0, 2)
        array("q", self._hashes).tofile(self._disk)
        self._sets_on_disk.append(len(self._hashes))
        self._hashes.clear()


class FirstUses:
    """The second pass: of the suspects, which text stood first on which line."""

    def __init__(self, suspects: set[int]) -> None:
        self._suspects = suspects
        self._lines: dict[str, int] = {}

    def concern(self, custom_ids: Iterable[str]) -> bool:
        """Whether any of these may stand in the file twice."""
        return bool(self._suspects) and not self._suspects.isdisjoint(map(hash, custom_ids))

    def first(self, custom_id: str, line: int) -> int:
        """The line that used this custom_id first; `line` itself where nobody did."""
        if hash(custom_id) not in self._suspects:
            return line
        return self._lines.setdefault(custom_id, line)
