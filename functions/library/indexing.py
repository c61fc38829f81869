"""What became of attached contents: searchable, failed, stuck, or to be attached again."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from functions.library.session import INDEX_TIMEOUT, SyncSession
from functions.library.store import check_store
from shared.errors import NotFound, TryLater
from shared.library import notifications
from shared.library.content import SINGLY, Content, ContentState
from shared.openai.vector_stores import FileBatch, LastError, StoreFile

GIVE_UP = timedelta(days=1)
MOST_ASKED = 20  # contents that a list leaves out; of more, a lost call attached none
SKEW = timedelta(seconds=30)  # between our clock and OpenAI's; less than the pace of attaching


def recover_attachments(session: SyncSession) -> None:
    """If the answer to an attach call was lost, the store's list says what became of it."""
    lost = [each for each in _attaching(session) if each.batch_id is None]
    if lost:
        resolve_by_listing(session, lost)


def check_indexing(session: SyncSession) -> None:
    """One call for each file batch under way, however many documents it has."""
    batches: dict[str, list[Content]] = defaultdict(list)
    for content in _attaching(session):
        if content.batch_id:
            batches[content.batch_id].append(content)
    if singly := batches.pop(SINGLY, []):
        resolve_by_listing(session, singly)
    for batch_id, contents in batches.items():
        try:
            batch = session.vector_stores.file_batch(session.store, batch_id)
        except NotFound:
            resolve_by_listing(session, contents)
        else:
            _resolve_batch(session, batch_id, batch, contents)


def resolve_by_listing(session: SyncSession, contents: Sequence[Content]) -> None:
    """By what the store itself lists; a list may forget one that is there and answers."""
    try:
        listed = {each.id: each for each in session.vector_stores.store_files(session.store)}
    except NotFound:
        if check_store(session) is not None:
            raise TryLater("OpenAI finds the store, and not its list of files") from None
    else:
        missing = [each for each in contents if each.file_id not in listed]
        _resolve(session, contents, listed | _asked_singly(session, missing[:MOST_ASKED]))


def _asked_singly(session: SyncSession, contents: Iterable[Content]) -> dict[str, StoreFile]:
    """To attach such a one again would take it from those who ask, until it is indexed anew."""
    found: dict[str, StoreFile] = {}
    for file_id in _file_ids(contents):
        with suppress(NotFound):
            found[file_id] = session.vector_stores.store_file(session.store, file_id)
    return found


def _attaching(session: SyncSession) -> list[Content]:
    return [each for each in session.contents.values() if each.state is ContentState.ATTACHING]


def _resolve_batch(
    session: SyncSession, batch_id: str, batch: FileBatch, contents: Sequence[Content]
) -> None:
    if batch.is_running:
        if any(_age(session, each) > INDEX_TIMEOUT for each in contents):
            resolve_by_listing(session, contents)
    elif batch.file_counts.total < len(contents) or not batch.accounts_for_all:
        resolve_by_listing(session, contents)
    elif batch.file_counts.failed:
        _resolve_partly_failed(session, batch_id, contents)
    else:
        session.put(each.searchable(session.now) for each in contents)


def _resolve_partly_failed(
    session: SyncSession, batch_id: str, contents: Sequence[Content]
) -> None:
    failed = session.vector_stores.batch_files(session.store, batch_id, "failed")
    completed = {each: StoreFile(id=each, status="completed") for each in _file_ids(contents)}
    _resolve(session, contents, completed | {each.id: each for each in failed})


def _file_ids(contents: Iterable[Content]) -> list[str]:
    return [each.file_id for each in contents if each.file_id]


def _resolve(
    session: SyncSession, contents: Iterable[Content], listed: Mapping[str, StoreFile]
) -> None:
    changes = [
        (each, _resolved(session, each, listed.get(each.file_id or ""))) for each in contents
    ]
    changed = [(old, new) for old, new in changes if new is not old]
    _publish_stuck(
        session, [new for old, new in changed if new.stuck_notified and not old.stuck_notified]
    )
    session.put(new for _, new in changed)


def _resolved(session: SyncSession, content: Content, file: StoreFile | None) -> Content:
    if file is None and not content.attach_answer_lost:
        return content.left_out(session.now, "it was attached, and the store does not list it")
    if file is None or _failed_before(content, file):
        return content.not_attached(session.now)
    return _by_status(session, content, file)


def _by_status(session: SyncSession, content: Content, file: StoreFile) -> Content:
    match file.status:
        case "cancelled":
            return content.refused(session.now, "cancelled", "somebody cancelled its indexing")
        case "completed":
            attributes = file.attributes if content.attach_answer_lost else None
            return content.searchable(session.now, file.usage_bytes, attributes)
        case "failed":
            none = LastError(code="server_error", message="no reason was given")
            error = file.last_error or none
            return content.refused(session.now, error.code or "server_error", error.message)
    return _in_progress(session, content)


def _failed_before(content: Content, file: StoreFile) -> bool:
    """The attach answer was lost and the store lists the outcome of an earlier attempt.

    OpenAI gives a File that is attached again a new creation time in the store.
    """
    if not (content.attach_answer_lost and file.status == "failed" and file.created_at):
        return False
    created = datetime.fromtimestamp(file.created_at, UTC)
    return content.attaching_at is not None and created < content.attaching_at - SKEW


def _in_progress(session: SyncSession, content: Content) -> Content:
    """An unknown status counts as in progress: it has a time limit too."""
    age = _age(session, content)
    if age > GIVE_UP:
        return content.refused(session.now, "server_error", "in progress for more than a day")
    if age > INDEX_TIMEOUT and not content.stuck_notified:
        return content.notified_stuck()
    return content


def _publish_stuck(session: SyncSession, contents: Sequence[Content]) -> None:
    wants, minutes = session.plan().wants, INDEX_TIMEOUT // timedelta(minutes=1)
    session.notifier.publish_all(
        [
            notifications.stuck(document, minutes, session.store)
            for content in contents
            if content.id in wants
            for document in wants[content.id].documents
        ]
    )


def _age(session: SyncSession, content: Content) -> timedelta:
    return session.now - (content.attaching_at or content.changed_at)
