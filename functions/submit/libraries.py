"""A part names the stores that its libraries have when it is submitted, not when it was read.

A store that was lost at OpenAI meanwhile has another id.
"""

from collections.abc import Iterator, Mapping

from shared.batchfile.library_refs import with_other_stores
from shared.jobs import keys
from shared.jobs.edges import JobEdges
from shared.jobs.libraries import current_stores, why_not_ready
from shared.jobs.model import Job
from shared.jobs.part import Part
from shared.jobs.results import lines_of
from shared.jobs.uploads import upload_name
from shared.jobs.waiting import wait
from shared.library.model import Waiter
from shared.objects import Span


def why_not_now(edges: JobEdges, job: Job, part: Part) -> str:
    """Why a part that was claimed before has to wait once more: time has passed since."""
    if reason := why_not_ready(edges, job, part):
        return reason
    return "a library that it asks has another store now" if _others(edges, part) else ""


def wait_for_library(edges: JobEdges, job: Job, part: Part, reason: str) -> str:
    """Poll asks for it again at each tick, and the library function as soon as it is ready."""
    wait(edges, job, part, reason, until=edges.now())
    waiter = Waiter(queue="submit", id=part.name, message=part.ref.model_dump_json())
    for name in part.libraries:
        edges.library_table.await_library(name, waiter, edges.now())
    return "waits"


def with_current_stores(edges: JobEdges, part: Part) -> Part:
    """The part as it was, unless a library has another store now. Raises NotGiven."""
    others = _others(edges, part)
    if not others:
        return part
    now = {name: others.get(store, store) for name, store in part.stores.items()}
    changed = part.with_stores(_written(edges, part, others), now, _uploads(edges, part))
    edges.ledger.replace_part(part, changed)
    return changed


def _others(edges: JobEdges, part: Part) -> Mapping[str, str]:
    """The stores that its lines name and that its libraries have no more, with those they have."""
    if not part.stores:
        return {}
    now = part.stores | current_stores(edges, part)
    return {old: now[name] for name, old in part.stores.items() if now[name] != old}


def _written(edges: JobEdges, part: Part, others: Mapping[str, str]) -> Span:
    """Beside the object it had, which another run may be reading."""
    key = f"{keys.part_key(part)}.{part.rev}"
    length = edges.s3.write(key, _lines(edges, part, others))
    return Span(bucket=edges.s3.bucket, key=key, length=length)


def _lines(edges: JobEdges, part: Part, others: Mapping[str, str]) -> Iterator[bytes]:
    for line in lines_of(edges.s3.chunks_again(part.source)):
        yield with_other_stores(line, others) + b"\n"


def _uploads(edges: JobEdges, part: Part) -> list[str]:
    """Of its lines as they were: the next upload has the same name, and maybe the same size."""
    if part.tries == 0:
        return []
    name = upload_name(part)
    return [each.id for each in edges.openai.file_page().data if each.filename == name]
