"""Changes in a library's folder are recorded as they come; once a minute a sync follows."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from functions.library.changes import record_change
from functions.library.sync import sync
from shared.aws.s3_events import changed
from shared.library.edges import LibraryEdges
from shared.library.model import SyncRequest


def keep_in_sync(edges: LibraryEdges, message: dict[str, Any]) -> dict[str, int]:
    """How often each outcome occurred. The same message twice does no harm."""
    return dict(Counter(_outcomes(edges, message)))


def _outcomes(edges: LibraryEdges, message: dict[str, Any]) -> Iterable[str]:
    if "library" in message:
        return [sync(edges, SyncRequest.model_validate(message))]
    return [record_change(edges, each) for each in changed(message)]
