"""Folder, ledger and store are compared whole, and repaired both ways; what was done is said."""

from datetime import UTC, datetime, timedelta

from functions.library.attach import settle_by_listing
from functions.library.changes import look
from functions.library.session import SyncSession
from functions.library.store import lose_store
from shared.errors import NotFound
from shared.library import notifications, paths
from shared.library.model import ContentState
from shared.library.paths import Place
from shared.library.settings import FILE
from shared.openai.vector_stores import StoreFile

FRESH = timedelta(hours=1)  # an upload this new may be somebody's under way
FORGOTTEN = timedelta(days=30)
UNUSED = frozenset({ContentState.GONE, ContentState.WANTED})
TOLD = 5  # names of each kind


def walk(session: SyncSession) -> None:
    """Objects that nobody heard of, or heard wrong: noted now."""
    began = session.now
    folder = paths.folder(session.library.name)
    there = {
        source.key.removeprefix(folder): (source, at)
        for source, at in session.edges.s3.versions(session.bucket, folder)
        if not source.key.endswith("/")
    }
    there.pop(FILE, None)
    known = {name: each for name, each in session.documents.items() if not each.gone}
    missed = [
        name
        for name in {*there, *known}
        if name not in there
        or name not in known
        or there[name][0].identity != known[name].source.identity
    ]
    for name in missed:
        _note(session, name, there[name][1] if name in there else began)
    if missed:
        session.noted([f"{len(missed)} change(s) in the folder that were not heard of, noted"])
    session.set(walked_at=began)


def _note(session: SyncSession, name: str, at: datetime) -> None:
    """Whoever asks for what was dropped before them waits for it."""
    place = Place(session.library.name, name)
    asked = session.dirty_flag.asked_at
    base = session.documents.get(name)
    key = paths.key_of(place)
    source = session.edges.s3.ours(key).model_copy(update={"bucket": session.bucket})
    look(session.edges, place, source, min(at, asked) if asked else min(at, session.now))
    noted = session.edges.library_table.document(*place)
    if noted and noted is not base:
        session.documents[name] = noted


def reconcile(session: SyncSession) -> None:
    if not session.store:
        return
    try:
        store = session.vector_stores.store(session.store)
        listed = {each.id: each for each in session.vector_stores.store_files(session.store)}
    except NotFound:
        store, listed = None, {}
    if store is None or store.status == "expired":
        lose_store(
            session, f"store {session.store} is gone or expired: documents go into a new one"
        )
        return
    files = {each.id: each for each in session.vector_stores.files()}
    told = [
        *_files_gone(session, set(files), listed),
        *_not_as_listed(session, listed),
        *_strangers(session, listed),
        *_leftovers(session, {i: (f.filename, f.created_at) for i, f in files.items()}),
    ]
    if told:
        session.noted(told)
        session.notifier.publish(
            notifications.repaired(session.library.name, told, session.dirty_flag.n)
        )


def forget(session: SyncSession) -> None:
    """What is long gone from folder and store; what failed stays remembered with its bytes."""
    wants = session.plan().wants
    at_openai = {
        name for e in session.contents.values() if e.at_openai for name in (e.id, e.digest)
    }
    contents = [
        each
        for each in session.contents.values()
        if each.state in UNUSED and each.id not in wants and not each.at_openai
    ]
    documents = [
        each
        for each in session.documents.values()
        if each.gone and not at_openai & {each.digest, each.serves}
    ]
    before = session.now - FORGOTTEN
    session.put(each.forgotten(session.now) for each in contents if each.at < before)
    session.put(each.forgotten(session.now) for each in documents if each.noted_at < before)


def _files_gone(session: SyncSession, files: set[str], listed: dict[str, StoreFile]) -> list[str]:
    """The store may go on listing a File that is gone: such a ghost is taken out."""
    gone = [each for each in session.attached_or_about_to() if session.has_lost(each, files)]
    for each in gone:
        if each.file_id in listed:
            session.vector_stores.detach(session.store, each.file_id or "")
    session.put(each.not_uploaded(session.now) for each in gone)
    return _told([each.filename for each in gone], "whose File was gone: uploaded again")


def _not_as_listed(session: SyncSession, listed: dict[str, StoreFile]) -> list[str]:
    searchable = {
        each.file_id: each
        for each in session.contents.values()
        if each.state is ContentState.SEARCHABLE and each.file_id
    }
    absent = [each for file, each in searchable.items() if file not in listed]
    session.put(each.not_attached(session.now) for each in absent)
    failed = [
        each
        for file, each in searchable.items()
        if file in listed and listed[file].status in {"failed", "cancelled"}
    ]
    if failed:
        settle_by_listing(session, failed)
    return [
        *_told([each.filename for each in absent], "that the store had lost: attached again"),
        *_told([each.filename for each in failed], "that had failed in the store since"),
    ]


def _strangers(session: SyncSession, listed: dict[str, StoreFile]) -> list[str]:
    """In a store of our own; in one that we are bound to, others may keep files."""
    known = {each.file_id for each in session.attached_or_about_to()}
    strange = [] if session.library.bound else [each for each in listed if each not in known]
    for file in strange:
        session.vector_stores.detach(session.store, file)
    return _told(strange, "in the store that nobody dropped: detached")


def _leftovers(session: SyncSession, files: dict[str, tuple[str, int]]) -> list[str]:
    """Files with a name that only we give, and that no content has: second uploads."""
    ours = {each.filename for each in session.contents.values()}
    known = {each.file_id for each in session.attached_or_about_to()}
    left = [
        file
        for file, (name, created) in files.items()
        if name in ours
        and file not in known
        and session.now - datetime.fromtimestamp(created, UTC) > FRESH
    ]
    for file in left:
        session.vector_stores.detach(session.store, file)
        session.vector_stores.delete_file(file)
    return _told([files[file][0] for file in left], "uploaded twice: the second one deleted")


def _told(found: list[str], what: str) -> list[str]:
    more = f" and {len(found) - TOLD:,} more" if len(found) > TOLD else ""
    return [f"{', '.join(found[:TOLD])}{more} {what}"] if found else []
