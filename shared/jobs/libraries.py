"""The store behind a library's name, and how long a batch file waits for a library."""

from datetime import datetime

from shared.batchfile.library_refs import Resolve, StoreNotReady
from shared.errors import NotFound, Refused, TryLater
from shared.jobs.edges import JobEdges
from shared.jobs.model import Job, JobState
from shared.jobs.part import Part
from shared.library.model import Library
from shared.library.paths import LIBRARIES
from shared.openai.vector_stores import EXPIRED
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
    """Why a part waits: a document dropped before it has not ended, or the store is not as it was.

    Empty if it need not wait.
    """
    for name in part.libraries:
        dropped_at = job.times[JobState.CHECKING.value]
        library = edges.library_table.library(name)
        shown = sanitize(name, 80)
        if library is None or not library.store_id or not _has_indexed(library, dropped_at):
            why = f" ({sanitize(library.reason, 150)})" if library and library.reason else ""
            return (
                f"documents dropped before it in the library {shown} are still being indexed{why}"
            )
        if fault := _fault(edges, library):
            edges.library_table.mark_dirty(name, edges.now(), referenced_at=edges.now())
            return f"the store of the library {shown} {fault}"
    return ""


def current_stores(edges: JobEdges, part: Part) -> dict[str, str]:
    """The store of each of its libraries, as of now."""
    libraries = [edges.library_table.library(name) for name in part.libraries]
    return {each.name: each.store_id for each in libraries if each and each.store_id}


def _has_indexed(library: Library, dropped_at: datetime) -> bool:
    """Whether all documents that were dropped until then are in its store, or failed."""
    return library.finished_until is not None and library.finished_until > dropped_at


def _fault(edges: JobEdges, library: Library) -> str:
    """What is wrong with the store at the moment of asking; empty if nothing is."""
    try:
        store = edges.vector_stores.store(library.store_id or "")
    except NotFound:
        return "cannot be found; it is looked for, and made anew if it is gone"
    except (TryLater, Refused) as error:
        return f"cannot be looked at: {sanitize(error.reason, 300)}"
    if store.status == EXPIRED:
        return "has expired; it is made anew"
    if store.file_counts.completed < library.counted:
        return "lacks documents that it had; they are attached again"
    return ""


def _store(edges: JobEdges, library: str) -> str | None:
    """Raises StoreNotReady. Marks the library dirty, because S3 events may still be in flight."""
    found = edges.library_table.library(library)
    if found is None and library not in edges.s3.folders(edges.settings.inbox_bucket, LIBRARIES):
        return None
    edges.library_table.mark_dirty(library, edges.now(), referenced_at=edges.now())
    if found is None or found.store_id is None:
        raise StoreNotReady(library)
    return found.store_id
