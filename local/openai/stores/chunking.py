"""Splits a document into chunks for search, by a strategy that is checked exactly."""

import re
from dataclasses import dataclass

from local.openai.http import validation
from local.openai.http.messages import Json, Refusal

WORDS = re.compile(r"\S+\s*")


@dataclass(frozen=True)
class Chunking:
    """Sizes in tokens; here a token is a word."""

    size: int = 800
    overlap: int = 400

    def view(self) -> Json:
        """`auto` is shown as what it means today."""
        sizes = {"max_chunk_size_tokens": self.size, "chunk_overlap_tokens": self.overlap}
        return {"type": "static", "static": sizes}

    def split(self, text: str) -> list[str]:
        words = WORDS.findall(text)
        step = self.size - self.overlap
        ends = max(len(words) - self.overlap, 1)
        return ["".join(words[at : at + self.size]) for at in range(0, ends, step)] if words else []


def chunking(wanted: object, name: str = "chunking_strategy") -> Chunking:
    """`{"type": "auto"}` alone, or static with both sizes and nothing else."""
    if wanted is None:
        return Chunking()
    strategy: Json = validation.check_type(wanted, "object", name)
    kind = validation.check_choice(strategy.get("type"), ("auto", "static"), f"{name}.type")
    if kind == "auto":
        validation.check_known(strategy, ("type",), f"{name}.")
        return Chunking()
    validation.check_known(strategy, ("type", "static"), f"{name}.")
    return _static(strategy.get("static"), f"{name}.static")


def _static(wanted: object, name: str) -> Chunking:
    sizes: Json = validation.check_type(wanted, "object", name)
    known = ("max_chunk_size_tokens", "chunk_overlap_tokens")
    validation.check_known(sizes, known, f"{name}.")
    for each in known:
        validation.require(sizes, each)
    size = validation.check_range(sizes[known[0]], 100, 4096, f"{name}.{known[0]}")
    overlap = validation.check_range(sizes[known[1]], 0, 4096, f"{name}.{known[1]}")
    if overlap > size // 2:
        raise Refusal(
            f"Invalid '{name}.chunk_overlap_tokens': it must not exceed half of "
            f"'max_chunk_size_tokens', but {overlap} is more than half of {size}.",
            param=f"{name}.chunk_overlap_tokens",
            code="invalid_value",
        )
    return Chunking(size, overlap)
