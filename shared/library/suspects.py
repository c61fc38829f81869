"""A refused call names no document: which one of it is at fault is found by halves.

OpenAI takes all documents of a call or none. A refused call is narrowed down: its first half is
asked alone; the half that holds the fault is halved again, and the other one goes back to the rest.
Only a document that was refused alone fails. How many the next call may hold depends on how many
were at fault so far: about as many as hold one with even chances (F. K. Hwang, 1972, "A method for
detecting all defective members in a population by group testing").
"""

import re
from collections.abc import Sequence
from math import log, log2

from shared.errors import Details
from shared.library.content import REFUSED, Content

IN_PARAM = re.compile(r"\bfiles?(?:_ids)?[\[.](\d+)")


def next_call(ready: Sequence[Content], most: int) -> Sequence[Content]:
    """The contents of the next call: first half of the suspects, or as many others as fit."""
    suspects = [each for each in ready if each.suspects]
    if not suspects:
        return ready[:most]
    fewest = min(each.suspects for each in suspects)
    group = [each for each in suspects if each.suspects == fewest]
    return group[: max(len(group) // 2, 1)]


def rest_of(ready: Sequence[Content], call: Sequence[Content]) -> list[Content]:
    """Those that were suspected together with these."""
    asked = {each.id for each in call}
    among = {each.suspects for each in call} - {0}
    return [each for each in ready if each.suspects in among and each.id not in asked]


def most_in_call(contents: Sequence[Content], ready: int, most: int) -> int:
    """A power of two, by the share of documents that were at fault.

    Of those that are still to come, a part is taken for good: else few good ones so far would make
    the first calls tiny.
    """
    bad = sum(each.has_failed and each.error == REFUSED for each in contents)
    good = sum(each.is_searchable or each.is_under_way for each in contents)
    if not bad:
        return most
    even = log(2) * (good + bad + min(ready, most) / 4) / bad
    return max(1, min(most, 1 << round(log2(max(even, 1)))))


def named(details: Details, call: Sequence[Content]) -> list[Content]:
    """Those that the refusal names, by the id of their File or by their place in the call."""
    text = f"{details.param} {details.message}"
    places = {int(each) for each in IN_PARAM.findall(text)}
    by_id = [each for each in call if each.file_id and _says(text, each.file_id)]
    return by_id or [each for place, each in enumerate(call) if place in places]


def _says(text: str, file_id: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(file_id)}(?![\w-])", text) is not None
