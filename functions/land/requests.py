"""The requests of a part, in its order: from S3, or from OpenAI's copy of them.

The dropped file may be deleted, archived or locked away while its batch runs. What was paid for
lands all the same.
"""

import json
import tempfile
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from functions.land.answers import BUFFER, NotThere, fetch
from shared.errors import NotGiven, Refused, TryLater
from shared.jobs.edges import JobEdges
from shared.jobs.line_numbers import line_numbers
from shared.jobs.model import Job
from shared.jobs.part import Part
from shared.jobs.results import lines_of
from shared.jobs.waiting import A_MOMENT, SOURCE_AWAITED


class Requests(NamedTuple):
    """Lines; lost: nobody has them, and each line says only which one of the file it was."""

    lines: Iterator[bytes]
    lost: bool = False


def requests_of(edges: JobEdges, job: Job, part: Part) -> Requests:
    """Raises NotThere while they may still be had."""
    try:
        return Requests(lines_of(_begun(edges.s3.chunks_again(part.source))))
    except (NotGiven, Refused) as error:
        return _from_openai(edges, job, part, error)


def _from_openai(edges: JobEdges, job: Job, part: Part, error: NotGiven | Refused) -> Requests:
    """OpenAI has what was uploaded, until the part has landed."""
    try:
        if part.file_id:
            return Requests(lines_of(_begun(_copy(edges, part.file_id, part.source.length))))
    except TryLater as failed:
        raise NotThere(failed.reason, refused=False) from failed
    except Refused:
        pass
    if isinstance(error, NotGiven) and _has_time(edges, job, part):
        raise NotThere(error.reason, refused=False, of_source=True) from error
    return Requests(_without_requests(edges, part), lost=True)


def _has_time(edges: JobEdges, job: Job, part: Part) -> bool:
    """Where nothing was paid for, or nobody wants it, only what passes in a moment is awaited."""
    since = part.source_missing_since
    if since is None:
        return True
    is_wanted = part.batch_id and job.cancel_requested is None
    return edges.now() - since < (SOURCE_AWAITED if is_wanted else A_MOMENT)


def _copy(edges: JobEdges, file_id: str, size: int) -> Iterator[bytes]:
    """Downloaded whole before its first line is believed: a download may end early."""
    with tempfile.TemporaryFile() as disk:
        fetch(edges, file_id, disk)
        if (came := disk.tell()) != size:
            raise TryLater(f"OpenAI's copy {file_id} has {came:,} bytes, not {size:,}")
        disk.seek(0)
        while chunk := disk.read(BUFFER):
            yield chunk


def _begun(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """What refuses its bytes does so here, at the first of them."""
    rest = iter(chunks)
    return chain([next(rest, b"")], rest)


def _without_requests(edges: JobEdges, part: Part) -> Iterator[bytes]:
    for number in line_numbers(edges.s3, part):
        line = {"custom_id": f"line {number}", "method": "POST", "url": part.endpoint}
        yield json.dumps(line | {"body": {"model": part.model}}).encode()
