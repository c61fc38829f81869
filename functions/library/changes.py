"""A document is noted as it is in S3 now; a notification only says that it is time to look.

Who looked last wrote last: a row states the revision it follows, so what was seen before a change
never covers what was seen after it, in whatever order notifications come.
"""

import hashlib
from contextlib import suppress
from datetime import datetime

from shared.aws.s3_events import Change
from shared.errors import Conflict, NotFound
from shared.jobs.model import Source
from shared.library import notifications, paths
from shared.library.edges import LibraryEdges
from shared.library.metadata import LONGEST, Attributes, document_of, read_sidecar
from shared.library.model import KEPT, Document
from shared.library.paths import Place
from shared.library.settings import FILE
from shared.openai.vector_stores import MOST_BYTES

RACES = 5  # lost before the message is given back


def note(edges: LibraryEdges, change: Change) -> str:
    """Row, then bell: whoever is rung for finds what it was rung for."""
    place = paths.place_of(change.source.key)
    if place is None:
        return _homeless(edges, change.source)
    outcome = "settings" if place.name == FILE else _looked(edges, place, change)
    if outcome != "overtaken":  # by one whose own message rings
        edges.library_table.ring(place.library, edges.now())
    return outcome


def _homeless(edges: LibraryEdges, source: Source) -> str:
    if source.key.endswith("/"):
        return "folder"
    edges.notifier.publish(notifications.homeless(source))
    return "homeless"


def _looked(edges: LibraryEdges, place: Place, change: Change) -> str:
    for _ in range(RACES):
        with suppress(Conflict, NotFound):  # changed while we looked: look again
            return look(edges, place, change.source, change.at or edges.now())
    return look(edges, place, change.source, change.at or edges.now())


def look(edges: LibraryEdges, place: Place, hint: Source, at: datetime) -> str:
    """Raises Conflict where somebody else was quicker."""
    known = edges.library_table.document(*place)
    if known and known.sequencer and hint.sequencer:
        if paths.is_later(known.sequencer, hint.sequencer):
            return "overtaken"
        if known.sequencer == hint.sequencer:
            return "known"
    seen = _seen(edges, place, known, hint, at)
    edges.library_table.note(known, seen)
    if known and (known.digest, known.gone, known.attributes) == (
        *(seen.digest, seen.gone),
        seen.attributes,
    ):
        return "same"
    if seen.problem:
        edges.notifier.publish(notifications.failed(seen, "not_taken", seen.problem))
    return "gone" if seen.gone else "noted"


def _seen(
    edges: LibraryEdges, place: Place, known: Document | None, hint: Source, at: datetime
) -> Document:
    now = edges.now()
    base = known or Document(
        library=place.library, name=place.name, source=hint, dropped_at=at, noted_at=now
    )
    update: dict[str, object] = {"noted_at": now, "dropped_at": at, "gone": False}
    update |= {"sequencer": hint.sequencer or base.sequencer, "rev": base.rev + 1}
    try:
        source = edges.s3.newest(hint.bucket, paths.key_of(place))
    except NotFound:
        return base.model_copy(update=update | {"gone": True})
    if not (known and known.source.identity == source.identity):
        digest, attributes, problem = _read(edges, place, source)
        update |= {"digest": digest, "attributes": attributes, "problem": problem}
        if base.digest not in {"", digest}:
            update["was"] = _since_it_answered(base)
    return base.model_copy(update=update | {"source": source})


def _since_it_answered(document: Document) -> list[str]:
    """Of too many versions the first are kept, which may well answer, and the last."""
    was = list(dict.fromkeys([*document.was, document.digest]))
    return was if len(was) <= KEPT else [*was[: KEPT - 1], was[-1]]


def _read(edges: LibraryEdges, place: Place, source: Source) -> tuple[str, Attributes | None, str]:
    """Digest, attributes, problem. Raises NotFound where this version was deleted meanwhile."""
    if document_of(place.name):
        if source.size > LONGEST:
            return "", {}, f"a sidecar of {source.size:,} bytes; at most {LONGEST:,} are read"
        attributes, problem = read_sidecar(b"".join(edges.s3.chunks(source)))
        return "", attributes, problem
    if source.size > MOST_BYTES:
        return "", None, f"{source.size:,} bytes; OpenAI takes at most {MOST_BYTES:,} of one file"
    sha = hashlib.sha256()
    for chunk in edges.s3.chunks(source):
        sha.update(chunk)
    return paths.digest_of(sha.hexdigest(), place.name), None, ""
