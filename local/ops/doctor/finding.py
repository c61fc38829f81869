"""What a check found, and how a check that could not be made becomes a finding, too."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from botocore.exceptions import BotoCoreError, ClientError

Level = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class Finding:
    """One line. `remedy` is a command, or what to do where there is none."""

    level: Level
    about: str
    text: str
    remedy: str = ""

    def __str__(self) -> str:
        said = f"{self.level:8} {self.about:14} {self.text}"
        return f"{said}: {self.remedy}" if self.remedy else said


Check = Callable[[], Iterator[Finding]]


def found_by(about: str, check: Check) -> Iterator[Finding]:
    """What it finds; a check that AWS does not let us make is a warning, and the others go on."""
    try:
        yield from check()
    except (BotoCoreError, ClientError) as error:
        yield Finding("warning", about, f"could not be looked at: {error}")
