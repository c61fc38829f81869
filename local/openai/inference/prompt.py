"""What an answer is made from: the request's body, its fingerprint, its tokens."""

import hashlib
import re
from dataclasses import dataclass

import orjson

from local.openai.http.messages import Json

BYTES_PER_TOKEN = 4
FILE = re.compile(rb"data:[\w/+.-]+;base64,[A-Za-z0-9+/=]+")


@dataclass(frozen=True)
class Prompt:
    """A request's body, its fingerprint, and what else an answer shows."""

    body: Json
    fingerprint: str
    model: str
    created: int
    padding: int = 0


def make_prompt(body: Json, model: str, created: int, padding: int = 0) -> Prompt:
    fingerprint = hashlib.blake2s(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()
    return Prompt(body, fingerprint, model, created, padding)


def choices(prompt: Prompt) -> range:
    """One place for each answer that is asked for."""
    n = prompt.body.get("n")
    return range(n if isinstance(n, int) and 1 <= n <= 128 else 1)


def tokens(value: object) -> int:
    """An image or a file by value counts by what it is, not by its bytes."""
    written = orjson.dumps(value)
    files = FILE.findall(written)
    size = len(written) - sum(map(len, files))
    return -(-size // BYTES_PER_TOKEN) + sum(map(_file_tokens, files))


def _file_tokens(url: bytes) -> int:
    """85 to 1,445, as were seen of images."""
    return 85 + int.from_bytes(hashlib.blake2s(url, digest_size=4).digest()) % 1_361


def usage(body: Json) -> tuple[int, int]:
    """Input and output tokens of an answer, whichever way its endpoint spells them."""
    found = body.get("usage") or {}
    return (
        found.get("prompt_tokens", found.get("input_tokens", 0)),
        found.get("completion_tokens", found.get("output_tokens", 0)),
    )


def response_usage(input_tokens: int, output_tokens: int) -> Json:
    return {
        "input_tokens": input_tokens,
        "input_tokens_details": {"cache_write_tokens": 0, "cached_tokens": 0},
        "output_tokens": output_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": input_tokens + output_tokens,
    }
