"""Uploaded contents are attached to the store, many in one call, and get their attributes."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from pydantic import JsonValue

from functions.library.session import SyncSession
from functions.library.store import forget_lost_store
from shared.errors import Conflict, NotFound, OutcomeUnknown, Refused, TryLater
from shared.library.content import Content
from shared.library.plan import Plan
from shared.library.settings import LibrarySettings
from shared.library.wanted import Want
from shared.openai.vector_stores import MOST_FILES, FileBatch, VectorStore

REFUSED_PAUSE = timedelta(minutes=1)
MAX_WAIT = timedelta(minutes=10)  # for contents that are still being uploaded


def attach(session: SyncSession) -> None:
    """The intent is written before the call."""
    todo = session.plan()
    ready = todo.attaches[:MOST_FILES]
    if not ready or not session.store or _is_too_soon(session, todo, ready):
        return
    session.update_library(attached_at=session.now)
    wants = [todo.wants[each.id] for each in ready]
    intents = [
        content.attaching(session.now, want.fingerprint)
        for content, want in zip(ready, wants, strict=True)
    ]
    session.put(intents)
    if batch := _attach(session, intents, wants):
        session.put(each.attached(batch.id) for each in intents)


def update_attributes(session: SyncSession) -> None:
    """Needs no upload and no indexing."""
    todo = session.plan()
    for content in todo.new_attributes:
        if session.out_of_time:
            return
        want = todo.wants[content.id]
        try:
            session.vector_stores.describe(session.store, content.file_id or "", want.attributes)
        except NotFound:
            session.put([content.not_attached(session.now)])
        else:
            session.put([content.described(session.now, want.fingerprint)])


def _is_too_soon(session: SyncSession, todo: Plan, ready: Sequence[Content]) -> bool:
    """One call a minute stays below 300 calls a minute and store and, with one library, below
    2,000 files a minute and organization. A call that is not full waits for uploads."""
    last = session.library.attached_at
    if last and session.now < last + session.edges.settings.library_pace:
        return True
    oldest = min(each.changed_at for each in ready)
    is_full = not todo.uploads or len(ready) == MOST_FILES
    return not is_full and session.now < oldest + MAX_WAIT


def _attach(
    session: SyncSession, intents: Sequence[Content], wants: Sequence[Want]
) -> FileBatch | None:
    """None if OpenAI refused and what was wrong is repaired: the next run tries again."""
    try:
        return session.vector_stores.attach(
            session.store, _requests(session.settings, intents, wants)
        )
    except (OutcomeUnknown, Conflict):
        raise
    except TryLater:
        session.put(each.not_attached(session.now) for each in intents)
        raise
    except Refused as error:
        session.put(each.not_attached(session.now, REFUSED_PAUSE) for each in intents)
        _repair(session, error)
        return None


def _requests(
    settings: LibrarySettings, contents: Sequence[Content], wants: Sequence[Want]
) -> list[Mapping[str, JsonValue]]:
    strategy = settings.chunking_strategy.model_dump(mode="json")
    return [
        {
            "file_id": content.file_id,
            "attributes": dict(want.attributes),
            "chunking_strategy": strategy,
        }
        for content, want in zip(contents, wants, strict=True)
    ]


def _repair(session: SyncSession, error: Refused) -> None:
    """A refused call names no culprit: the store is gone or expired, or one of the Files is."""
    store = _store_if_usable(session)
    if store is None:
        forget_lost_store(session)
        return
    listed = {each.id for each in session.vector_stores.files()}
    lost = [each for each in session.contents_with_file() if session.has_lost_file(each, listed)]
    session.put(each.not_uploaded(session.now) for each in lost)
    session.add_repairs(
        f"File gone at OpenAI, uploaded again: {each.filename}" for each in lost[:3]
    )
    if not lost:
        raise TryLater(f"OpenAI refuses to attach the documents: {error}") from error


def _store_if_usable(session: SyncSession) -> VectorStore | None:
    try:
        store = session.vector_stores.store(session.store)
    except NotFound:
        return None
    return None if store.status == "expired" else store
