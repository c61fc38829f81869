"""A deliberate mistake: it would break a promise, and the tests beside it have to notice."""

from collections.abc import Iterable
from typing import NamedTuple


class Row(NamedTuple):
    """One mistake, and what would happen.

    The text stands once in its file, or once after the first place of `after`, so that a row never
    means another place.
    """

    file: str
    old: str
    new: str
    what: str
    tests: str
    after: str = ""

    def applied(self, text: str) -> str | None:
        """The file with the mistake in it; None if the row does not fit it any more."""
        head, mark, rest = text.partition(self.after) if self.after else ("", "", text)
        if self.after and not mark:
            return None
        count = rest.count(self.old)
        if not count or (count > 1 and not self.after):
            return None
        return head + mark + rest.replace(self.old, self.new, 1)


def in_file(file: str, tests: str, mistakes: Iterable[tuple[str, ...]]) -> tuple[Row, ...]:
    """Rows of one file: what stands there, what instead, what would happen, after what."""
    return tuple(_row(file, tests, *each) for each in mistakes)


def _row(file: str, tests: str, *mistake: str) -> Row:
    old, new, what, *after = mistake
    return Row(file, old, new, what, tests, *after[:1])
