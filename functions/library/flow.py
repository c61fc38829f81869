"""A folder's changes are noted as they come; once a minute its store is brought up to them."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from functions.library.changes import note
from functions.library.sync import sync
from shared.aws.s3_events import changed
from shared.library.edges import LibraryEdges
from shared.library.model import SyncRequest


def keep_in_sync(edges: LibraryEdges, message: dict[str, Any]) -> dict[str, int]:
    """What came of it, in words and how often. Asking twice does no harm."""
    return dict(Counter(_outcomes(edges, message)))


def _outcomes(edges: LibraryEdges, message: dict[str, Any]) -> Iterable[str]:
    if "library" in message:
        return [sync(edges, SyncRequest.model_validate(message))]
    return [note(edges, each) for each in changed(message)]
