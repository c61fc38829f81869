"""Questions over a library wait until it knows what was dropped before them."""

from shared.jobs.edges import Edges
from shared.jobs.model import Job, JobState, Part
from shared.text import sanitize


def unready(edges: Edges, job: Job, part: Part) -> str:
    """Why a part has to wait; empty: it may go."""
    for name in part.libraries:
        asked = job.times[JobState.CHECKING.value]
        library = edges.library_table.library(name)
        if library is None or library.settled_upto is None or library.settled_upto <= asked:
            why = f" ({sanitize(library.reason, 150)})" if library and library.reason else ""
            return (
                f"documents dropped before it in the library {sanitize(name, 80)} "
                f"are still being indexed{why}"
            )
    return ""
