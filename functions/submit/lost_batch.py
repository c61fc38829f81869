"""Looks for the batch of a part whose answer to create was lost."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from shared.errors import TryLater
from shared.jobs.edges import JobEdges
from shared.jobs.part import Part
from shared.openai.models import Batch, BatchStatus

SKEW = timedelta(hours=1)  # between our clock and OpenAI's, when a list is read back in time


def find_lost_batch(edges: JobEdges, part: Part) -> Batch | None:
    """None: there is no batch, and it had time to show up. Raises TryLater before that."""
    if part.creating_at is None:
        return None
    batch = _search(edges, part, since=part.creating_at - SKEW)
    shown_by = part.creating_at + edges.settings.lost_answer
    if batch is None and edges.now() < shown_by:
        raise TryLater("an answer was lost; its batch may still show up", shown_by - edges.now())
    return batch


def _search(edges: JobEdges, part: Part, since: datetime) -> Batch | None:
    """Reads the list back to `since`, or to its end if it is not in order of time."""
    times: list[datetime] = []
    in_order = True
    for page in edges.openai.batch_pages():
        for batch in page:
            if part.owns(batch) and batch.status != BatchStatus.FAILED:
                return batch
        times = [*times[-1:], *(batch.created for batch in page)]
        in_order = in_order and _is_newest_first(times)
        if in_order and times and times[-1] < since:
            return None
    return None


def _is_newest_first(times: Sequence[datetime]) -> bool:
    return all(earlier >= later for earlier, later in pairwise(times))
