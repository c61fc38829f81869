"""Search by the words that a question and a chunk have in common, and by attributes."""

import operator
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from local.openai.http import validation
from local.openai.http.messages import Json
from local.openai.stores.models import Document

WORD = re.compile(r"\w+")
COMMON = frozenset(
    WORD.findall(
        "a an and are as at be by do does for from how i in is it of on or that the this to what "
        "when where which who why with you"
    )
)
COMPARED: dict[str, Callable[[object, object], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": lambda have, want: _ordered(have, want, operator.gt),
    "gte": lambda have, want: _ordered(have, want, operator.ge),
    "lt": lambda have, want: _ordered(have, want, operator.lt),
    "lte": lambda have, want: _ordered(have, want, operator.le),
    "in": lambda have, want: isinstance(want, list) and have in want,
    "nin": lambda have, want: isinstance(want, list) and have not in want,
}

Filter = Callable[[Json], bool]


@dataclass(frozen=True)
class Hit:
    """A chunk that answers the question, and how well, from 0 to 1."""

    document: Document
    text: str
    score: float

    def view(self) -> Json:
        return {
            "file_id": self.document.id,
            "filename": self.document.filename,
            "score": self.score,
            "attributes": self.document.attributes,
            "content": [{"type": "text", "text": self.text}],
        }


def search(documents: Iterable[Document], query: str, matches: Filter, most: int) -> list[Hit]:
    """The best chunks of completed documents, best first, ties by age."""
    wanted = words(query)
    hits = [
        Hit(document, text, score)
        for document in documents
        if document.status == "completed" and matches(document.attributes)
        for text, score in _scores(document, wanted)
    ]
    return sorted(hits, key=lambda hit: -hit.score)[:most]


def words(text: str) -> frozenset[str]:
    return frozenset(WORD.findall(text.lower())) - COMMON


def filters(wanted: object, name: str = "filters") -> Filter:
    """A test of attributes, from a comparison or a combination of comparisons."""
    if wanted is None:
        return lambda attributes: True
    rule: Json = validation.check_type(wanted, "object", name)
    kind = validation.check_choice(rule.get("type"), (*COMPARED, "and", "or"), f"{name}.type")
    if kind in ("and", "or"):
        validation.check_known(rule, ("type", "filters"), f"{name}.")
        parts: list[object] = validation.check_type(rule.get("filters"), "array", f"{name}.filters")
        tests = [filters(part, f"{name}.filters[{at}]") for at, part in enumerate(parts)]
        joined = all if kind == "and" else any
        return lambda attributes: joined(test(attributes) for test in tests)
    validation.check_known(rule, ("type", "key", "value"), f"{name}.")
    key = validation.check_type(validation.require(rule, "key"), "string", f"{name}.key")
    value = validation.require(rule, "value")
    return lambda attributes: COMPARED[kind](attributes.get(key), value)


def _scores(document: Document, wanted: frozenset[str]) -> Iterator[tuple[str, float]]:
    for chunk in document.chunks:
        common = len(wanted & chunk.words)
        if common:
            # Of two chunks with the same words in common, the shorter one is the better.
            dense = common / len(chunk.words)
            yield chunk.text, round(0.9 * common / len(wanted) + 0.1 * dense, 4)


def _ordered(have: object, want: object, compare: Callable[[float, float], bool]) -> bool:
    if validation.is_a(have, "number") and validation.is_a(want, "number"):
        return compare(float(str(have)), float(str(want)))
    return False
