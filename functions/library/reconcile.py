"""Folder, ledger and store are compared as a whole; differences are repaired and published."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from functions.library.changes import record_document
from functions.library.indexing import resolve_by_listing
from functions.library.session import SyncSession
from functions.library.store import check_store
from shared.errors import NotFound, TryLater
from shared.library import notifications, paths
from shared.library.content import NOT_GIVEN, Content
from shared.library.model import Document
from shared.library.paths import Place
from shared.library.settings import FILE
from shared.objects import Source
from shared.openai.models import File
from shared.openai.vector_stores import StoreFile

FRESH = timedelta(hours=1)  # another run may still be uploading a File this new
KEPT = timedelta(days=30)  # rows of what is deleted
MAX_NAMES = 5  # shown of each kind of repair
ASKED_AGAIN = 20  # of what a list lacks, each asked for by its id before the list is believed
LOST = frozenset({"failed", "cancelled"})

Folder = Mapping[str, tuple[Source, datetime]]  # what S3 lists: version and time, by name


def scan_folder(session: SyncSession) -> None:
    """Records each object that no S3 event reported, or that we recorded wrongly."""
    began = session.now
    folder = _listed_in_s3(session)
    known = {name for name, each in session.documents.items() if not each.deleted}
    missed = [name for name in known | folder.keys() if _is_missed(session, folder, name)]
    not_now: list[TryLater] = []
    for name in missed:
        try:
            _record(session, name, folder[name][1] if name in folder else began)
        except TryLater as error:
            not_now.append(error)
    if missed:
        session.add_repairs([f"changes in the folder without an S3 event, recorded: {len(missed)}"])
    if not_now:
        raise not_now[0]
    session.update_library(scanned_at=began)


def read_again(session: SyncSession) -> None:
    """Objects that S3 did not give: somebody may have given them back."""
    for document in session.plan().unread:
        if session.out_of_time:
            return
        _record(session, document.name, document.dropped_at)


def reconcile(session: SyncSession) -> None:
    if session.library.stores_lost:
        session.update_library(stores_lost=0)  # one more store a day
    session.put(each.reset(session.now) for each in _given_up_by_s3(session))
    if not session.store or (store := check_store(session)) is None:
        return
    listed = {each.id: each for each in session.vector_stores.store_files(session.store)}
    files = {each.id: each for each in session.vector_stores.files()}
    others = _files_of_others(session)
    repairs = [
        *_upload_lost_files_again(session, files, listed),
        *_attach_missing_again(session, listed),
        *_recheck_failed(session, listed),
        *_detach_strangers(session, listed, others),
        *_delete_second_uploads(session, files),
    ]
    session.update_library(counted=store.file_counts.completed)
    if others:
        session.add_repairs([f"other libraries keep {len(others):,} files in this store: spared"])
    if repairs:
        session.add_repairs(repairs)
        session.notifier.publish(
            notifications.repaired(session.library.name, repairs, session.dirty_flag.marks)
        )


def expire_rows(session: SyncSession) -> None:
    """Rows of documents and contents that went long ago; failed bytes stay remembered."""
    before = session.now - KEPT
    contents = [each for each in _unused_contents(session) if each.changed_at < before]
    documents = [each for each in _deleted_documents(session) if each.recorded_at < before]
    session.put(each.expired(session.now) for each in contents)
    session.put(each.expired(session.now) for each in documents)


def _listed_in_s3(session: SyncSession) -> Folder:
    prefix = paths.folder(session.library.name)
    listed = {
        source.key.removeprefix(prefix): (source, at)
        for source, at in session.edges.s3.versions(session.bucket, prefix)
        if not source.key.endswith("/")
    }
    listed.pop(FILE, None)
    return listed


def _is_missed(session: SyncSession, folder: Folder, name: str) -> bool:
    known = session.documents.get(name)
    if name not in folder or known is None or known.deleted:
        return True
    return folder[name][0].identity != known.newest_version


def _record(session: SyncSession, name: str, at: datetime) -> None:
    """Dropped before the batch file that named the library, as far as we can tell: it waits."""
    place = Place(session.library.name, name)
    referenced = session.dirty_flag.referenced_at
    before = session.documents.get(name)
    source = session.edges.s3.ours(paths.key_of(place))
    event = source.model_copy(update={"bucket": session.bucket})
    record_document(session.edges, place, event, min(at, referenced or session.now))
    after = session.edges.library_table.document(*place)
    if after and after is not before:
        session.take_over(after)


def _given_up_by_s3(session: SyncSession) -> list[Content]:
    """They are tried again once a day, as long as the folder holds them."""
    contents = session.contents.values()
    return [each for each in contents if each.has_failed and each.error == NOT_GIVEN]


def _files_of_others(session: SyncSession) -> set[str]:
    """File ids that other libraries keep in the same store."""
    table, found = session.edges.library_table, set[str]()
    for name in {each.name for each in table.dirty_flags()} - {session.library.name}:
        other = table.library(name)
        if other and other.store_id == session.store:
            found |= {each.file_id for each in table.rows(name)[1] if each.file_id}
    return found


def _gone(suspects: Sequence[Content], ask: Callable[[Content], object]) -> list[Content]:
    """Those that a list lacks and that OpenAI does not find by their ids either.

    A list that leaves out what is there is believed in nothing.
    """
    asked = suspects[:ASKED_AGAIN]
    gone = [each for each in asked if _is_gone(each, ask)]
    return list(suspects) if len(gone) == len(asked) else gone


def _is_gone(content: Content, ask: Callable[[Content], object]) -> bool:
    try:
        ask(content)
    except NotFound:
        return True
    return False


def _upload_lost_files_again(
    session: SyncSession, files: Mapping[str, File], listed: Mapping[str, StoreFile]
) -> list[str]:
    """The store may go on listing a File that is gone: it is detached."""
    absent = [each for each in session.contents_with_file() if session.has_lost_file(each, files)]
    lost = _gone(absent, lambda each: session.vector_stores.file(each.file_id or ""))
    for each in lost:
        if each.file_id in listed:
            session.vector_stores.detach(session.store, each.file_id or "")
    session.put(each.file_lost(session.now) for each in lost)
    return _repaired("File gone at OpenAI, uploaded again", [each.filename for each in lost])


def _attach_missing_again(session: SyncSession, listed: Mapping[str, StoreFile]) -> list[str]:
    absent = [each for each in _searchable(session) if each.file_id not in listed]
    store = session.store
    missing = _gone(
        absent, lambda each: session.vector_stores.store_file(store, each.file_id or "")
    )
    session.put(each.not_attached(session.now) for each in missing)
    return _repaired("missing in the store, attached again", [each.filename for each in missing])


def _recheck_failed(session: SyncSession, listed: Mapping[str, StoreFile]) -> list[str]:
    lost = {file for file, each in listed.items() if each.status in LOST}
    failed = [each for each in _searchable(session) if each.file_id in lost]
    if failed:
        resolve_by_listing(session, failed)
    return _repaired("failed in the store since it was searchable", [e.filename for e in failed])


def _detach_strangers(
    session: SyncSession, listed: Mapping[str, StoreFile], others: set[str]
) -> list[str]:
    """In a store of our own; in one that library.yaml names, others may keep files."""
    if session.library.bound:
        return []
    known = {each.file_id for each in session.contents_with_file()} | others
    strangers = [each for each in listed if each not in known]
    for file in strangers:
        session.vector_stores.detach(session.store, file)
    return _repaired("in the store and not in the folder, detached", strangers)


def _delete_second_uploads(session: SyncSession, files: Mapping[str, File]) -> list[str]:
    """Files with a name that only we give, and that no content has."""
    names = {each.filename for each in session.contents.values()}
    known = {each.file_id for each in session.contents_with_file()}
    ours = [each for each in files.values() if each.filename in names]
    second = [each for each in ours if each.id not in known and _is_old(session, each)]
    for each in second:
        session.vector_stores.detach(session.store, each.id)
        session.vector_stores.delete_file(each.id)
    return _repaired("uploaded twice, second File deleted", [each.filename for each in second])


def _searchable(session: SyncSession) -> list[Content]:
    return [each for each in session.contents_with_file() if each.is_searchable]


def _is_old(session: SyncSession, file: File) -> bool:
    return session.now - datetime.fromtimestamp(file.created_at, UTC) > FRESH


def _repaired(what: str, names: list[str]) -> list[str]:
    more = f" and {len(names) - MAX_NAMES:,} more" if len(names) > MAX_NAMES else ""
    return [f"{what}: {', '.join(names[:MAX_NAMES])}{more}"] if names else []


def _unused_contents(session: SyncSession) -> list[Content]:
    wants = session.plan().wants
    return [each for each in session.contents.values() if each.is_unused and each.id not in wants]


def _deleted_documents(session: SyncSession) -> list[Document]:
    """OpenAI keeps nothing that could answer for them."""
    at_openai = [each for each in session.contents.values() if each.at_openai]
    keys = {each.id for each in at_openai} | {each.digest for each in at_openai}
    deleted = [each for each in session.documents.values() if each.deleted]
    return [each for each in deleted if not keys & {each.digest, each.answered_by}]
