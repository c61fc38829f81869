"""Sigma's detection section: searches over an event, and the condition that joins them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from shared.audit.events import SPELT_NOW, AuditLog
from shared.audit.sigma.condition import Condition, parse
from shared.audit.sigma.fields import Value, every_text, reader, text_of
from shared.audit.sigma.matching import (
    AROUND,
    FitsAll,
    Modifiers,
    fits_any,
    modifiers_of,
    text_fits,
)
from shared.audit.sigma.mistakes import Mistaken

Search: TypeAlias = Callable[[AuditLog], bool]
CONDITION = "condition"


def compiled(detection: Mapping[str, Any]) -> Search:
    """Whether an event is what the section describes. Raises Mistaken."""
    if "timeframe" in detection:
        raise Mistaken("not read: write window, beside threshold and group-by", "timeframe")
    found = {name: _named(name, each) for name, each in detection.items() if name != CONDITION}
    conditions = _conditions(detection.get(CONDITION), tuple(found))
    return lambda event: any(each(lambda name: found[name](event)) for each in conditions)


def _conditions(given: Any, searches: Sequence[str]) -> list[Condition]:
    if given is None:
        raise Mistaken("there is no condition, such as `condition: selection`")
    try:
        return [parse(text_of(each), searches) for each in listed(given)]
    except Mistaken as mistake:
        raise mistake.under(CONDITION) from None


def listed(given: Any) -> list[Any]:
    """One or many: in Sigma a single value stands without a list."""
    return given if isinstance(given, list) else [given]


def _named(name: str, given: Any) -> Search:
    try:
        return _search(given)
    except Mistaken as mistake:
        raise mistake.under(name) from None


def _search(given: Any) -> Search:
    if isinstance(given, dict):
        return _every(given)
    if not isinstance(given, list) or not given:
        raise Mistaken("a search is fields with values, a list of such, or a list of keywords")
    some: list[Search] = []
    for number, each in enumerate(given):
        try:
            some.append(_every(each) if isinstance(each, dict) else _keyword(each))
        except Mistaken as mistake:
            raise mistake.under(number) from None
    return lambda event: any(each(event) for each in some)


def _every(fields: Mapping[str, Any]) -> Search:
    """All the fields."""
    if not fields:
        raise Mistaken("an empty search fits every event")
    each_field = [_field(str(name), values) for name, values in fields.items()]
    return lambda event: all(each(event) for each in each_field)


def _field(name: str, given: Any) -> Search:
    field, *names = name.split("|")
    values = listed(given)
    try:
        modifiers = modifiers_of(names)
        if not field:
            return _keywords(values, modifiers)
        if field == "type":
            values = [SPELT_NOW.get(str(each), each) for each in values]
        if modifiers.is_reference:
            return _same(field, [text_of(each) for each in values], modifiers)
        read, fits = reader(field), fits_any(values, modifiers)
    except Mistaken as mistake:
        raise mistake.under(name) from None
    return lambda event: fits(read(event))


def _same(field: str, others: Sequence[str], modifiers: Modifiers) -> Search:
    """A field that is, begins with, ends with or holds what another field says."""
    read, read_others = reader(field), [reader(each) for each in others]
    is_cased, wanted = "cased" in modifiers.flags, "neq" not in modifiers.flags
    combine = all if "all" in modifiers.flags else any
    compare = _COMPARED[modifiers.kind]

    def related(values: Sequence[Value], theirs: Sequence[Value]) -> bool:
        pairs = ((_folded(a, is_cased), _folded(b, is_cased)) for a in values for b in theirs)
        return any(compare(a, b) for a, b in pairs)

    return lambda event: (
        combine(related(read(event), other(event)) for other in read_others) is wanted
    )


_COMPARED: Mapping[str, Callable[[str, str], bool]] = {
    "equals": str.__eq__,
    "contains": str.__contains__,
    "startswith": str.startswith,
    "endswith": str.endswith,
}


def _folded(value: Value, is_cased: bool) -> str:
    return text_of(value) if is_cased else text_of(value).lower()


def _keywords(values: Sequence[Any], modifiers: Modifiers) -> Search:
    """Values without a field, such as `'|all': [a, b]`."""
    if modifiers.kind not in AROUND:
        fits: FitsAll = fits_any(values, modifiers)
        return lambda event: fits(list(every_text(event)))
    some = [_keyword(each) for each in values]
    combine, wanted = all if "all" in modifiers.flags else any, "neq" not in modifiers.flags
    return lambda event: combine(each(event) for each in some) is wanted


def _keyword(value: Any) -> Search:
    """Anywhere in the event."""
    if isinstance(value, dict | list) or value is None:
        raise Mistaken("a keyword is a text or a number")
    fits = text_fits(text_of(value), "contains")
    return lambda event: any(map(fits, every_text(event)))
