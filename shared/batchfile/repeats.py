"""Requests that a file asks more than once: the same body for the same endpoint.

`duplicates: each` only counts them. `duplicates: once` reads the file twice: the first pass finds
which line asks first what others repeat, and the second leaves those others out of the parts. A
list says whose answer each of them gets. All of it lies on disk, so memory does not grow.
"""

import hashlib
import json
import mmap
import struct
from collections.abc import Iterable
from typing import BinaryIO, NamedTuple

import msgspec

from shared.batchfile.hash_groups import GROUPS, HashGroups
from shared.batchfile.part_builder import GoodLines
from shared.batchfile.schema import UNDECODABLE

BODY = b'"body"'
LARGE = 1 << 20  # bytes of a body from which on it is compared as it is written
LINE_NUMBER = 4  # bytes
# Both fit 63 bits. Of five million different lines, one may be counted by mistake.
HASH_BITS = 44
HASH = (1 << HASH_BITS) - 1
LONGEST = (1 << 19) - 1  # bytes of a tail; a longer one counts as that


class Repeat(NamedTuple):
    """A line that is not asked, and the one whose answer it gets."""

    number: int
    first: int
    custom_id: str


class Repeats:
    """What a pass looks for; on its own nothing."""

    requests = 0
    bytes = 0

    def note(self, url: str, lines: GoodLines) -> None:
        """Lines that are asked."""

    def is_among(self, first: int, count: int) -> bool:
        """Whether any of these lines is left out."""
        return False

    def is_left_out(self, number: int) -> bool:
        return False

    def leave_out(self, number: int, custom_id: str, size: int) -> None:
        """Lines come in their order."""


class RepeatCounter(Repeats):
    """Counts them by their tails: never too many.

    Lines that say the same in other words count as different; that much is enough for advice.
    """

    def __init__(self, disk: BinaryIO) -> None:
        self._tails = HashGroups(disk)

    def note(self, url: str, lines: GoodLines) -> None:
        groups, salt = self._tails.groups, hash(url) & HASH
        for each in lines.tails:
            groups[each % GROUPS].append(each ^ salt)
        self._tails.grew(len(lines.tails))

    def count(self) -> None:
        """Call it once every line was noted."""
        for found in self._tails:
            different = set(found)
            if len(different) < len(found):
                self.requests += len(found) - len(different)
                self.bytes += _sizes(found) - _sizes(different)


def tail_of(line: bytes) -> int:
    """The length and the hash of what follows the first `"body"`: the whole body is in it."""
    tail = line.partition(BODY)[2].rstrip()
    return min(len(tail), LONGEST) << HASH_BITS | hash(tail) & HASH


def _sizes(tails: Iterable[int]) -> int:
    return sum(tail >> HASH_BITS for tail in tails)


class RequestDigests(Repeats):
    """The first pass: 128 bits of each request, for an answer must not land at another's."""

    def __init__(self, disk: BinaryIO) -> None:
        self._digests = HashGroups(disk)

    def note(self, url: str, lines: GoodLines) -> None:
        groups = self._digests.groups
        for number, line in zip(lines.numbers, lines.data.split(b"\n"), strict=True):
            high, low = digest(url, line)
            groups[high % GROUPS].extend((high, low, number))
        self._digests.grew(3 * len(lines.numbers))

    def first_lines(self, disk: BinaryIO, lines: int) -> "FirstLines":
        """Call it once every line was noted. lines: how many the file has."""
        found = FirstLines(disk, lines)
        for group in self._digests:
            seen: dict[tuple[int, int], int] = {}
            for high, low, number in zip(group[0::3], group[1::3], group[2::3], strict=True):
                first = seen.setdefault((high, low), number)
                if first != number:
                    found.note(number, first)
        return found


class FirstLines:
    """Of each line the one that asks the same first, in a file of four bytes for each."""

    def __init__(self, disk: BinaryIO, lines: int) -> None:
        disk.truncate((lines + 1) * LINE_NUMBER)
        self._first = memoryview(mmap.mmap(disk.fileno(), 0)).cast("I")

    def note(self, number: int, first: int) -> None:
        self._first[number] = first

    def of(self, number: int) -> int:
        """0: no line before it asks the same."""
        return self._first[number]

    def any_of(self, first: int, count: int) -> bool:
        return any(self._first[first : first + count])


class AskedOnce(Repeats):
    """The second pass. `list` holds a line of JSON for each that is left out."""

    def __init__(self, first_lines: FirstLines, disk: BinaryIO) -> None:
        self._first_lines = first_lines
        self.list = disk

    def is_among(self, first: int, count: int) -> bool:
        return self._first_lines.any_of(first, count)

    def is_left_out(self, number: int) -> bool:
        return self._first_lines.of(number) > 0

    def leave_out(self, number: int, custom_id: str, size: int) -> None:
        repeat = Repeat(number, self._first_lines.of(number), custom_id)
        self.list.write(json.dumps(repeat).encode() + b"\n")
        self.requests += 1
        self.bytes += size


class _Asked(msgspec.Struct):
    body: msgspec.Raw


_decode_asked = msgspec.json.Decoder(_Asked).decode
_decode_any = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
read_repeat = msgspec.json.Decoder(Repeat).decode


def digest(url: str, line: bytes) -> tuple[int, int]:
    """Of what is asked, however it is spelt. The order of keys counts: it may change an answer."""
    whole = hashlib.blake2b(url.encode() + b"\0" + _spelt_alike(line), digest_size=16)
    high, low = struct.unpack("<qq", whole.digest())
    return high, low


def _spelt_alike(line: bytes) -> bytes:
    body = bytes(_decode_asked(line).body)
    if len(body) > LARGE:
        return body
    try:
        return _encode(_decode_any(body))
    except UNDECODABLE:  # a number that no float holds
        return body
