"""Folder, ledger and store are compared whole, and repaired both ways; what was done is said."""

from datetime import UTC, datetime, timedelta

from functions.library.attach import settle_by_listing
from functions.library.changes import look
from functions.library.session import Desk
from functions.library.store import lose_store
from shared.errors import Gone
from shared.library import notifications, paths
from shared.library.model import ContentState
from shared.library.paths import Place
from shared.library.settings import FILE
from shared.openai.vector_stores import StoreFile

FRESH = timedelta(hours=1)  # an upload this new may be somebody's under way
FORGOTTEN = timedelta(days=30)
UNUSED = frozenset({ContentState.GONE, ContentState.WANTED})
TOLD = 5  # names of each kind


def walk(desk: Desk) -> None:
    """Objects that nobody heard of, or heard wrong: noted now."""
    began = desk.now
    folder = paths.folder(desk.library.name)
    there = {
        source.key.removeprefix(folder): (source, at)
        for source, at in desk.edges.landing.versions(desk.bucket, folder)
        if not source.key.endswith("/")
    }
    there.pop(FILE, None)
    known = {name: each for name, each in desk.documents.items() if not each.gone}
    missed = [
        name
        for name in {*there, *known}
        if name not in there
        or name not in known
        or there[name][0].identity != known[name].source.identity
    ]
    for name in missed:
        _note(desk, name, there[name][1] if name in there else began)
    if missed:
        desk.noted([f"{len(missed)} change(s) in the folder that were not heard of, noted"])
    desk.set(walked_at=began)


def _note(desk: Desk, name: str, at: datetime) -> None:
    """Whoever asks for what was dropped before them waits for it."""
    place = Place(desk.library.name, name)
    asked = desk.bell.asked_at
    base = desk.documents.get(name)
    key = paths.key_of(place)
    source = desk.edges.landing.ours(key).model_copy(update={"bucket": desk.bucket})
    look(desk.edges, place, source, min(at, asked) if asked else min(at, desk.now))
    noted = desk.edges.shelves.document(*place)
    if noted and noted is not base:
        desk.documents[name] = noted


def reconcile(desk: Desk) -> None:
    if not desk.store:
        return
    try:
        store = desk.edges.vector_stores.store(desk.store)
        listed = {each.id: each for each in desk.edges.vector_stores.store_files(desk.store)}
    except Gone:
        store, listed = None, {}
    if store is None or store.status == "expired":
        lose_store(desk, f"store {desk.store} is gone or expired: documents go into a new one")
        return
    files = {each.id: each for each in desk.edges.vector_stores.files()}
    told = [
        *_files_gone(desk, set(files), listed),
        *_not_as_listed(desk, listed),
        *_strangers(desk, listed),
        *_leftovers(desk, {i: (f.filename, f.created_at) for i, f in files.items()}),
    ]
    if told:
        desk.noted(told)
        desk.edges.pager.tell(notifications.repaired(desk.library.name, told, desk.bell.n))


def forget(desk: Desk) -> None:
    """What is long gone from folder and store; what failed stays remembered with its bytes."""
    wants = desk.plan().wants
    at_openai = {name for e in desk.contents.values() if e.at_openai for name in (e.id, e.digest)}
    contents = [
        each
        for each in desk.contents.values()
        if each.state in UNUSED and each.id not in wants and not each.at_openai
    ]
    documents = [
        each
        for each in desk.documents.values()
        if each.gone and not at_openai & {each.digest, each.serves}
    ]
    before = desk.now - FORGOTTEN
    desk.put(each.forgotten(desk.now) for each in contents if each.at < before)
    desk.put(each.forgotten(desk.now) for each in documents if each.noted_at < before)


def _files_gone(desk: Desk, files: set[str], listed: dict[str, StoreFile]) -> list[str]:
    """The store may go on listing a File that is gone: such a ghost is taken out."""
    gone = [each for each in desk.attached_or_about_to() if desk.has_lost(each, files)]
    for each in gone:
        if each.file_id in listed:
            desk.edges.vector_stores.detach(desk.store, each.file_id or "")
    desk.put(each.not_uploaded(desk.now) for each in gone)
    return _told([each.filename for each in gone], "whose File was gone: uploaded again")


def _not_as_listed(desk: Desk, listed: dict[str, StoreFile]) -> list[str]:
    searchable = {
        each.file_id: each
        for each in desk.contents.values()
        if each.state is ContentState.SEARCHABLE and each.file_id
    }
    absent = [each for file, each in searchable.items() if file not in listed]
    desk.put(each.not_attached(desk.now) for each in absent)
    failed = [
        each
        for file, each in searchable.items()
        if file in listed and listed[file].status in {"failed", "cancelled"}
    ]
    if failed:
        settle_by_listing(desk, failed)
    return [
        *_told([each.filename for each in absent], "that the store had lost: attached again"),
        *_told([each.filename for each in failed], "that had failed in the store since"),
    ]


def _strangers(desk: Desk, listed: dict[str, StoreFile]) -> list[str]:
    """In a store of our own; in one that we are bound to, others may keep files."""
    known = {each.file_id for each in desk.attached_or_about_to()}
    strange = [] if desk.library.bound else [each for each in listed if each not in known]
    for file in strange:
        desk.edges.vector_stores.detach(desk.store, file)
    return _told(strange, "in the store that nobody dropped: detached")


def _leftovers(desk: Desk, files: dict[str, tuple[str, int]]) -> list[str]:
    """Files with a name that only we give, and that no content has: second uploads."""
    ours = {each.filename for each in desk.contents.values()}
    known = {each.file_id for each in desk.attached_or_about_to()}
    left = [
        file
        for file, (name, created) in files.items()
        if name in ours
        and file not in known
        and desk.now - datetime.fromtimestamp(created, UTC) > FRESH
    ]
    for file in left:
        desk.edges.vector_stores.detach(desk.store, file)
        desk.edges.vector_stores.delete_file(file)
    return _told([files[file][0] for file in left], "uploaded twice: the second one deleted")


def _told(found: list[str], what: str) -> list[str]:
    more = f" and {len(found) - TOLD:,} more" if len(found) > TOLD else ""
    return [f"{', '.join(found[:TOLD])}{more} {what}"] if found else []
