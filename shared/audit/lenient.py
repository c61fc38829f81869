"""Reads JSON from outside into models: what does not fit reads as absent, and nothing raises."""

from types import UnionType
from typing import Any, TypeVar, get_args, get_origin

import msgspec

Texts = tuple[str, ...]


class Lenient(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Every field has a default; unknown fields are ignored."""


L = TypeVar("L", bound=Lenient)


def fit(value: dict[str, Any], model: type[L]) -> L:
    """The fast way if all is as documented, otherwise field by field."""
    try:
        return msgspec.convert(value, model, strict=False)
    except msgspec.ValidationError:
        return _fit_by_field(value, model)


def _fit_by_field(value: dict[str, Any], model: type[L]) -> L:
    given = ((f, value[f.name]) for f in msgspec.structs.fields(model) if f.name in value)
    return model(
        **{field.name: _fit_field(each, field.type, field.default) for field, each in given}
    )


def _fit_field(value: Any, kind: Any, default: Any) -> Any:
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError:
        options = get_args(kind) if isinstance(kind, UnionType) else (kind,)
        adapted = (_adapted(value, option) for option in options)
        return next((each for each in adapted if each is not None), default)


def _adapted(value: Any, kind: Any) -> Any:
    """A detection must not go blind over a pair of brackets or quotation marks; None: no use."""
    if _is_model(kind):
        return _fit_by_field(value, kind) if isinstance(value, dict) else None
    if kind is str:
        texts = _texts(value)
        return texts[0] if len(texts) == 1 else None
    if kind == Texts:
        return None if value is None else _texts(value)
    return _models(value, kind)


def _models(value: Any, kind: Any) -> Any:
    if get_origin(kind) is not tuple or not isinstance(value, list):
        return None
    return tuple(fit(each, get_args(kind)[0]) for each in value if isinstance(each, dict))


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Lenient)


def _texts(value: Any) -> Texts:
    values = value if isinstance(value, list) else [value]
    return tuple(
        str(each)
        for each in values
        if isinstance(each, str | int | float) and not isinstance(each, bool)
    )
