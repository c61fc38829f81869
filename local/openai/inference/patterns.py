"""Makes up a text that a regular expression matches."""

import random
import re
import string
from collections.abc import Callable, Sequence
from re import _constants as ops  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

CANDIDATES = string.ascii_letters + string.digits + string.punctuation + " "


class Unsupported(ValueError):
    """The expression uses what structured outputs do not support, such as a lookaround."""


def text_like(pattern: str, dice: random.Random) -> str:
    try:
        parsed = _parser.parse(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise Unsupported(str(error)) from None
    return _sequence(parsed, dice)


def _sequence(items: Sequence[tuple[Any, Any]], dice: random.Random) -> str:
    return "".join(_one(op, argument, dice) for op, argument in items)


def _one(op: Any, argument: Any, dice: random.Random) -> str:
    if op not in SAMPLERS:
        raise Unsupported(f"{str(op).lower()} is not supported")
    return SAMPLERS[op](argument, dice)


def _repeat(argument: Any, dice: random.Random) -> str:
    least, most, item = argument
    return "".join(_sequence(item, dice) for _ in range(max(least, min(most, 1))))


def _member(items: Any, dice: random.Random) -> str:
    """A character of a class such as `[a-z0-9_]` or `[^,]`."""
    fitting = [each for each in CANDIDATES if _is_member(each, items)]
    if not fitting:
        raise Unsupported("a class of characters beyond ASCII is not supported")
    return dice.choice(fitting)


def _is_member(character: str, items: Any) -> bool:
    negated = items[0][0] is ops.NEGATE
    return negated != any(TESTS[op](character, argument) for op, argument in items[negated:])


def _is_in_category(character: str, category: Any) -> bool:
    return re.fullmatch(CATEGORIES[category], character) is not None


CATEGORIES = {
    ops.CATEGORY_DIGIT: r"\d",
    ops.CATEGORY_NOT_DIGIT: r"\D",
    ops.CATEGORY_SPACE: r"\s",
    ops.CATEGORY_NOT_SPACE: r"\S",
    ops.CATEGORY_WORD: r"\w",
    ops.CATEGORY_NOT_WORD: r"\W",
}
TESTS: dict[Any, Callable[[str, Any], bool]] = {
    ops.LITERAL: lambda character, code: character == chr(code),
    ops.RANGE: lambda character, ends: ends[0] <= ord(character) <= ends[1],
    ops.CATEGORY: _is_in_category,
}
SAMPLERS: dict[Any, Callable[[Any, random.Random], str]] = {
    ops.LITERAL: lambda code, dice: chr(code),
    ops.NOT_LITERAL: lambda code, dice: "b" if code == ord("a") else "a",
    ops.ANY: lambda _, dice: dice.choice(string.ascii_lowercase),
    ops.IN: _member,
    ops.AT: lambda _, dice: "",
    ops.BRANCH: lambda argument, dice: _sequence(dice.choice(argument[1]), dice),
    ops.SUBPATTERN: lambda argument, dice: _sequence(argument[-1], dice),
    ops.MAX_REPEAT: _repeat,
    ops.MIN_REPEAT: _repeat,
}
