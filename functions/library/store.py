"""The library's store: made on first use, found again by its metadata, or bound to one there is."""

from collections.abc import Mapping

from pydantic import JsonValue

from functions.library.session import SyncSession
from shared.errors import NotFound, TryLater
from shared.library.model import ContentState

ATTACHED = frozenset({ContentState.ATTACHING, ContentState.SEARCHABLE})


def rebind(session: SyncSession) -> None:
    """The settings name another store than the one in use, or none any more."""
    wanted, library = session.settings.store, session.library
    if library.store_id and (wanted or None) != (library.store_id if library.bound else None):
        unused = f"store {library.store_id} is not used any more, as library.yaml says"
        lose_store(
            session, f"{unused}: what is in it stays, and costs, until you delete it at OpenAI"
        )


def lose_store(session: SyncSession, why: str) -> None:
    """Files stay, and go into the next store."""
    session.put(
        each.not_attached(session.now)
        for each in session.contents.values()
        if each.state in ATTACHED and each.file_id
    )
    session.set(store_id=None, bound=False, creating_at=None, attached_at=None, expires_days=0)
    session.noted([why])


def stand(session: SyncSession) -> None:
    if session.library.store_id is None and (
        session.plan().attaches or session.dirty_flag.asked_at
    ):
        _bind(session) if session.settings.store else _found_or_made(session)
    days = session.settings.expires_after.days if session.settings.expires_after else 0
    if (
        session.library.store_id
        and not session.library.bound
        and days != session.library.expires_days
    ):
        session.vector_stores.update(session.store, {"expires_after": _expiry(session)})
        session.set(expires_days=days)


def _bind(session: SyncSession) -> None:
    named = session.settings.store or ""
    try:
        session.vector_stores.store(named)
    except NotFound as error:
        raise TryLater(f"library.yaml names the store {named}, which is not there") from error
    session.set(store_id=named, bound=True)


def _found_or_made(session: SyncSession) -> None:
    """An answer that was lost is given time to show up in the list before a second is made."""
    library = session.library
    if library.creating_at:
        if found := _found(session):
            session.set(store_id=found, creating_at=None)
            return
        if session.may_show_up(library.creating_at):
            raise TryLater("an answer was lost; the store may still show up")
    session.set(creating_at=session.now)
    wish: dict[str, JsonValue] = {"name": library.name[:256], "metadata": dict(_metadata(session))}
    if session.settings.expires_after:
        wish["expires_after"] = _expiry(session)
    made = session.vector_stores.create(wish)
    days = session.settings.expires_after.days if session.settings.expires_after else 0
    session.set(store_id=made.id, creating_at=None, expires_days=days)


def _found(session: SyncSession) -> str | None:
    wanted = _metadata(session).items()
    stores = session.vector_stores.stores()
    return next((each.id for each in stores if wanted <= each.metadata.items()), None)


def _metadata(session: SyncSession) -> Mapping[str, str]:
    return {"batchdrop_library": session.library.name[:512], "batchdrop_inbox": session.bucket}


def _expiry(session: SyncSession) -> JsonValue:
    wished = session.settings.expires_after
    return {"anchor": wished.anchor, "days": wished.days} if wished else None
