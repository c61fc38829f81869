"""An S3 event only says that an object may have changed: we read the object as it is now.

The last to read is the last to write: a row names the revision it replaces, so an older state
never overwrites a newer one, in whatever order the events arrive.
"""

import hashlib
from contextlib import suppress
from datetime import datetime

from shared.aws.s3_events import Change
from shared.errors import Conflict, NotFound
from shared.library import notifications, paths
from shared.library.edges import LibraryEdges
from shared.library.metadata import MAX_SIDECAR_BYTES, Attributes, document_of, read_sidecar
from shared.library.model import MAX_PREVIOUS, Document
from shared.library.paths import Place
from shared.library.settings import FILE
from shared.objects import Source
from shared.openai.vector_stores import MOST_BYTES

MAX_RACES = 5  # lost before the message goes back to the queue
OUTDATED, DUPLICATE = "outdated", "duplicate"


def record_change(edges: LibraryEdges, change: Change) -> str:
    """Writes the row, then marks the library dirty: a sync always finds what it was asked for."""
    place = paths.place_of(change.source.key)
    if place is None:
        return _record_outside(edges, change.source)
    outcome = "settings" if place.name == FILE else _record_until_written(edges, place, change)
    if outcome != OUTDATED:  # the newer event marks the library itself
        edges.library_table.mark_dirty(place.library, edges.now())
    return outcome


def record_document(edges: LibraryEdges, place: Place, event: Source, at: datetime) -> str:
    """Raises Conflict if another run was quicker."""
    known = edges.library_table.document(*place)
    if known and (ignored := _ignored(known, event)):
        return ignored
    current = _as_it_is_now(edges, place, known, event, at)
    edges.library_table.put_document(known, current)
    if known and known.has_same_content(current):
        return "unchanged"
    if current.problem:
        edges.notifier.publish(notifications.failed(current, "not_taken", current.problem))
    return "deleted" if current.deleted else "changed"


def _record_outside(edges: LibraryEdges, source: Source) -> str:
    if source.key.endswith("/"):
        return "folder marker"
    edges.notifier.publish(notifications.outside_any_library(source))
    return "no library"


def _record_until_written(edges: LibraryEdges, place: Place, change: Change) -> str:
    for _ in range(MAX_RACES):
        with suppress(Conflict, NotFound):  # it changed while we read it: read it again
            return record_document(edges, place, change.source, change.at or edges.now())
    return record_document(edges, place, change.source, change.at or edges.now())


def _ignored(known: Document, event: Source) -> str:
    """Why this event needs no reading; empty if it does."""
    if not (known.sequencer and event.sequencer):
        return ""
    if paths.is_later(known.sequencer, event.sequencer):
        return OUTDATED
    return DUPLICATE if known.sequencer == event.sequencer else ""


def _as_it_is_now(
    edges: LibraryEdges, place: Place, known: Document | None, event: Source, at: datetime
) -> Document:
    now = edges.now()
    base = known or Document(
        library=place.library, name=place.name, source=event, dropped_at=at, recorded_at=now
    )
    changes: dict[str, object] = {"recorded_at": now, "dropped_at": at, "deleted": False}
    changes |= {"sequencer": event.sequencer or base.sequencer}
    try:
        source = edges.s3.newest(event.bucket, paths.key_of(place))
    except NotFound:
        return base.updated(**changes | {"deleted": True})
    if not (known and known.source.identity == source.identity):
        digest, attributes, problem = _read(edges, place, source)
        changes |= {"digest": digest, "attributes": attributes, "problem": problem}
        if base.digest not in {"", digest}:
            changes["previous_digests"] = _previous_digests(base)
    return base.updated(**changes | {"source": source})


def _previous_digests(document: Document) -> list[str]:
    """If there are too many, the first ones, which are likely to answer, and the last."""
    found = list(dict.fromkeys([*document.previous_digests, document.digest]))
    return found if len(found) <= MAX_PREVIOUS else [*found[: MAX_PREVIOUS - 1], found[-1]]


def _read(edges: LibraryEdges, place: Place, source: Source) -> tuple[str, Attributes | None, str]:
    """Digest, attributes, problem. Raises NotFound if this version was deleted meanwhile."""
    if document_of(place.name):
        return _read_sidecar(edges, source)
    if source.size > MOST_BYTES:
        return "", None, f"{source.size:,} bytes; OpenAI takes at most {MOST_BYTES:,} of one file"
    sha = hashlib.sha256()
    for chunk in edges.s3.chunks(source):
        sha.update(chunk)
    return paths.digest_of(sha.hexdigest(), place.name), None, ""


def _read_sidecar(edges: LibraryEdges, source: Source) -> tuple[str, Attributes | None, str]:
    if source.size > MAX_SIDECAR_BYTES:
        problem = f"a sidecar of {source.size:,} bytes; at most {MAX_SIDECAR_BYTES:,} are read"
        return "", {}, problem
    attributes, problem = read_sidecar(b"".join(edges.s3.chunks(source)))
    return "", attributes, problem
