"""The fields of an event that a rule can name: as OpenAI writes them, and a few of our own."""

import json
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from shared.audit.addresses import bare_asn
from shared.audit.detections.reading import target_of
from shared.audit.events import AuditLog

Value: TypeAlias = Any  # of JSON, and not null
Reader: TypeAlias = Callable[[AuditLog], list[Value]]
PAYLOAD = "payload."
MOST_SHOWN = 10  # values of a field in a title


def _asn(event: AuditLog) -> str | None:
    asn = event.by.place.asn
    return bare_asn(asn) if asn else None


# What is the same whether somebody signed in or used a key. Others are read as they were received.
OURS: dict[str, Callable[[AuditLog], tuple[str | None, ...]]] = {
    "type": lambda event: (event.type,),
    "target": lambda event: (target_of(event),),
    "actor.id": lambda event: (event.by.id,),
    "actor.email": lambda event: (event.by.email,),
    "actor.key": lambda event: (event.by.key,),
    "actor.ip": lambda event: (event.by.ip,),
    "actor.country": lambda event: (event.by.place.country,),
    "actor.city": lambda event: (event.by.place.city,),
    "actor.asn": lambda event: (_asn(event),),
    "actor.user_agent": lambda event: (event.by.session.user_agent if event.by.session else None,),
    "actor.ja4": lambda event: (event.by.session.ja4 if event.by.session else None,),
}
WHO = frozenset({"actor.id", "actor.email", "actor.key"})  # one actor, if events share it


def reader(name: str) -> Reader:
    """Reads a field by its name; of a list every element, of what is missing or null nothing."""
    ours = OURS.get(name)
    if ours is not None:
        return lambda event: [each for each in ours(event) if each is not None]
    if name.startswith(PAYLOAD):
        path = tuple(name.removeprefix(PAYLOAD).split("."))
        return lambda event: list(_at(event.details, path))
    path = tuple(name.split("."))
    return lambda event: list(_at(event.raw, path))


def _at(value: Value, path: tuple[str, ...]) -> Iterator[Value]:
    """A name may hold dots itself, as `api_key.created` does."""
    if isinstance(value, list):
        for each in value:
            yield from _at(each, path)
    elif not path:
        if value is not None:
            yield value
    elif isinstance(value, dict):
        for length in range(len(path), 0, -1):
            name = ".".join(path[:length])
            if name in value:
                yield from _at(value[name], path[length:])
                return


def text_of(value: Value) -> str:
    """As JSON writes it, without quotes."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def shown(event: AuditLog, read: Reader) -> str:
    """A field for a person: its values, each once."""
    return ", ".join(list(dict.fromkeys(map(text_of, read(event))))[:MOST_SHOWN]) or "-"


def every_text(event: AuditLog) -> Iterator[str]:
    """All values of an event, wherever they are; for keywords."""
    left: list[Value] = [event.raw]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            left += value.values()
        elif isinstance(value, list):
            left += value
        elif value is not None:
            yield text_of(value)
