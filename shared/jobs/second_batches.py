"""A part has a second batch: the younger one is cancelled, and that is published."""

from datetime import datetime

from shared.errors import Refused
from shared.jobs import notifications
from shared.jobs.edges import JobEdges
from shared.jobs.part import Part, PartState, part_number
from shared.openai.models import Batch, BatchStatus

NEEDS_NO_OTHER = frozenset({PartState.SUBMITTED, PartState.ENDED, PartState.LANDED})


def cancel_second_batch(edges: JobEdges, batch: Batch) -> None:
    """Cancels the younger one if this batch and another belong to the same part.

    Once the part has ended, its own batch stays, even if OpenAI shows that as it was before.
    """
    part = None if batch.ended else _part_with_another(edges, batch)
    if part is None:
        return
    known = _known_batch(edges, part)
    if known and part.state is PartState.SUBMITTED and _is_younger(known, batch):
        edges.ledger.replace_part(part, part.with_batch(batch))
        _cancel(edges, part, known, kept=batch.id)
    else:
        _cancel(edges, part, batch, kept=part.batch_id or "")


def report_second_batches(edges: JobEdges, since: datetime) -> int:
    """Publishes those that ended before a tick saw them, and deletes their files.

    A tick skips batches that ended: one read of the ledger for each would cost too much.
    """
    found = 0
    for page in edges.openai.batch_pages():
        found += sum(_report_if_second(edges, batch) for batch in page)
        if all(batch.created < since for batch in page):
            break
    return found


def _report_if_second(edges: JobEdges, batch: Batch) -> bool:
    if not batch.ended or batch.status == BatchStatus.FAILED:
        return False
    part = _part_with_another(edges, batch)
    if part is None:
        return False
    edges.notifier.publish(notifications.second_batch(part, batch, kept=part.batch_id or ""))
    for file_id in filter(None, (batch.output_file_id, batch.error_file_id)):
        edges.openai.delete_file(file_id)
    return True


def _part_with_another(edges: JobEdges, batch: Batch) -> Part | None:
    """The part that a batch names, if that has another batch or was cancelled without one.

    A part that waits or is being submitted may be about to find this batch: its answer was lost.
    """
    part = named_part(edges, batch)
    if part is None or part.state not in NEEDS_NO_OTHER or part.batch_id == batch.id:
        return None
    return part if part.owns(batch) else None


def named_part(edges: JobEdges, batch: Batch) -> Part | None:
    """The part that a batch's metadata name, as the ledger has it. None: it is not ours."""
    metadata = batch.metadata or {}
    job, base, attempt = (str(metadata.get(name, "")) for name in ("job_id", "part", "attempt"))
    if not job or not base.isdecimal() or not attempt.isdecimal():
        return None
    return edges.ledger.part(job, part_number(int(base), int(attempt)))


def _known_batch(edges: JobEdges, part: Part) -> Batch | None:
    try:
        return edges.openai.batch(part.batch_id) if part.batch_id else None
    except Refused:
        return None


def _is_younger(known: Batch, other: Batch) -> bool:
    return not known.ended and known.created > other.created


def _cancel(edges: JobEdges, part: Part, batch: Batch, kept: str) -> None:
    cancelled = batch if batch.ended else edges.openai.cancel_batch(batch.id)
    edges.notifier.publish(notifications.second_batch(part, cancelled, kept))
