"""What stands on README and the pages of docs/: commands, links, paths and headings."""

import re
import shlex
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from local.paths import ROOT

PAGES = (
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "DECISIONS.md", "CHANGELOG.md")),
    *(ROOT / name for name in ("BENCHMARKS.md", "SECURITY.md") if (ROOT / name).exists()),
    *sorted((ROOT / "docs").glob("*.md")),
)
PROGRAMS = ("make", "aws", "sam", "git", "pip", "uv", "docker", "curl", "python3", "cd")
OURS = (".venv/bin/python", ".venv/bin/batchdrop", "python", "batchdrop")

FENCE = re.compile(r"(?ms)^([ \t]*)```(\w*)\n(.*?)^[ \t]*```$")
SPAN = re.compile(r"(?<!`)`([^`]+)`(?!`)")
HEADING = re.compile(r"(?m)^#+ (.+)$")
LINK = re.compile(r"!?\[[^]]*\]\(([^)\s]+)\)")
PLACEHOLDER = re.compile(r"<([^<>]+)>")
SETTING = re.compile(r"[A-Z_]+=.*")


class Fence(NamedTuple):
    language: str
    text: str


class Command(NamedTuple):
    """A command as a reader would type it: variables set for it, and its words."""

    variables: tuple[str, ...]
    words: tuple[str, ...]

    def __str__(self) -> str:
        return shlex.join([*self.variables, *self.words])


@cache
def read(page: Path) -> str:
    return page.read_text()


def fences(page: Path) -> list[Fence]:
    return [Fence(language, text) for _, language, text in FENCE.findall(read(page))]


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return FENCE.sub("", read(page))


def spans(page: Path) -> list[str]:
    """Every piece of code in the prose, on one line each."""
    return [" ".join(each.split()) for each in SPAN.findall(prose(page))]


def links(page: Path) -> list[str]:
    return LINK.findall(SPAN.sub("", prose(page)))


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    titles = HEADING.findall(prose(page))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def commands() -> list[Command]:
    """All of them, from blocks marked `sh` and from the prose, each once."""
    found = {each: None for page in PAGES for text in _texts(page) for each in split(text)}
    return list(found)


def _texts(page: Path) -> Iterator[str]:
    yield from (fence.text for fence in fences(page) if fence.language == "sh")
    yield from (span for span in spans(page) if is_command(span))


def is_command(text: str) -> bool:
    words = [word for word in text.split() if not SETTING.fullmatch(word)]
    return len(words) > 1 and words[0] in (*PROGRAMS, *OURS)


def split(text: str, values: Mapping[str, str] | None = None) -> Iterator[Command]:
    """The commands of a block; a placeholder such as `<this repository>` counts as one word."""
    known = values or {}
    text = PLACEHOLDER.sub(
        lambda found: known.get(found[1], found[1].replace(" ", "-")), text.replace("\\\n", " ")
    )
    for line in text.splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|")
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, "&&"]:
            if set(word) <= set(";&|"):
                if words:
                    yield _command(words)
                words = []
            else:
                words.append(word)


def _command(words: list[str]) -> Command:
    first = next((n for n, word in enumerate(words) if not SETTING.fullmatch(word)), len(words))
    return Command(tuple(words[:first]), tuple(words[first:]))
