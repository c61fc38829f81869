"""What is wrong with a rule, and where."""

from typing import NamedTuple

Path = tuple[str | int, ...]


class Mistake(NamedTuple):
    """One thing that is wrong, by its place in the rule."""

    path: Path
    message: str


class Mistaken(ValueError):
    """One mistake; the place is relative to what was being read."""

    def __init__(self, message: str, *path: str | int) -> None:
        super().__init__(message)
        self.message, self.path = message, path

    def under(self, *path: str | int) -> "Mistaken":
        return Mistaken(self.message, *path, *self.path)
