"""library.yaml: the settings of a library, and what to write instead of a mistake."""

from difflib import SequenceMatcher
from typing import Annotated, Literal

import yaml
from pydantic import Field, StrictInt, StringConstraints, ValidationError, model_validator

from shared.library.metadata import Attributes
from shared.model import FrozenModel, mistakes
from shared.problems import Problem
from shared.safe_yaml import read_yaml
from shared.text import shorten

FILE = "library.yaml"
ALIKE = 0.75  # of 1: so close to "library" that it is likely to be meant
MAX_BYTES = 64 << 10
# As documented; no .csv, no .xlsx, no .jsonl.
SUFFIXES = (
    *(".c", ".cpp", ".cs", ".css", ".doc", ".docx", ".go", ".html", ".java", ".js", ".json"),
    *(".md", ".pdf", ".php", ".pptx", ".py", ".rb", ".sh", ".tex", ".ts", ".txt"),
)


class AutoChunking(FrozenModel):
    """OpenAI's default: today chunks of 800 tokens that overlap by 400."""

    type: Literal["auto"]

    @property
    def fingerprint(self) -> str:
        return "auto"


class StaticSizes(FrozenModel):
    max_chunk_size_tokens: Annotated[StrictInt, Field(ge=100, le=4096)]
    chunk_overlap_tokens: Annotated[StrictInt, Field(ge=0)]

    @model_validator(mode="after")
    def _overlap_is_at_most_half(self) -> "StaticSizes":
        if self.chunk_overlap_tokens > self.max_chunk_size_tokens // 2:
            raise ValueError(
                f"chunk_overlap_tokens is {self.chunk_overlap_tokens}, more than half of "
                f"max_chunk_size_tokens, {self.max_chunk_size_tokens}"
            )
        return self


class StaticChunking(FrozenModel):
    """Chunks of a fixed size."""

    type: Literal["static"]
    static: StaticSizes

    @property
    def fingerprint(self) -> str:
        return f"{self.static.max_chunk_size_tokens}-{self.static.chunk_overlap_tokens}"


class ExpiresAfter(FrozenModel):
    """OpenAI deletes a store that nobody used for this long."""

    anchor: Literal["last_active_at"]
    days: Annotated[StrictInt, Field(ge=1, le=365)]


Suffix = Annotated[str, StringConstraints(pattern=r"^\.[a-z0-9]+$")]


class LibrarySettings(FrozenModel):
    """The defaults apply without a library.yaml."""

    attributes: Attributes = {}
    chunking_strategy: Annotated[AutoChunking | StaticChunking, Field(discriminator="type")] = (
        AutoChunking(type="auto")
    )
    expires_after: ExpiresAfter | None = None
    on_delete: Literal["delete", "retain"] = "delete"
    store: Annotated[str, StringConstraints(pattern=r"^vs_[A-Za-z0-9_]+$")] | None = None
    suffixes: Annotated[tuple[Suffix, ...], Field(min_length=1)] = SUFFIXES


REMEDIES = {
    "attributes": "write at most 16 names of at most 64 characters, each with a text of at most "
    "512, a number, true or false, such as `attributes: {team: search}`",
    "chunking_strategy": "write `chunking_strategy: {type: auto}` and nothing else in it, or "
    "`chunking_strategy: {type: static, static: {max_chunk_size_tokens: 800, "
    "chunk_overlap_tokens: 400}}`: 100 to 4096 tokens, overlapping by at most half",
    "expires_after": "write `expires_after: {anchor: last_active_at, days: 30}`, 1 to 365 days",
    "on_delete": "write `on_delete: delete` (the default: a document deleted from the "
    "folder is deleted from the store) or `on_delete: retain`",
    "store": "write the id of a vector store you have, such as `store: vs_abc123`, or leave it out",
    "suffixes": "write a list of lower-case suffixes, such as `suffixes: [.md, .pdf]`",
}


def read_settings(content: bytes) -> tuple[LibrarySettings, list[Problem]]:
    """The settings; if there is a problem, the defaults and all problems."""
    if len(content) > MAX_BYTES:
        return LibrarySettings(), [too_large()]
    try:
        asked = read_yaml(content.decode("utf-8-sig")) or {}
        return LibrarySettings.model_validate(asked), []
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        return LibrarySettings(), [_unreadable(error)]
    except ValidationError as error:
        problems: dict[str, Problem] = {}
        for each in mistakes(error):
            where = ".".join(step for step in each.path if step != "auto")
            problems.setdefault(where, _problem(where, each.message))
        return LibrarySettings(), list(problems.values())


def may_be_meant(name: str) -> bool:
    """`library.yml`, `Library.yaml`, `libary.yaml`: nobody reads these."""
    stem, dot, suffix = name.lower().partition(".")
    is_yaml = bool(dot) and suffix.removesuffix(".txt") in {"yaml", "yml"}
    return is_yaml and SequenceMatcher(None, stem, "library").ratio() >= ALIKE


def not_read(name: str) -> str:
    """What to do with a file that may be meant as the settings."""
    return f"{name} is not read as settings: if it is meant as such, call it {FILE}, at the top"


def not_given(reason: str) -> Problem:
    return Problem(
        code="not_given",
        message=f"{FILE} cannot be read: S3 answers {shorten(reason, 300)}.",
        remedy="is it archived, or its KMS key or a policy changed? Drop it again, or delete it",
    )


def no_such_store(store: str, why: str) -> Problem:
    return Problem(
        code="no_such_store",
        param="store",
        message=f"The setting 'store' names {store}, which {why}.",
        remedy=REMEDIES["store"],
    )


def too_large() -> Problem:
    return Problem(
        code="too_large",
        message=f"{FILE} is larger than {MAX_BYTES:,} bytes.",
        remedy="write only: " + ", ".join(sorted(REMEDIES)),
    )


def _unreadable(error: Exception) -> Problem:
    mark = getattr(error, "problem_mark", None)
    return Problem(
        line=mark.line + 1 if mark else None,
        code="not_yaml",
        message=f"{FILE} cannot be read as YAML: {' '.join(str(error).split())[:200]}",
        remedy="write names and values, one a line, such as `on_delete: retain`",
    )


def _problem(where: str, what: str) -> Problem:
    known = ", ".join(sorted(REMEDIES))
    name = where.split(".", maxsplit=1)[0]
    if name not in REMEDIES:
        return Problem(
            code="unknown_setting" if where else "invalid_setting",
            param=where or None,
            message=f"The setting {name!r} is unknown." if where else f"{FILE}: {what}.",
            remedy=f"write only: {known}",
        )
    message = f"The setting {where!r} is not valid: {what}."
    return Problem(code="invalid_setting", param=where, message=message, remedy=REMEDIES[name])
