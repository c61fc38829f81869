"""What an answer is made from: a request's body, its fingerprint, how its tokens are counted."""

import hashlib
from dataclasses import dataclass

import orjson

from local.openai.http.messages import Json


@dataclass(frozen=True)
class Asked:
    """A request, its fingerprint, and what an answer needs to know of the world."""

    body: Json
    print: str
    model: str
    created: int
    padding: int = 0


def asked(body: Json, model: str, created: int, padding: int = 0) -> Asked:
    fingerprint = hashlib.blake2s(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()
    return Asked(body, fingerprint, model, created, padding)


def count(asked: Asked) -> int:
    count = asked.body.get("n")
    return count if isinstance(count, int) and 1 <= count <= 128 else 1


def tokens(value: object) -> int:
    return -(-len(orjson.dumps(value)) // 4)


def usage(body: Json) -> tuple[int, int]:
    """Input and output tokens of an answer, whichever way its endpoint spells them."""
    counted = body.get("usage") or {}
    return (
        counted.get("prompt_tokens", counted.get("input_tokens", 0)),
        counted.get("completion_tokens", counted.get("output_tokens", 0)),
    )


def response_usage(given: int, spent: int) -> Json:
    return {
        "input_tokens": given,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": spent,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": given + spent,
    }
