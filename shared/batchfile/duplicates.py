"""Finds a custom_id that a file uses twice, in memory that does not grow with the file.

A hash that the first pass sees twice is a suspect. Only a file with suspects is read again. That
pass compares their texts, so that two texts with one hash are never called duplicates, and the
report can name the line of the first use.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import BinaryIO

from shared.batchfile.hash_groups import GROUPS, WINDOW, HashGroups

MAX_SUSPECTS = 200_000  # where the whole file is doubled, a list of all its lines is no use
KEPT_WHOLE = 64  # characters of a custom_id that are kept; a longer one is kept as a digest


class DuplicateFinder:
    """The first pass: which hashes occur twice."""

    def __init__(
        self, disk: BinaryIO, window: int = WINDOW, max_suspects: int = MAX_SUSPECTS
    ) -> None:
        self._hashes = HashGroups(disk, window)
        self._max_suspects = max_suspects

    def add(self, custom_ids: Sequence[str]) -> None:
        groups = self._hashes.groups
        for each in map(hash, custom_ids):
            groups[each % GROUPS].append(each)
        self._hashes.grew(len(custom_ids))

    def suspects(self) -> set[int]:
        """Call it once every line was added."""
        suspects: set[int] = set()
        for hashes in self._hashes:
            if len(set(hashes)) != len(hashes):
                twice = (each for each, times in Counter(hashes).items() if times > 1)
                suspects.update(islice(twice, self._max_suspects - len(suspects)))
        return suspects


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
