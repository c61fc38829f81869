"""Hours of the week somewhere: `outside: Mon-Fri 08:00-18:00`, `timezone: Europe/Berlin`."""

import re
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, NamedTuple, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, model_validator

from shared.model import FrozenModel

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
EXAMPLE = "write it like Mon-Fri 08:00-18:00 or Sat,Sun"
_CLOCK = r"(\d{1,2}):(\d{2})"
_SPAN = re.compile(rf"(?:([A-Za-z ,-]+?)\s*)?(?:{_CLOCK}\s*-\s*{_CLOCK})?")
WHOLE_DAY = 24 * 60  # minutes


class Span(NamedTuple):
    """One that ends before it begins goes on into the next day."""

    days: frozenset[int]  # 0 is Monday
    start: int  # minutes of the day
    end: int

    def holds(self, day: int, minute: int) -> bool:
        if self.start <= self.end:
            return day in self.days and self.start <= minute < self.end
        before = (day - 1) % len(DAYS)
        return (day in self.days and minute >= self.start) or (
            before in self.days and minute < self.end
        )


def span_of(text: str) -> Span:
    """Raises ValueError."""
    found = _SPAN.fullmatch(text.strip())
    if not text.strip() or found is None:
        raise ValueError(f"{text!r:.80} is no span of the week: {EXAMPLE}")
    days, *clock = found.groups()
    if clock[0] is None:
        return Span(_days(days), 0, WHOLE_DAY)
    hours = [int(each) for each in clock]
    start, end = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
    if start >= WHOLE_DAY or end > WHOLE_DAY or max(hours[1], hours[3]) > 59 or start == end:
        raise ValueError(f"{text!r:.80} has no times of a day: {EXAMPLE}")
    return Span(_days(days) if days else frozenset(range(7)), start, end)


def _days(text: str) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        first, is_range, last = part.strip().partition("-")
        begin = _day(first)
        length = (_day(last) - begin) % 7 if is_range else 0
        found |= {(begin + each) % 7 for each in range(length + 1)}
    return frozenset(found)


def _day(text: str) -> int:
    name = text.strip().lower()
    matching = [number for number, each in enumerate(DAYS) if each.startswith(name)]
    if len(name) < 3 or not matching:
        raise ValueError(f"{text.strip()!r:.40} is no day of the week: {EXAMPLE}")
    return matching[0]


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _span(text: str) -> str:
    span_of(text)
    return text


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (OSError, ValueError, LookupError) as error:
        raise ValueError(f"{name!r:.40} is no time zone, such as Europe/Berlin") from error
    return name


Spans = Annotated[tuple[Annotated[str, AfterValidator(_span)], ...], BeforeValidator(_listed)]


class Hours(FrozenModel):
    """When a rule looks: within these spans of the week, or outside of them."""

    within: Spans = ()
    outside: Spans = ()
    timezone: Annotated[str, AfterValidator(_zone)] = "UTC"

    @model_validator(mode="after")
    def _either(self) -> Self:
        if bool(self.within) == bool(self.outside):
            raise ValueError(f"hours are within or outside of something: {EXAMPLE}")
        return self

    @cached_property
    def _spans(self) -> tuple[Span, ...]:
        return tuple(map(span_of, self.within or self.outside))

    def hold(self, time: int) -> bool:
        local = datetime.fromtimestamp(time, ZoneInfo(self.timezone))
        minute = local.hour * 60 + local.minute
        return any(each.holds(local.weekday(), minute) for each in self._spans) is bool(self.within)
