"""Reads many batches from OpenAI in few calls."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from shared.errors import Refused, TryLater
from shared.jobs.edges import JobEdges
from shared.jobs.part import Part
from shared.jobs.second_batches import cancel_second_batch
from shared.openai.models import Batch

PAGE = 100  # batches OpenAI lists at a time
SINGLE_CALLS = 50  # in a tick that can't read the list
TURN = 60  # seconds
NO_LIST = frozenset({404, 405, 501})  # some servers list no batches
EXTRA_CALLS = 2  # beside the pages that the parts would fill: other batches lie between ours


@dataclass(slots=True)
class Lookup:
    """What is still to be found, and what may be spent on it."""

    missing: dict[str, Part]  # by batch id
    calls: int
    after: str | None  # where in OpenAI's list the next page starts
    turn: int = 0  # which of the missing are read this time, where they are more than the calls

    @property
    def longest_due(self) -> list[Part]:
        """The parts whose batches may still be read one by one."""
        parts = sorted(self.missing.values(), key=lambda part: part.due)
        first = self.turn * self.calls % len(parts) if parts else 0
        return (parts[first:] + parts[:first])[: self.calls]


def look_up(edges: JobEdges, parts: list[Part]) -> Iterator[tuple[Part, Batch | None]]:
    """Each submitted part with its batch, or None if OpenAI does not find it any more.

    At most ⌈parts/100⌉ + 2 calls. First it reads the list for as long as a part is missing; the
    next tick goes on where this one stopped. Then it reads the missing batches one by one. If the
    list can't be read, it reads up to 50 in turn, and raises why at the end; not if there is none.
    """
    missing = {part.batch_id: part for part in parts if part.batch_id}
    start = edges.ledger.cursor()
    lookup = Lookup(missing, math.ceil(len(parts) / PAGE) + EXTRA_CALLS, start)
    unread: TryLater | None = None
    try:
        yield from _read_list(edges, lookup)
    except TryLater as error:
        unread = error
        lookup.calls, lookup.after = SINGLE_CALLS, None
        lookup.turn = int(edges.now().timestamp()) // TURN
    if lookup.after != start:
        edges.ledger.put_cursor(lookup.after)
    for part in lookup.longest_due:
        yield part, _batch_of(edges, part)
    if unread and unread.details.status not in NO_LIST:
        raise unread


def _read_list(edges: JobEdges, lookup: Lookup) -> Iterator[tuple[Part, Batch]]:
    """Leaves at least one call for a single batch."""
    while lookup.missing and lookup.calls > 1:
        page = edges.openai.batch_page(lookup.after)
        lookup.calls -= 1
        for batch in page.data:
            part = lookup.missing.pop(batch.id, None)
            if part:
                yield part, batch
            else:
                cancel_second_batch(edges, batch)
        lookup.after = page.after
        if page.after is None:
            return
    if not lookup.missing:
        lookup.after = None


def _batch_of(edges: JobEdges, part: Part) -> Batch | None:
    try:
        return edges.openai.batch(part.batch_id or "")
    except Refused:  # in whatever words: it has its patience, and stops no other
        return None
