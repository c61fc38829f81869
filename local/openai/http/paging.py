"""Lists in pages, by OpenAI's cursors: `after`, `before`, `limit`, `order`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar

from local.openai.http import validation
from local.openai.http.messages import Json, Refusal
from local.openai.quirks import Quirks


class Listed(Protocol):
    @property
    def id(self) -> str: ...

    def view(self) -> Json: ...


Item = TypeVar("Item", bound=Listed)


def page(
    oldest_first: Sequence[Item],
    query: Mapping[str, str],
    *,
    most: tuple[int, int],
    shown: Callable[[Item], bool] = lambda item: True,
) -> Json:
    """One page as OpenAI's list object; newest first unless the query orders otherwise."""
    order = validation.check_choice(query.get("order", "desc"), ("asc", "desc"), "order")
    items = list(oldest_first) if order == "asc" else list(reversed(oldest_first))
    # Find the cursor before filtering: the item it names may no longer match.
    items = [item for item in _between(items, query) if shown(item)]
    limit = limit_of(query, *most)
    part = items[-limit:] if "before" in query and "after" not in query else items[:limit]
    return listed([item.view() for item in part], len(items) > limit)


def listed(views: list[Json], has_more: bool) -> Json:
    return {
        "object": "list",
        "data": views,
        "first_id": views[0]["id"] if views else None,
        "last_id": views[-1]["id"] if views else None,
        "has_more": has_more,
    }


def oddly(quirks: Quirks, listing: Json, first_page: Callable[[], Json], route: str) -> Json:
    """The list as a quirk wants it."""
    target = {"route": route}
    if quirks.take("list_promises_more", target):
        return listed([], True)
    if quirks.take("list_stands_still", target):
        return first_page() | {"has_more": True}
    if forgetful := quirks.take("list_forgets", target):
        return listing | {"data": listing["data"][int(forgetful.number("count", 1)) :]}
    return listing


def limit_of(query: Mapping[str, str], longest: int, usual: int) -> int:
    limit = validation.check_integer(query.get("limit", str(usual)), "limit")
    return validation.check_range(limit, 1, longest, "limit")


def _between(items: list[Item], query: Mapping[str, str]) -> list[Item]:
    if after := query.get("after"):
        items = items[_position(items, after) + 1 :]
    if before := query.get("before"):
        items = items[: _position(items, before)]
    return items


def _position(items: Sequence[Listed], id_: str) -> int:
    for index, item in enumerate(items):
        if item.id == id_:
            return index
    raise Refusal(f"No object found with id '{id_}'.", param="after")
