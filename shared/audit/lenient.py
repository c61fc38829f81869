"""Somebody else's JSON into our models: what does not fit reads as absent, and nothing raises."""

from collections.abc import Iterable
from typing import Any, TypeVar, get_args

import msgspec

Texts = tuple[str, ...]


class Lenient(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Every field has a default; unknown fields are ignored."""


L = TypeVar("L", bound=Lenient)


def fit(value: Any, model: type[L]) -> L:
    """The fast way if all is as documented, otherwise field by field."""
    try:
        return msgspec.convert(value, model, strict=False)
    except msgspec.ValidationError:
        return _fit_by_field(value, model)


def _fit_by_field(value: Any, model: type[L]) -> L:
    if not isinstance(value, dict):
        return model()
    given = ((f, value[f.name]) for f in msgspec.structs.fields(model) if f.name in value)
    return model(
        **{field.name: _fit_field(each, field.type, field.default) for field, each in given}
    )


def _fit_field(value: Any, kind: Any, default: Any) -> Any:
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError:
        return _bent(value, (kind, *get_args(kind)), default)


def _bent(value: Any, kinds: Iterable[Any], default: Any) -> Any:
    """A detection must not go blind over a pair of brackets or quotation marks."""
    for kind in kinds:
        if isinstance(kind, type) and issubclass(kind, Lenient) and isinstance(value, dict):
            return _fit_by_field(value, kind)
        if kind is str and isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        if kind == Texts and value is not None:
            return tuple(_texts(value if isinstance(value, list) else [value]))
        if kind != Texts and len(get_args(kind)) == 2 and isinstance(value, list):
            return tuple(fit(each, get_args(kind)[0]) for each in value if isinstance(each, dict))
    return default


def _texts(values: Iterable[Any]) -> Iterable[str]:
    return (
        str(each)
        for each in values
        if isinstance(each, str | int | float) and not isinstance(each, bool)
    )
