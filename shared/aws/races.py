"""Writes that others may overtake: read and written again, so that what was asked is done."""

from collections.abc import Callable
from typing import TypeVar

from shared.errors import Conflict

Answer = TypeVar("Answer")


def until_written(read_and_write: Callable[[], Answer], tries: int) -> Answer:
    """Again where another function was faster. Raises Conflict if it was so each time."""
    for _ in range(tries - 1):
        try:
            return read_and_write()
        except Conflict:
            continue
    return read_and_write()
