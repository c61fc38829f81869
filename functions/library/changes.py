"""An S3 event only says that an object may have changed: we read the object as it is now.

The last to read is the last to write: a row names the revision it replaces, so an older state
never overwrites a newer one, in whatever order the events arrive.
"""

import hashlib
from contextlib import suppress
from datetime import datetime

from shared.aws.s3_events import Change
from shared.errors import Conflict, NotFound, Refused
from shared.library import notifications, paths
from shared.library.edges import LibraryEdges
from shared.library.metadata import MAX_SIDECAR_BYTES, Attributes, document_of, read_sidecar
from shared.library.model import MAX_PREVIOUS, Document
from shared.library.paths import Place
from shared.library.settings import FILE, may_be_meant, not_read
from shared.objects import Source
from shared.openai.vector_stores import MOST_BYTES
from shared.text import shorten

MAX_RACES = 5  # lost before the message goes back to the queue
OUTDATED, DUPLICATE, PASSED_OVER = "outdated", "duplicate", "passed over"
QUIET = frozenset({OUTDATED, PASSED_OVER})  # the newer event marks the library itself
GIVEN = {"not_given": "", "not_given_version": "", "reads": 0}
GIVE_BACK = "is it archived, or its KMS key or a policy changed? It is read again by itself"


def record_change(edges: LibraryEdges, change: Change) -> str:
    """Writes the row, then marks the library dirty: a sync always finds what it was asked for."""
    place = paths.place_of(change.source.key)
    if place is None:
        return _record_outside(edges, change.source)
    outcome = "settings" if place.name == FILE else _record_until_written(edges, place, change)
    if outcome not in QUIET:
        edges.library_table.mark_dirty(place.library, edges.now())
    return outcome


def record_document(edges: LibraryEdges, place: Place, event: Source, at: datetime) -> str:
    """Raises Conflict if another run was quicker."""
    known = edges.library_table.document(*place)
    if known and (ignored := _ignored(known, event)):
        return ignored
    current = _as_it_is_now(edges, place, known, event, at)
    _publish_problem(edges, known, current)
    edges.library_table.put_document(known, current)
    if current.is_passed_over:
        return PASSED_OVER
    if known and known.has_same_content(current):
        return "unchanged"
    return "deleted" if current.deleted else "changed"


def _publish_problem(edges: LibraryEdges, known: Document | None, current: Document) -> None:
    """Every mistake, though it changes nothing; one that was published already is not repeated."""
    if current.deleted or (known and known.tells_the_same(current)):
        return
    if current.problem:
        edges.notifier.publish(notifications.failed(current, "not_taken", current.problem))
    elif current.not_given:
        edges.notifier.publish(notifications.not_given(current))


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
    source = event
    try:
        source = edges.s3.newest(event.bucket, paths.key_of(place))
        if known is None or known.source.identity != source.identity or known.not_given:
            changes |= GIVEN | _read(edges, place, base, source)
    except NotFound:
        if source is not event:
            raise  # this version was deleted while we read it
        changes |= GIVEN | {"deleted": True}
    except Refused as error:
        return base.updated(**changes | _not_given(base, source, error))
    return base.updated(**changes | ({} if source is event else {"source": source}))


def _not_given(base: Document, source: Source, error: Refused) -> dict[str, object]:
    """What was read last goes on answering."""
    version = source.identity if source.version or source.etag else base.newest_version
    return {
        "not_given": f"{shorten(error.reason)} ({GIVE_BACK})",
        "not_given_version": version,
        "reads": base.reads + 1 if base.not_given_version == version else 1,
    }


def _previous_digests(document: Document) -> list[str]:
    """If there are too many, the first ones, which are likely to answer, and the last."""
    found = list(dict.fromkeys([*document.previous_digests, document.digest]))
    return found if len(found) <= MAX_PREVIOUS else [*found[: MAX_PREVIOUS - 1], found[-1]]


def _read(edges: LibraryEdges, place: Place, base: Document, source: Source) -> dict[str, object]:
    """What a document's row says of this version.

    Raises NotFound if it was deleted meanwhile, and Refused where S3 does not give it.
    """
    if paths.is_passed_over(place.name):
        return {}
    if may_be_meant(place.name):
        return {"problem": not_read(place.name)}
    if document_of(place.name):
        attributes, problem = _read_sidecar(edges, source)
        if problem and not base.deleted:  # a mistake changes nothing
            attributes = base.attributes or {}
        return {"attributes": attributes, "problem": problem}
    if source.size > MOST_BYTES:
        problem = f"{source.size:,} bytes; OpenAI takes at most {MOST_BYTES:,} of one file"
        return _with_digest(base, "") | {"problem": problem}
    sha = hashlib.sha256()
    for chunk in edges.s3.chunks_of_theirs(source):
        sha.update(chunk)
    return _with_digest(base, paths.digest_of(sha.hexdigest(), place.name)) | {"problem": ""}


def _with_digest(base: Document, digest: str) -> dict[str, object]:
    if base.digest in {"", digest}:
        return {"digest": digest}
    return {"digest": digest, "previous_digests": _previous_digests(base)}


def _read_sidecar(edges: LibraryEdges, source: Source) -> tuple[Attributes, str]:
    if source.size > MAX_SIDECAR_BYTES:
        return {}, f"a sidecar of {source.size:,} bytes; at most {MAX_SIDECAR_BYTES:,} are read"
    return read_sidecar(b"".join(edges.s3.chunks_of_theirs(source)))
