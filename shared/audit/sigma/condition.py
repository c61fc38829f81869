"""Sigma's conditions: `selection and not 1 of filter_*`.

https://sigmahq.io/docs/basics/conditions.html, without the aggregations of old: what counts events
is said by threshold, window and group-by.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TypeAlias

from shared.audit.sigma.mistakes import Mistaken

Holds: TypeAlias = Callable[[str], bool]  # whether a search fits the event
Condition: TypeAlias = Callable[[Holds], bool]
OPEN, CLOSE = "()"
MOST_LEVELS = 50  # of brackets and nots
MOST_TOKENS = 500
_TOKEN = re.compile(r"\s*([()]|[^\s()]+)")
_QUANTITIES = frozenset({"1", "any", "all"})
_WORDS = frozenset({"and", "or", "not", "of", "them"})


def parse(text: str, searches: Sequence[str]) -> Condition:
    """Raises Mistaken where it is no condition, or names a search that there is not."""
    if "|" in text:
        raise Mistaken("| count() and its like are not read: write threshold, window and group-by")
    reading = _Reading(_TOKEN.findall(text), searches)
    if not reading.tokens:
        raise Mistaken("the condition is empty")
    if len(reading.tokens) > MOST_TOKENS:
        raise Mistaken(f"a condition of more than {MOST_TOKENS} words")
    condition = reading.either(0)
    if reading.tokens:
        raise Mistaken(f"{reading.tokens[0]!r} was not expected here")
    return condition


@dataclass
class _Reading:
    """By recursive descent: `or` of `and` of `not`."""

    tokens: list[str]
    searches: Sequence[str]

    def either(self, level: int) -> Condition:
        terms = [self.both(level)]
        while self._next_is("or"):
            self.tokens.pop(0)
            terms.append(self.both(level))
        return terms[0] if len(terms) == 1 else lambda holds: any(each(holds) for each in terms)

    def both(self, level: int) -> Condition:
        terms = [self.one(level)]
        while self._next_is("and"):
            self.tokens.pop(0)
            terms.append(self.one(level))
        return terms[0] if len(terms) == 1 else lambda holds: all(each(holds) for each in terms)

    def one(self, level: int) -> Condition:
        if level > MOST_LEVELS:
            raise Mistaken(f"nested more than {MOST_LEVELS} levels deep")
        token = self._take()
        word = token.lower()
        if word == "not":
            negated = self.one(level + 1)
            return lambda holds: not negated(holds)
        if token == OPEN:
            inner = self.either(level + 1)
            if self._take() != CLOSE:
                raise Mistaken("a bracket is not closed")
            return inner
        if word in _QUANTITIES and self._next_is("of"):
            return self._of(word)
        if word in _WORDS or token == CLOSE:
            raise Mistaken(f"{token!r} was not expected here")
        return self._search(token)

    def _search(self, name: str) -> Condition:
        if name not in self.searches:
            raise Mistaken(f"there is no search {name!r}; there are: {', '.join(self.searches)}")
        return lambda holds: holds(name)

    def _of(self, quantity: str) -> Condition:
        self.tokens.pop(0)
        pattern = self._take()
        if pattern.lower() == "them":
            names = [each for each in self.searches if not each.startswith("_")]
        else:
            names = [each for each in self.searches if fnmatchcase(each, pattern)]
        if not names:
            raise Mistaken(f"no search is named {pattern!r}; there are: {', '.join(self.searches)}")
        combine = all if quantity == "all" else any
        return lambda holds: combine(map(holds, names))

    def _take(self) -> str:
        if not self.tokens:
            raise Mistaken("the condition ends too early")
        return self.tokens.pop(0)

    def _next_is(self, word: str) -> bool:
        return bool(self.tokens) and self.tokens[0].lower() == word
