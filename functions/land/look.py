"""A webhook said that a batch has ended: OpenAI is asked, and what has ended lands at once.

Poll does the same later, whatever becomes of the webhook.
"""

from contextlib import suppress
from datetime import timedelta

from pydantic import ValidationError

from functions.land.flow import land
from shared.errors import Conflict, Refused
from shared.jobs.admission import admit_waiting
from shared.jobs.edges import JobEdges
from shared.jobs.observe import observe
from shared.jobs.part import Part, PartState
from shared.jobs.second_batches import named_part
from shared.objects import BatchRef
from shared.openai.models import Batch

MOST_LOOKS = 5  # at a batch that OpenAI still shows running
PAUSE = timedelta(seconds=20)


def asked_look(body: str) -> BatchRef | None:
    """None: the message names a part."""
    try:
        return BatchRef.model_validate_json(body)
    except ValidationError:
        return None


def look(edges: JobEdges, ref: BatchRef) -> str:
    """What became of its part, in a word. A batch of somebody else's is left alone."""
    try:
        batch = edges.openai.batch(ref.batch)
    except Refused:  # in whatever words: poll has patience with it
        return "no batch"
    part = named_part(edges, batch)
    if part is None:
        return "not ours"
    if part.state is PartState.SUBMITTED and part.batch_id == batch.id:
        part = _observed(edges, part, batch)
    if part.state is PartState.SUBMITTED and not batch.ended:
        return _look_again(edges, ref)
    is_to_land = part.state in {PartState.ENDED, PartState.LANDED}  # who landed it may have died
    return land(edges, part.ref) if is_to_land and part.batch_id == batch.id else "not now"


def _observed(edges: JobEdges, part: Part, batch: Batch) -> Part:
    """As poll would: what ended gives its capacity back, and others may take it."""
    with suppress(Conflict):  # poll looks at this moment, and does the same
        observe(edges, part, batch)
        if batch.ended:
            admit_waiting(edges, edges.ledger.capacity(part.model))
    return edges.ledger.part(part.job, part.number) or part


def _look_again(edges: JobEdges, ref: BatchRef) -> str:
    """The webhook was faster than what it told."""
    if ref.looks < MOST_LOOKS:
        later = BatchRef(batch=ref.batch, looks=ref.looks + 1)
        edges.land_queue.send([later.model_dump_json()], after=PAUSE * later.looks)
    return "runs"
