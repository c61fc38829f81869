"""Asks OpenAI what became of many batches in few calls, and notices a second batch of one part."""

import math
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from shared.errors import NotFound
from shared.jobs import notifications
from shared.jobs.cancel import cancel_batch
from shared.jobs.edges import Edges
from shared.jobs.model import Part, PartState, part_number
from shared.openai.models import Batch, BatchStatus

PAGE = 100  # batches OpenAI lists at a time
NEEDS_NO_OTHER = frozenset({PartState.SUBMITTED, PartState.ENDED, PartState.LANDED})


def answers(edges: Edges, live: list[Part]) -> Iterator[tuple[Part, Batch | None]]:
    """Each live part with its batch, None where OpenAI knows it no more.

    At most ⌈live/100⌉ + 2 calls. First a walk through the list, as long as something is still to
    be met; where other batches lie between ours, the next tick goes on where this one stopped.
    Then single questions for what the walk did not meet, those first that waited longest.
    """
    unmet = {part.batch_id: part for part in live if part.batch_id}
    calls = math.ceil(len(live) / PAGE) + 2
    started = after = edges.ledger.cursor()
    while unmet and calls > 1:
        page = edges.openai.batch_page(after)
        calls -= 1
        for batch in page.data:
            part = unmet.pop(batch.id, None)
            if part:
                yield part, batch
            else:
                _suspect(edges, batch)
        after = (page.last_id or page.data[-1].id) if page.has_more and page.data else None
        if after is None:
            break
    after = after if unmet else None
    if after != started:
        edges.ledger.put_cursor(after)
    for part in sorted(unmet.values(), key=lambda part: part.due)[:calls]:
        yield part, _asked(edges, part)


def _asked(edges: Edges, part: Part) -> Batch | None:
    try:
        return edges.openai.batch(part.batch_id or "")
    except NotFound:
        return None


def look_back(edges: Edges, since: datetime) -> int:
    """Second batches that showed up too late to be cancelled: told, and what they left deleted.

    A tick does not look at batches that ended: asking the ledger for each would cost too much.
    """
    found = 0
    for page in edges.openai.batch_pages():
        found += sum(_tell_if_second(edges, batch) for batch in page)
        if all(batch.created < since for batch in page):
            break
    return found


def _tell_if_second(edges: Edges, batch: Batch) -> bool:
    if not batch.ended or batch.status == BatchStatus.FAILED:
        return False
    part = _twin(edges, batch)
    if part is None:
        return False
    edges.notifier.publish(notifications.second_batch(part, batch, kept=part.batch_id or ""))
    for file_id in filter(None, (batch.output_file_id, batch.error_file_id)):
        edges.openai.delete_file(file_id)
    return True


def _twin(edges: Edges, batch: Batch) -> Part | None:
    """The part that a batch says it is, where that has another batch, or was stopped without one.

    One that waits or is being submitted may be about to find this very batch, its answer lost.
    """
    part = _named(edges, batch.metadata or {})
    if part is None or part.state not in NEEDS_NO_OTHER or part.batch_id == batch.id:
        return None
    return part if part.is_made_into(batch) else None


def _suspect(edges: Edges, batch: Batch) -> None:
    """A batch that lives and says it is a part's, but is not the one the ledger knows."""
    part = None if batch.ended else _twin(edges, batch)
    if part is None:
        return
    known = _asked(edges, part) if part.batch_id else None
    if known is None or known.ended or known.created <= batch.created:
        _cancel(edges, part, batch, kept=part.batch_id or "")
    else:
        edges.ledger.replace_part(part, part.swapped(batch))
        _cancel(edges, part, known, kept=batch.id)


def _cancel(edges: Edges, part: Part, younger: Batch, kept: str) -> None:
    if not younger.ended:
        younger = cancel_batch(edges, younger.id)
    edges.notifier.publish(notifications.second_batch(part, younger, kept))


def _named(edges: Edges, metadata: dict[str, Any]) -> Part | None:
    job, base, attempt = (str(metadata.get(name, "")) for name in ("job_id", "part", "attempt"))
    if not job or not base.isdecimal() or not attempt.isdecimal():
        return None
    return edges.ledger.part(job, part_number(int(base), int(attempt)))
