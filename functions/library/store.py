"""The library's store: created on first use, found by its metadata, or named by library.yaml."""

from collections.abc import Mapping

from pydantic import JsonValue

from functions.library.session import SyncSession
from shared.errors import NotFound, TryLater
from shared.library.content import ContentState

ATTACHED = frozenset({ContentState.ATTACHING, ContentState.SEARCHABLE})


def release_store(session: SyncSession) -> None:
    """If library.yaml names another store than the one in use, or no longer names one."""
    library = session.library
    bound_to = library.store_id if library.bound else None
    if library.store_id and session.settings.store != bound_to:
        forget_store(
            session,
            f"store {library.store_id} is no longer used, as library.yaml says: its files stay, "
            "and cost money, until you delete it at OpenAI",
        )


def forget_store(session: SyncSession, why: str) -> None:
    """The Files stay, and are attached to the next store."""
    session.put(
        each.not_attached(session.now)
        for each in session.contents_with_file()
        if each.state in ATTACHED
    )
    session.update_library(
        store_id=None, bound=False, creating_at=None, attached_at=None, expires_days=0
    )
    session.add_repairs([why])


def forget_lost_store(session: SyncSession) -> None:
    forget_store(
        session, f"store {session.store} is gone or expired: its documents go into a new one"
    )


def ensure_store(session: SyncSession) -> None:
    """There is a store once a document or a batch file needs one, and it expires as asked."""
    if session.library.store_id is None and _is_needed(session):
        if session.settings.store:
            _bind(session, session.settings.store)
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


def _bind(session: SyncSession, store: str) -> None:
    try:
        session.vector_stores.store(store)
    except NotFound as error:
        raise TryLater(f"library.yaml names the store {store}, which does not exist") from error
    session.update_library(store_id=store, bound=True)


def _find_or_create(session: SyncSession) -> None:
    """If an answer was lost, the store gets time to appear before another is created."""
    library = session.library
    if library.creating_at:
        if found := _find(session):
            session.update_library(store_id=found, creating_at=None)
            return
        if session.may_still_appear(library.creating_at):
            raise TryLater("OpenAI's answer was lost; the new store may still appear")
    session.update_library(creating_at=session.now)
    request: dict[str, JsonValue] = {
        "name": library.name[:256],
        "metadata": dict(_metadata(session)),
    }
    if session.settings.expires_after:
        request["expires_after"] = _expiry(session)
    created = session.vector_stores.create(request)
    session.update_library(
        store_id=created.id, creating_at=None, expires_days=_expires_days(session)
    )


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
