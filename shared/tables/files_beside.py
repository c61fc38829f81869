"""Files that rows of a table name: images and PDFs, which go into a request by value.

A template leaves a mark where a file goes, `{{ file(image) }}`; once the line is written, the marks
become data URLs. So no filter of a template sees a file, and files of many rows are read at once.
"""

import base64
import re
import secrets
from collections.abc import Callable

from shared.text import sanitize, shorten

SUFFIXES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".pdf")
MAX_BYTES = 50_000_000  # of a request, as OpenAI takes it
MAX_FILE_BYTES = MAX_BYTES // 4 * 3  # Base64 adds a third
CALL = re.compile(r"\bfile\s*\(")
TAG = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
FUNCTION = "_file"  # a column may be called `file`
TYPES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
    b"%PDF-": "application/pdf",
}

Read = Callable[[str], bytes]  # a path below the table's folder to the file's bytes


class UnusableFile(Exception):
    """A row names a file that can't go into its request."""


def may_be_named(key: str) -> bool:
    """By its suffix."""
    return key.lower().endswith(SUFFIXES)


def names_files(text: str) -> bool:
    """Whether a recipe, or a template of it, asks for files."""
    return any(CALL.search(tag[0]) for tag in TAG.finditer(text))


def with_function(template: str) -> str:
    """The template with `file(…)` called by a name that no column has."""
    return TAG.sub(lambda tag: CALL.sub(f"{FUNCTION}(", tag[0]), template)


class Marks:
    """What stands in a line for the files that it names, until they are read."""

    def __init__(self) -> None:
        self._token = secrets.token_hex(8)
        self._mark = re.compile(rf"file-{self._token}-(\d+)-".encode())
        self._names: dict[str, int] = {}

    def mark(self, name: object) -> str:
        """Stands for the file of that name."""
        number = self._names.setdefault(str(name), len(self._names))
        return f"file-{self._token}-{number}-"

    def taken(self) -> list[str]:
        """The names that were marked since the last time."""
        names, self._names = list(self._names), {}
        return names

    def filled(self, line: bytes, names: list[str], read: Read) -> bytes:
        """The line with its files. Raises UnusableFile, and whatever `read` raises."""
        pieces = self._mark.split(line)
        marked = list(map(int, pieces[1::2]))
        if set(marked) != set(range(len(names))):
            raise UnusableFile("the template does not write what file() gives as it is")
        urls: dict[int, bytes] = {}
        size = sum(map(len, pieces[::2]))
        for number in marked:
            name = names[number]
            if number not in urls:
                urls[number] = data_url(name, read(path_below(name)))
            size += len(urls[number])
            if size > MAX_BYTES:
                raise UnusableFile(
                    f"with {_shown(name)} the request has more than {MAX_BYTES:,} bytes"
                )
        pieces[1::2] = [urls[number] for number in marked]
        return b"".join(pieces)


def path_below(name: str) -> str:
    """As a key goes on behind the folder. Raises UnusableFile."""
    steps = [each for each in name.strip().split("/") if each not in {"", "."}]
    if not steps:
        raise UnusableFile("the row names no file")
    if "://" in name or name.strip().startswith("/") or ".." in steps:
        raise UnusableFile(f"{_shown(name)} is no path below the table's folder")
    return "/".join(steps)


def data_url(name: str, content: bytes) -> bytes:
    """Raises UnusableFile for what is neither an image nor a PDF, whatever its name says."""
    if len(content) > MAX_FILE_BYTES:
        raise UnusableFile(f"{_shown(name)} has more than {MAX_FILE_BYTES:,} bytes")
    kind = _type_of(content)
    if not kind:
        raise UnusableFile(f"{_shown(name)} is no PNG, JPEG, GIF, WebP or PDF")
    return b"data:%b;base64,%b" % (kind.encode(), base64.b64encode(content))


def _type_of(content: bytes) -> str:
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for magic, kind in TYPES.items() if content.startswith(magic)), "")


def _shown(name: str) -> str:
    return repr(shorten(sanitize(name, 200), 200))
