"""A clock that a test moves."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass
class Clock:
    moment: datetime = START

    def __call__(self) -> datetime:
        return self.moment

    def seconds(self) -> float:
        return self.moment.timestamp()

    def advance(self, seconds: float = 0, **more: float) -> None:
        """So many seconds, or `minutes`, `hours`, `days`."""
        self.moment += timedelta(seconds=seconds, **more)

    def ticks(self, seconds: float, step: float) -> Iterator[float]:
        """The moments from now on, `step` seconds apart."""
        end = self.seconds() + seconds
        while self.seconds() <= end:
            yield self.seconds()
            self.advance(step)
