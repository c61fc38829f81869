"""Sigma's values and modifiers: whether a field's values are what a rule asks for.

https://sigmahq.io/docs/basics/modifiers.html. Text is compared whatever its case, unless `cased`
says otherwise; `*` and `?` are wildcards, and a backslash makes them plain.
"""

import ipaddress
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

from shared.audit.addresses import address_of
from shared.audit.sigma.fields import Value, text_of
from shared.audit.sigma.mistakes import Mistaken

Fits: TypeAlias = Callable[[Value], bool]  # one value of a field
FitsAll: TypeAlias = Callable[[Sequence[Value]], bool]  # all values of a field

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "lt": lambda value, limit: value < limit,
    "lte": lambda value, limit: value <= limit,
    "gt": lambda value, limit: value > limit,
    "gte": lambda value, limit: value >= limit,
}
AROUND = {  # what may stand before and after a text
    "equals": (False, False),
    "contains": (True, True),
    "startswith": (False, True),
    "endswith": (True, False),
}
KINDS = frozenset({*AROUND, *COMPARISONS, "re", "cidr", "exists"})
FLAGS = frozenset({"all", "neq"})
OF_RE = frozenset({"i", "m", "s"})
REFERENCE = "fieldref"  # the value is another field's name
OF_TEXT = frozenset({"cased", REFERENCE})
KNOWN = sorted((KINDS | FLAGS | OF_RE | OF_TEXT) - {"equals"})
LONGEST_PATTERN = 1_000  # characters
MOST_VALUES = 1_000
MOST_MEMORY = 1 << 20  # bytes that a regular expression may take
_TOKEN = re.compile(r"\\([*?\\])|([*?])|(.)", re.DOTALL)


class Modifiers(NamedTuple):
    """What follows a field's name: `name|kind|flag`."""

    kind: str = "equals"
    flags: frozenset[str] = frozenset()
    is_reference: bool = False


def modifiers_of(names: Sequence[str]) -> Modifiers:
    """Raises Mistaken."""
    unknown = [name for name in names if name not in KNOWN]
    if unknown:
        raise Mistaken(f"there is no modifier {unknown[0]!r} here; there are: {', '.join(KNOWN)}")
    kinds = [name for name in names if name in KINDS]
    if len(kinds) > 1:
        raise Mistaken(f"{' and '.join(kinds)} can't be used together")
    kind, flags = kinds[0] if kinds else "equals", frozenset(names) - KINDS
    if useless := flags & _useless(kind):
        raise Mistaken(f"{' and '.join(sorted(useless))} can't be used with {kind}")
    return Modifiers(kind, flags - {REFERENCE}, REFERENCE in flags)


def _useless(kind: str) -> frozenset[str]:
    """Flags that say nothing about it."""
    if kind == "re":
        return OF_TEXT
    return OF_RE if kind in AROUND else OF_RE | OF_TEXT


def fits_any(values: Sequence[Any], modifiers: Modifiers) -> FitsAll:
    """Whether any value of the field fits any of these, or, with `all`, each of these.

    Raises Mistaken.
    """
    if len(values) > MOST_VALUES:
        raise Mistaken(f"more than {MOST_VALUES:,} values")
    tests = [_test(each, modifiers) for each in values]
    if not tests:
        raise Mistaken("an empty list fits nothing; write null for a field that is not there")
    combine = all if "all" in modifiers.flags else any
    wanted = "neq" not in modifiers.flags
    return lambda found: combine(each(found) for each in tests) is wanted


def _test(value: Any, modifiers: Modifiers) -> FitsAll:
    """One value of a rule."""
    kind = modifiers.kind
    if kind == "exists":
        if not isinstance(value, bool):
            raise Mistaken(f"exists is true or false, not {value!r:.80}")
        return lambda found: bool(found) is value
    if value is None:
        if kind != "equals":
            raise Mistaken(f"null can't be used with {kind}")
        return lambda found: not found
    fits = _fits(value, modifiers)
    return lambda found: any(map(fits, found))


def _fits(value: Any, modifiers: Modifiers) -> Fits:
    if isinstance(value, dict | list):
        raise Mistaken("a value is a text, a number, true, false or null")
    kind = modifiers.kind
    if kind in COMPARISONS:
        return _comparison(value, kind)
    if kind == "cidr":
        return _network(text_of(value))
    if kind == "re":
        return _expression(text_of(value), modifiers.flags & OF_RE)
    return text_fits(text_of(value), kind, is_cased="cased" in modifiers.flags)


def _comparison(value: Any, kind: str) -> Fits:
    limit, compare = number_of(value), COMPARISONS[kind]
    if limit is None:
        raise Mistaken(f"{kind} compares numbers, and {value!r:.80} is none")
    return lambda found: (number := number_of(found)) is not None and compare(number, limit)


def number_of(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _network(text: str) -> Fits:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise Mistaken(f"{text!r:.80} is no network, such as 203.0.113.0/24") from error
    return lambda found: (at := address_of(text_of(found))) is not None and at in network


def _expression(pattern: str, flags: frozenset[str]) -> Fits:
    """By RE2, which takes no longer for one text than for another. Raises Mistaken."""
    import re2  # noqa: PLC0415  # C++: only where a rule needs it

    if len(pattern) > LONGEST_PATTERN:
        raise Mistaken(f"a regular expression of more than {LONGEST_PATTERN:,} characters")
    options = re2.Options()
    options.log_errors, options.max_mem = False, MOST_MEMORY
    inline = f"(?{''.join(sorted(flags))})" if flags else ""
    try:
        found = re2.compile(inline + pattern, options)
    except re2.error as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else error.args[0]
        raise Mistaken(f"not a regular expression of RE2: {reason}") from error
    return lambda value: found.search(text_of(value).encode(errors="replace")) is not None


def text_fits(text: str, kind: str = "equals", *, is_cased: bool = False) -> Fits:
    """Whether a text is like this one, whose wildcards count. Raises Mistaken."""
    if len(text) > LONGEST_PATTERN:
        raise Mistaken(f"a text of more than {LONGEST_PATTERN:,} characters")
    before, after = AROUND[kind]
    pattern = _glob(("*" if before else "") + text + ("*" if after else ""))
    fits = re.compile(pattern, re.DOTALL if is_cased else re.DOTALL | re.IGNORECASE).fullmatch
    return lambda value: fits(text_of(value)) is not None


def _glob(text: str) -> str:
    """As a regular expression that never goes back further than the last wildcard."""
    parts: list[str] = [""]
    for escaped, wildcard, plain in _TOKEN.findall(text):
        if wildcard == "*":
            parts.append("")
        else:
            parts[-1] += "." if wildcard else re.escape(escaped or plain)
    first, *rest = parts
    if not rest:
        return first
    return first + "".join(f"(?>.*?{each})" for each in rest[:-1] if each) + f".*{rest[-1]}"
