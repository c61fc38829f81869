"""Reads many batches from OpenAI in few calls."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from shared.errors import NotFound
from shared.jobs.edges import JobEdges
from shared.jobs.part import Part
from shared.jobs.second_batches import cancel_second_batch
from shared.openai.models import Batch

PAGE = 100  # batches OpenAI lists at a time
EXTRA_CALLS = 2  # beside the pages that the parts would fill: other batches lie between ours


@dataclass(slots=True)
class Lookup:
    """What is still to be found, and what may be spent on it."""

    missing: dict[str, Part]  # by batch id
    calls: int
    after: str | None  # where in OpenAI's list the next page starts

    @property
    def longest_due(self) -> list[Part]:
        """The parts whose batches may still be read one by one."""
        return sorted(self.missing.values(), key=lambda part: part.due)[: self.calls]


def look_up(edges: JobEdges, parts: list[Part]) -> Iterator[tuple[Part, Batch | None]]:
    """Each submitted part with its batch, or None if OpenAI does not find it any more.

    At most ⌈parts/100⌉ + 2 calls. First it reads the list for as long as a part is missing; the
    next tick goes on where this one stopped. Then it reads the missing batches one by one.
    """
    missing = {part.batch_id: part for part in parts if part.batch_id}
    start = edges.ledger.cursor()
    lookup = Lookup(missing, math.ceil(len(parts) / PAGE) + EXTRA_CALLS, start)
    yield from _read_list(edges, lookup)
    if lookup.after != start:
        edges.ledger.put_cursor(lookup.after)
    for part in lookup.longest_due:
        yield part, _batch_of(edges, part)


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
    except NotFound:
        return None
