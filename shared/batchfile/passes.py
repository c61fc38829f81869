"""How often a file is read, and what each pass looks for."""

from collections.abc import Callable
from typing import BinaryIO, Generic, NamedTuple, TypeVar

from shared.batchfile.repeats import AskedOnce, RepeatCounter, Repeats, RequestDigests
from shared.batchfile.splitter import Splitter

T = TypeVar("T")


class Pass(NamedTuple):
    """suspects: hashes of custom_ids that may be used twice; None: that is looked for."""

    suspects: set[int] | None
    repeats: Repeats
    makes_parts: bool


class Passed(NamedTuple, Generic[T]):
    """What the last pass found."""

    splitter: Splitter
    repeats: Repeats
    made: T


def read_in_passes(
    read: Callable[[Pass], tuple[Splitter, T]], spool: Callable[[], BinaryIO], *, once: bool
) -> Passed[T]:
    """One pass; another where the file seems to use a custom_id twice, or its repeats are left out.

    read: reads the file whole. spool: makes files that are there until the last pass is over.
    """
    found = _look(read, None, spool, once=once)
    if suspects := found.splitter.suspects():
        found = _look(read, suspects, spool, once=once)
    if not isinstance(found.repeats, RequestDigests) or found.splitter.is_refused:
        return found
    first_lines = found.repeats.first_lines(spool(), found.splitter.lines)
    repeats = AskedOnce(first_lines, spool())
    splitter, made = read(Pass(suspects, repeats, makes_parts=True))
    return Passed(splitter, repeats, made)


def _look(
    read: Callable[[Pass], tuple[Splitter, T]],
    suspects: set[int] | None,
    spool: Callable[[], BinaryIO],
    *,
    once: bool,
) -> Passed[T]:
    if once:
        digests = RequestDigests(spool())
        splitter, made = read(Pass(suspects, digests, makes_parts=False))
        return Passed(splitter, digests, made)
    counter = RepeatCounter(spool())
    splitter, made = read(Pass(suspects, counter, makes_parts=True))
    counter.count()
    return Passed(splitter, counter, made)
