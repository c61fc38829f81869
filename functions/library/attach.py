"""Uploaded contents are attached, many in a call, and watched until they are searchable."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from pydantic import JsonValue

from functions.library.session import INDEX_TIME, SyncSession
from functions.library.store import lose_store
from shared.errors import Conflict, NotFound, OutcomeUnknown, Refused, TryLater
from shared.library import notifications
from shared.library.model import Content, ContentState
from shared.library.plan import Want
from shared.library.settings import LibrarySettings
from shared.openai.vector_stores import MOST_FILES, FileBatch, LastError, StoreFile

REFUSED_PAUSE = timedelta(minutes=1)
HELD_BACK = timedelta(minutes=10)  # for others that are still being uploaded
HOPELESS = timedelta(days=1)
SKEW = timedelta(seconds=30)  # between our clock and OpenAI's; shorter than the pace of attaching


def recover_attached(session: SyncSession) -> None:
    """Attached, but no answer: the store says what became of it."""
    lost = [each for each in _attaching(session) if each.batch_id is None]
    if lost:
        settle_by_listing(session, lost)


def watch(session: SyncSession) -> None:
    """One call for each file batch under way, whatever the number of its documents."""
    batches: dict[str, list[Content]] = defaultdict(list)
    for content in _attaching(session):
        if content.batch_id:
            batches[content.batch_id].append(content)
    for batch_id, contents in batches.items():
        try:
            batch = session.vector_stores.file_batch(session.store, batch_id)
        except NotFound:
            settle_by_listing(session, contents)
            continue
        _settle(session, batch_id, batch, contents)


def attach(session: SyncSession) -> None:
    todo = session.plan()
    ready = todo.attaches[:MOST_FILES]
    if not ready or not session.store or _is_too_soon(session, ready, more=bool(todo.uploads)):
        return
    session.set(attached_at=session.now)
    wants = [todo.wants[each.id] for each in ready]
    intents = [each.attaching(session.now, w.print) for each, w in zip(ready, wants, strict=True)]
    session.put(intents)
    try:
        batch = session.vector_stores.attach(
            session.store, _wishes(session.settings, intents, wants)
        )
    except (OutcomeUnknown, Conflict):
        raise
    except TryLater:
        session.put(each.not_attached(session.now) for each in intents)
        raise
    except Refused as error:
        session.put(each.not_attached(session.now, REFUSED_PAUSE) for each in intents)
        _mend(session, error)
        return
    session.put(each.attached(batch.id) for each in intents)


def describe(session: SyncSession) -> None:
    """Changed attributes: no upload, no indexing."""
    todo = session.plan()
    for content in todo.descriptions:
        if session.late:
            return
        want = todo.wants[content.id]
        try:
            session.vector_stores.describe(session.store, content.file_id or "", want.attributes)
        except NotFound:
            session.put([content.not_attached(session.now)])
        else:
            session.put([content.described(session.now, want.print)])


def settle_by_listing(session: SyncSession, contents: Sequence[Content]) -> None:
    """By what the store itself lists."""
    try:
        listed = {each.id: each for each in session.vector_stores.store_files(session.store)}
    except NotFound:
        lose_store(session, f"store {session.store} is gone: its documents go into a new one")
        return
    _settle_each(session, contents, listed)


def _attaching(session: SyncSession) -> list[Content]:
    return [each for each in session.contents.values() if each.state is ContentState.ATTACHING]


def _is_too_soon(session: SyncSession, ready: Sequence[Content], *, more: bool) -> bool:
    """One call a minute: so neither 300 requests a minute and store nor, for one library, 2,000
    files a minute and organization are ever exceeded."""
    last = session.library.attached_at
    if last and session.now < last + session.edges.settings.library_pace:
        return True
    oldest = min(each.at for each in ready)
    return more and len(ready) < MOST_FILES and session.now < oldest + HELD_BACK


def _wishes(
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


def _mend(session: SyncSession, error: Refused) -> None:
    """Refused as a whole: the store is gone or expired, or one of the Files is."""
    try:
        store = session.vector_stores.store(session.store)
    except NotFound:
        store = None
    if store is None or store.status == "expired":
        lose_store(
            session, f"store {session.store} is gone or expired: documents go into a new one"
        )
        return
    there = {each.id for each in session.vector_stores.files()}
    missing = [each for each in session.attached_or_about_to() if session.has_lost(each, there)]
    session.put(each.not_uploaded(session.now) for each in missing)
    session.noted(f"the File of {each.filename} is gone: uploaded again" for each in missing[:3])
    if not missing:
        raise TryLater(f"attaching is refused: {error}") from error


def _settle(
    session: SyncSession, batch_id: str, batch: FileBatch, contents: Sequence[Content]
) -> None:
    counts = batch.file_counts
    if batch.status == "in_progress" or counts.in_progress:
        if any(session.now - _since(each) > INDEX_TIME for each in contents):
            settle_by_listing(session, contents)
    elif counts.completed == counts.total >= len(contents):
        session.put(each.searchable(session.now) for each in contents)
    elif counts.completed + counts.failed == counts.total >= len(contents):
        failed = session.vector_stores.batch_files(session.store, batch_id, "failed")
        listed = {each.id: each for each in failed}
        rest = {each.file_id or "": each for each in contents if each.file_id not in listed}
        done = {file: StoreFile(id=file, status="completed") for file in rest}
        _settle_each(session, contents, listed | done)
    else:
        settle_by_listing(session, contents)


def _settle_each(
    session: SyncSession, contents: Iterable[Content], listed: Mapping[str, StoreFile]
) -> None:
    moved = [(each, _settled(session, each, listed.get(each.file_id or ""))) for each in contents]
    stuck = [new for old, new in moved if new.stuck_told and not old.stuck_told]
    _tell_stuck(session, stuck)
    session.put(new for old, new in moved if new is not old)


def _settled(session: SyncSession, content: Content, file: StoreFile | None) -> Content:
    if file is None or file.status == "cancelled" or _failed_before(content, file):
        return content.not_attached(session.now)
    if file.status == "completed":
        return content.searchable(session.now, file.usage_bytes)
    if file.status == "failed":
        error = file.last_error or LastError(code="server_error", message="no reason was given")
        return content.refused(session.now, error.code or "server_error", error.message)
    return _in_progress(session, content)


def _failed_before(content: Content, file: StoreFile) -> bool:
    """The answer was lost, and what the store lists is how an earlier attaching ended: a File that
    is attached anew is taken to be created anew in the store."""
    lost = content.state is ContentState.ATTACHING and not content.batch_id
    if not (lost and content.attaching_at and file.created_at and file.status == "failed"):
        return False
    return datetime.fromtimestamp(file.created_at, UTC) < content.attaching_at - SKEW


def _in_progress(session: SyncSession, content: Content) -> Content:
    """A status nobody knows is taken for one under way: it has a deadline too."""
    age = session.now - _since(content)
    if age > HOPELESS:
        return content.refused(session.now, "server_error", "in progress for more than a day")
    if age > INDEX_TIME and not content.stuck_told:
        return content.told_stuck()
    return content


def _tell_stuck(session: SyncSession, contents: Sequence[Content]) -> None:
    wants, minutes = session.plan().wants, INDEX_TIME // timedelta(minutes=1)
    session.notifier.publish_all(
        [
            notifications.stuck(document, minutes, session.store)
            for content in contents
            if content.id in wants
            for document in wants[content.id].documents
        ]
    )


def _since(content: Content) -> datetime:
    return content.attaching_at or content.at
