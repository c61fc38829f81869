"""The store behind a library's name, and how long a batch file waits for a library."""

from datetime import datetime

from shared.batchfile.library_refs import Resolve, StoreNotReady
from shared.jobs.edges import JobEdges
from shared.jobs.model import Job, JobState
from shared.jobs.part import Part
from shared.library.model import Library
from shared.library.paths import LIBRARIES
from shared.text import sanitize


def store_resolver(edges: JobEdges) -> Resolve:
    """Looks each library up once a file."""
    known: dict[str, str | None] = {}

    def resolve(library: str) -> str | None:
        if library not in known:
            known[library] = _store(edges, library)
        return known[library]

    return resolve


def why_not_ready(edges: JobEdges, job: Job, part: Part) -> str:
    """Why a part waits: a document dropped before it has not ended. Empty if it need not wait."""
    for name in part.libraries:
        dropped_at = job.times[JobState.CHECKING.value]
        library = edges.library_table.library(name)
        if not _has_indexed(library, dropped_at):
            why = f" ({sanitize(library.reason, 150)})" if library and library.reason else ""
            return (
                f"documents dropped before it in the library {sanitize(name, 80)} "
                f"are still being indexed{why}"
            )
    return ""


def _has_indexed(library: Library | None, dropped_at: datetime) -> bool:
    """Whether all documents that were dropped until then are in its store."""
    if library is None or library.finished_until is None:
        return False
    return library.finished_until > dropped_at


def _store(edges: JobEdges, library: str) -> str | None:
    """Raises StoreNotReady. Marks the library dirty, because S3 events may still be in flight."""
    found = edges.library_table.library(library)
    if found is None and library not in edges.s3.folders(edges.settings.inbox_bucket, LIBRARIES):
        return None
    edges.library_table.mark_dirty(library, edges.now(), referenced_at=edges.now())
    if found is None or found.store_id is None:
        raise StoreNotReady(library)
    return found.store_id
