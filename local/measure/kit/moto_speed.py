"""Makes moto copy each table once for a transaction, not once for each write in it."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from moto.dynamodb.models import DynamoDBBackend, table


@contextmanager
def quick_transactions() -> Iterator[None]:
    """Inside the block, moto's transactions are faster; what they do is the same."""
    slow, one_at_a_time = DynamoDBBackend.transact_write_items, Lock()

    def quick(self: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
        copies: dict[int, Any] = {}
        updated = {each["Update"]["TableName"] for each in transact_items if "Update" in each}

        def once(found: Any, _: dict[int, Any]) -> Any:
            if id(found) not in copies:
                copies[id(found)] = _copy(found, whole=found.name in updated)
            return copies[id(found)]

        with one_at_a_time:
            table.Table.__deepcopy__ = once  # type: ignore[attr-defined]
            try:
                slow(self, transact_items)
            finally:
                del table.Table.__deepcopy__  # type: ignore[attr-defined]

    DynamoDBBackend.transact_write_items = quick  # type: ignore[method-assign]
    try:
        yield
    finally:
        DynamoDBBackend.transact_write_items = slow  # type: ignore[method-assign]


def _copy(found: Any, whole: bool) -> Any:
    """An update changes an item in place; a put replaces it."""
    same = copy.copy(found)
    same.items = copy.deepcopy(found.items) if whole else _copy_items(found.items)
    return same


def _copy_items(items: Any) -> Any:
    same = copy.copy(items)
    for name, value in items.items():
        if isinstance(value, dict):
            same[name] = dict(value)
    return same
