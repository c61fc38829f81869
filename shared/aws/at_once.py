"""Calls that do not depend on each other, at once: most of a call is waiting."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Answer = TypeVar("Answer")
THREADS = 16


def at_once(calls: Sequence[Callable[[], Answer]], threads: int = THREADS) -> list[Answer]:
    """Their answers in order; all have ended when the first failure is raised."""
    if len(calls) <= 1:
        return [call() for call in calls]
    with ThreadPoolExecutor(min(threads, len(calls))) as pool:
        begun = [pool.submit(call) for call in calls]
    return [each.result() for each in begun]
