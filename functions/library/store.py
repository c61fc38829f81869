"""The library's store: created on first use, found by its metadata, or named by library.yaml.

It is given up only where OpenAI says that it has expired, or does not find it for a while.
"""

from collections.abc import Mapping

from pydantic import JsonValue

from functions.library.session import SyncSession
from shared.errors import ActionRequired, NotFound, OutcomeUnknown, Refused, TryLater
from shared.library.content import ContentState
from shared.library.settings import REMEDIES, no_such_store
from shared.openai.vector_stores import EXPIRED, VectorStore
from shared.problems import Problem

ATTACHED = frozenset({ContentState.ATTACHING, ContentState.SEARCHABLE})
MOST_LOST = 5  # stores, one after the other


def store_problems(session: SyncSession) -> list[Problem]:
    """The store that library.yaml names newly is looked at before the one in use is let go."""
    named = session.settings.store
    if named is None or named == session.library.store_id:
        return []
    try:
        store = session.vector_stores.store(named)
    except NotFound:
        return [no_such_store(named, "does not exist in this project")]
    return [no_such_store(named, "has expired")] if store.status == EXPIRED else []


def release_store(session: SyncSession) -> None:
    """If library.yaml names another store than the one in use, or no longer names one."""
    library, named = session.library, session.settings.store
    if library.store_id is None:
        return
    if named == library.store_id or (named is None and library.store_id == library.made_store_id):
        if library.bound != (named is not None):
            session.update_library(bound=named is not None)
    elif named or library.bound:
        forget_store(
            session,
            f"store {library.store_id} is no longer used, as library.yaml says: its files stay, "
            "and cost money, until you delete it at OpenAI",
        )


def forget_store(session: SyncSession, why: str) -> None:
    """The Files stay, and are attached to the next store; until then nothing has been indexed."""
    session.put(
        each.not_attached(session.now)
        for each in session.contents_with_file()
        if each.state in ATTACHED
    )
    session.update_library(
        store_id=None,
        bound=False,
        missing_since=None,
        counted=0,
        finished_until=None,
        creating_at=None,
        attached_at=None,
        expires_days=0,
    )
    session.add_repairs([why])


def check_store(session: SyncSession) -> VectorStore | None:
    """The store as OpenAI has it now; None if it is given up, and another one will be made.

    Raises TryLater while it cannot be found: one 404 may be a mistake.
    """
    try:
        store = session.vector_stores.store(session.store)
    except NotFound:
        _not_found(session)
        return None
    if store.status == EXPIRED:
        _give_up(session, "has expired")
        return None
    if session.library.missing_since:
        session.update_library(missing_since=None)
    session.store_seen = True
    return store


def look_at_store(session: SyncSession) -> None:
    """Asked about by a batch file: is it alive, and does it hold as much as it held?"""
    if session.store and (store := check_store(session)):
        session.store_lacks = store.file_counts.completed < session.library.counted


def check_missing_store(session: SyncSession) -> None:
    """Until it is found again, or was not found for long enough."""
    if session.store and session.library.missing_since:
        check_store(session)


def _not_found(session: SyncSession) -> None:
    since = session.library.missing_since
    if since is None:
        session.update_library(missing_since=session.now)
    elif not session.may_still_appear(since):
        _give_up(session, "is gone")
        return
    raise TryLater(f"OpenAI does not find the store {session.store}; it is looked for again")


def _give_up(session: SyncSession, why: str) -> None:
    """One that library.yaml names is not replaced: a person chose it."""
    if session.library.bound:
        if session.library.missing_since is None:
            session.update_library(missing_since=session.now)  # looked at again in each run
        remedy = REMEDIES["store"]
        raise ActionRequired(f"library.yaml names the store {session.store}, which {why}: {remedy}")
    session.update_library(stores_lost=session.library.stores_lost + 1)
    forget_store(session, f"store {session.store} {why}: its documents go into a new one")


def ensure_store(session: SyncSession) -> None:
    """There is a store once a document or a batch file needs one, and it expires as asked."""
    if session.library.store_id is None and _is_needed(session):
        if session.settings.store:
            session.update_library(store_id=session.settings.store, bound=True)
        else:
            _find_or_create(session)
    if _expires_otherwise(session):
        session.vector_stores.update(session.store, {"expires_after": _expiry(session)})
        session.update_library(expires_days=_expires_days(session))


def _is_needed(session: SyncSession) -> bool:
    return bool(session.plan().attaches or session.dirty_flag.referenced_at)


def _expires_otherwise(session: SyncSession) -> bool:
    """A store that we are bound to keeps the expiry that it has."""
    library = session.library
    ours = library.store_id is not None and not library.bound
    return ours and library.expires_days != _expires_days(session)


def _find_or_create(session: SyncSession) -> None:
    """If an answer was lost, the store gets time to appear before another is created."""
    library = session.library
    if library.creating_at:
        if found := _find(session):
            session.update_library(store_id=found, made_store_id=found, creating_at=None)
            return
        if session.may_still_appear(library.creating_at):
            raise TryLater("OpenAI's answer was lost; the new store may still appear")
    if library.stores_lost >= MOST_LOST:
        raise ActionRequired(
            f"OpenAI lost {library.stores_lost} stores of this library, one after the other: "
            "another one is made tomorrow, or name one that you made, as `store:` in library.yaml"
        )
    session.update_library(creating_at=session.now)
    created = _create(session)
    session.update_library(
        store_id=created.id,
        made_store_id=created.id,
        creating_at=None,
        expires_days=_expires_days(session),
    )


def _create(session: SyncSession) -> VectorStore:
    request: dict[str, JsonValue] = {
        "name": session.library.name[:256],
        "metadata": dict(_metadata(session)),
    }
    if session.settings.expires_after:
        request["expires_after"] = _expiry(session)
    try:
        return session.vector_stores.create(request)
    except OutcomeUnknown:
        raise
    except (TryLater, Refused):
        session.update_library(creating_at=None)  # there is none to look for
        raise


def _find(session: SyncSession) -> str | None:
    wanted = _metadata(session).items()
    stores = session.vector_stores.stores()
    return next((each.id for each in stores if wanted <= each.metadata.items()), None)


def _metadata(session: SyncSession) -> Mapping[str, str]:
    return {"batchdrop_library": session.library.name[:512], "batchdrop_inbox": session.bucket}


def _expires_days(session: SyncSession) -> int:
    """0: never."""
    return session.settings.expires_after.days if session.settings.expires_after else 0


def _expiry(session: SyncSession) -> JsonValue:
    wanted = session.settings.expires_after
    return {"anchor": wanted.anchor, "days": wanted.days} if wanted else None
