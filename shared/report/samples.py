"""A few answers to look at: their beginnings, as a person would read them."""

import json
from collections.abc import Iterator
from typing import Any

from shared.model import FrozenModel
from shared.nesting import read_json
from shared.text import shorten

KEPT = 3
LONGEST = 300  # characters of an answer


class Sample(FrozenModel):
    """The beginning of an answer."""

    custom_id: str
    line: int  # of the dropped file
    answer: str


def sample(custom_id: str, line: int, answer: bytes) -> Sample:
    return Sample(custom_id=shorten(custom_id), line=line, answer=_text_in(answer))


def _text_in(answer: bytes) -> str:
    """What the model wrote; where it wrote no text, the beginning of the body."""
    try:
        body = json.loads(answer)["response"]["body"]
        body = read_json(body) if isinstance(body, str) else body
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    written = " ".join(_texts(body)) if isinstance(body, dict) else ""
    return shorten(written or json.dumps(body, ensure_ascii=False), LONGEST)


def _texts(body: dict[str, Any]) -> Iterator[str]:
    for choice in _objects(body.get("choices")):
        message = choice.get("message")
        held = message if isinstance(message, dict) else choice
        yield from _words(held, "content", "text", "refusal")
    for item in _objects(body.get("output")):
        for content in _objects(item.get("content")):
            yield from _words(content, "text", "refusal")


def _words(held: dict[str, Any], *names: str) -> Iterator[str]:
    return (held[name] for name in names if isinstance(held.get(name), str) and held[name])


def _objects(value: object) -> Iterator[dict[str, Any]]:
    return (
        (each for each in value if isinstance(each, dict)) if isinstance(value, list) else iter(())
    )
