"""Sums of SHA-256, modulo 2^256: the same of the same things, whatever their order."""

import hashlib
from collections.abc import Iterable
from contextlib import suppress

import msgspec

NOTHING = "0" * 64
_sorted = msgspec.json.Encoder(order="sorted")


def total(digests: Iterable[int], before: str = NOTHING) -> str:
    """As hexadecimal, beside what was summed before."""
    return f"{(int(before, 16) + sum(digests)) % (1 << 256):064x}"


def id_digest(id_: str) -> int:
    return _digest(id_.encode())


def content_digest(line: bytes) -> int:
    """Of an event as JSON with sorted keys: however its bytes are spaced and ordered."""
    with suppress(msgspec.DecodeError, UnicodeDecodeError):
        line = _sorted.encode(msgspec.json.decode(line))
    return _digest(line)


def _digest(content: bytes) -> int:
    return int(hashlib.sha256(content).hexdigest(), 16)
