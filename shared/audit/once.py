"""A property that is computed once, for objects that one thread uses.

`functools.cached_property` takes a lock before Python 3.12, which costs more than what is computed.
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class once(Generic[T]):  # noqa: N801 - it is used like `property`
    def __init__(self, compute: Callable[[Any], T]) -> None:
        self._compute = compute
        self._name = compute.__name__

    def __get__(self, owner: object, _: type) -> T:
        value = owner.__dict__[self._name] = self._compute(owner)
        return value
