"""The library's store: made on first use, found again by its metadata, or bound to one there is."""

from collections.abc import Mapping

from pydantic import JsonValue

from functions.library.session import Desk
from shared.errors import Gone, TryLater
from shared.library.model import ContentState

ATTACHED = frozenset({ContentState.ATTACHING, ContentState.SEARCHABLE})


def rebind(desk: Desk) -> None:
    """The settings name another store than the one in use, or none any more."""
    wanted, library = desk.settings.store, desk.library
    if library.store_id and (wanted or None) != (library.store_id if library.bound else None):
        unused = f"store {library.store_id} is not used any more, as library.yaml says"
        lose_store(desk, f"{unused}: what is in it stays, and costs, until you delete it at OpenAI")


def lose_store(desk: Desk, why: str) -> None:
    """Files stay, and go into the next store."""
    desk.put(
        each.not_attached(desk.now)
        for each in desk.contents.values()
        if each.state in ATTACHED and each.file_id
    )
    desk.set(store_id=None, bound=False, creating_at=None, attached_at=None, expires_days=0)
    desk.noted([why])


def stand(desk: Desk) -> None:
    if desk.library.store_id is None and (desk.plan().attaches or desk.bell.asked_at):
        _bind(desk) if desk.settings.store else _found_or_made(desk)
    days = desk.settings.expires_after.days if desk.settings.expires_after else 0
    if desk.library.store_id and not desk.library.bound and days != desk.library.expires_days:
        desk.edges.vector_stores.update(desk.store, {"expires_after": _expiry(desk)})
        desk.set(expires_days=days)


def _bind(desk: Desk) -> None:
    named = desk.settings.store or ""
    try:
        desk.edges.vector_stores.store(named)
    except Gone as error:
        raise TryLater(f"library.yaml names the store {named}, which is not there") from error
    desk.set(store_id=named, bound=True)


def _found_or_made(desk: Desk) -> None:
    """An answer that was lost is given time to show up in the list before a second is made."""
    library = desk.library
    if library.creating_at:
        if found := _found(desk):
            desk.set(store_id=found, creating_at=None)
            return
        if desk.may_show_up(library.creating_at):
            raise TryLater("an answer was lost; the store may still show up")
    desk.set(creating_at=desk.now)
    wish: dict[str, JsonValue] = {"name": library.name[:256], "metadata": dict(_metadata(desk))}
    if desk.settings.expires_after:
        wish["expires_after"] = _expiry(desk)
    made = desk.edges.vector_stores.create(wish)
    days = desk.settings.expires_after.days if desk.settings.expires_after else 0
    desk.set(store_id=made.id, creating_at=None, expires_days=days)


def _found(desk: Desk) -> str | None:
    wanted = _metadata(desk).items()
    stores = desk.edges.vector_stores.stores()
    return next((each.id for each in stores if wanted <= each.metadata.items()), None)


def _metadata(desk: Desk) -> Mapping[str, str]:
    return {"batchdrop_library": desk.library.name[:512], "batchdrop_inbox": desk.bucket}


def _expiry(desk: Desk) -> JsonValue:
    wished = desk.settings.expires_after
    return {"anchor": wished.anchor, "days": wished.days} if wished else None
