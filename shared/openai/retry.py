"""Tries a call again after a failure that may pass."""

import random
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TypeVar

from shared.errors import ActionRequired, TryLater

TRIES = 4
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 8.0  # seconds; full jitter below the doubling bound

Answer = TypeVar("Answer")


def with_retries(
    act: Callable[[], Answer], pause: Callable[[float], None], longest: float
) -> Answer:
    """Raises what the last try raised.

    Raises at once if a person has to act, or if OpenAI asks to wait for more than `longest`
    seconds: the caller can wait for that elsewhere.
    """
    for tried in range(TRIES):
        try:
            return act()
        except ActionRequired:
            raise
        except TryLater as error:
            wait = _jittered(tried) if error.after is None else error.after.total_seconds()
            if tried == TRIES - 1 or wait > longest:
                raise
            pause(wait)
    raise AssertionError("the last try either returns or raises")


def retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """Seconds; a date, which the header may also hold, was never seen from this API."""
    text = headers.get("Retry-After", "")
    return timedelta(seconds=int(text)) if text.isdigit() else None


def _jittered(tried: int) -> float:
    bound = min(LONGEST_PAUSE, FIRST_PAUSE * 2**tried)
    return random.uniform(0, bound)  # noqa: S311  # spreads load, guards nothing
