"""What a person asked for is written down, whoever writes to the same row meanwhile."""

from collections.abc import Callable
from typing import TypeVar

from shared.errors import Conflict

Answer = TypeVar("Answer")
MOST_RACES = 10


def until_written(read_and_write: Callable[[], Answer]) -> Answer:
    """Reads and writes again where another function was faster. Raises Conflict if all of them are.

    The event that asks comes once: what it asks for is not asked again by the next tick.
    """
    for _ in range(MOST_RACES - 1):
        try:
            return read_and_write()
        except Conflict:
            continue
    return read_and_write()
