"""Which store a library's name means, and that a file of questions waits for its documents."""

from shared.batchfile.library_refs import Resolve, StoreNotReady
from shared.jobs.edges import Edges
from shared.jobs.model import Job
from shared.library.paths import LIBRARIES

NOWHERE = "vs_none"  # for questions that nobody will be asked


def naming(edges: Edges, job: Job) -> Resolve:
    """Each library is looked up once a file; a job that is to stop waits for none."""
    known: dict[str, str | None] = {}

    def resolve(library: str) -> str | None:
        if library not in known:
            known[library] = _store(edges, library, waits=job.cancel_asked is None)
        return known[library]

    return resolve


def _store(edges: Edges, library: str, *, waits: bool) -> str | None:
    """Raises StoreNotReady. Who asks has the folder compared: its messages may be on their way."""
    found = edges.library_table.library(library)
    if found is None and library not in edges.s3.folders(edges.settings.inbox_bucket, LIBRARIES):
        return None
    if not waits:
        return (found and found.store_id) or NOWHERE
    edges.library_table.ring(library, edges.now(), asked_at=edges.now())
    if found is None or found.store_id is None:
        raise StoreNotReady(library)
    return found.store_id
