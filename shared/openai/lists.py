"""Walks a list of OpenAI's page by page, and notices one that does not advance."""

from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

from shared.errors import TryLater


class Page(Protocol):
    @property
    def has_more(self) -> bool: ...

    @property
    def after(self) -> str | None: ...


SomePage = TypeVar("SomePage", bound=Page)


def walk(page_after: Callable[[str | None], SomePage], what: str) -> Iterator[SomePage]:
    """Each page once. Raises TryLater where the list stops short of its end.

    So who looks for something never takes a list that ignores `after`, or that says there is more
    and gives nothing, for one without it.
    """
    met: set[str | None] = {None}
    after: str | None = None
    while True:
        page = page_after(after)
        if page.has_more and page.after in met:
            raise TryLater(f"{what} does not advance: it says there is more, and gives no more")
        yield page
        if not page.has_more:
            return
        after = page.after
        met.add(after)
