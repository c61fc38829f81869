"""Tries a call again after a failure that may pass."""

import random
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TypeVar

from shared.errors import ActionRequired, TryLater

TRIES = 4
LONGEST_ASKED = timedelta(days=1)  # what asks for more is looked at again after this
SECONDS = re.compile(r"[0-9]{1,9}")
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
    """Seconds, or a date that is compared with the answer's own; anything else says nothing."""
    text = headers.get("Retry-After", "").strip()
    if SECONDS.fullmatch(text):
        return min(timedelta(seconds=int(text)), LONGEST_ASKED)
    until, now = _date(text), _date(headers.get("Date", ""))
    if until is None or now is None:
        return None
    return min(max(until - now, timedelta()), LONGEST_ASKED)


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return date.replace(tzinfo=date.tzinfo or UTC)


def _jittered(tried: int) -> float:
    bound = min(LONGEST_PAUSE, FIRST_PAUSE * 2**tried)
    return random.uniform(0, bound)  # noqa: S311  # spreads load, guards nothing
