"""moto copies a whole table for each write of a transaction, all before the first; once will do."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from moto.dynamodb.models import DynamoDBBackend, table


@contextmanager
def quick_transactions() -> Iterator[None]:
    """While this lasts, moto's transactions copy each table once. What they do is the same."""
    slow = DynamoDBBackend.transact_write_items

    def quick(self: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
        copies: dict[int, Any] = {}

        def once(found: Any, _: dict[int, Any]) -> Any:
            if id(found) not in copies:
                copies[id(found)] = _copy(found)
            return copies[id(found)]

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


def _copy(found: Any) -> Any:
    same = copy.copy(found)
    same.items = copy.deepcopy(found.items)
    return same
