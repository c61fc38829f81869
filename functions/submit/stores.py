"""A part names the stores that its libraries have when it is submitted, not when it was read.

A store that was lost at OpenAI meanwhile has another id.
"""

from collections.abc import Iterator, Mapping

from shared.batchfile.library_refs import with_other_stores
from shared.jobs import keys
from shared.jobs.edges import JobEdges
from shared.jobs.libraries import current_stores
from shared.jobs.part import Part
from shared.jobs.results import lines_of
from shared.jobs.uploads import upload_name
from shared.objects import Span


def with_current_stores(edges: JobEdges, part: Part) -> Part:
    """The part as it was, unless a library has another store now. Raises NotGiven."""
    if not part.stores:
        return part
    now = part.stores | current_stores(edges, part)
    others = {old: now[name] for name, old in part.stores.items() if now[name] != old}
    if not others:
        return part
    changed = part.with_stores(_written(edges, part, others), now, _uploads(edges, part))
    edges.ledger.replace_part(part, changed)
    return changed


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
