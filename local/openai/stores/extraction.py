"""The text of a document, or why it has none."""

import re
import zipfile
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from posixpath import splitext

TEXTS = (
    *(".c", ".cpp", ".cs", ".css", ".go", ".html", ".java", ".js", ".json", ".md", ".php"),
    *(".py", ".rb", ".sh", ".tex", ".ts", ".txt"),
)
PDF_TEXT = re.compile(rb"\(([^()]*)\)\s*Tj")
TAG = re.compile(r"<[^>]+>")


class ExtractionError(Exception):
    """Why a document can't be searched, with OpenAI's code for it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def extract_text(path: Path, filename: str) -> str:
    suffix = splitext(filename)[1].lower()  # pathlib's own differs by version
    reader = EXTRACTORS.get(suffix)
    if reader is None:
        raise ExtractionError("unsupported_file", f"The file type '{suffix}' is not supported.")
    content = path.read_bytes()
    if not content:
        raise ExtractionError("invalid_file", "The file is empty.")
    try:
        return reader(content)
    except (UnicodeError, ValueError, zipfile.BadZipFile, KeyError):
        message = "The file could not be parsed because it is not well-formed."
        raise ExtractionError("invalid_file", message) from None


def _plain(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16")
    return content.decode("utf-8-sig")


def _pdf(content: bytes) -> str:
    if not content.startswith(b"%PDF") or b"%%EOF" not in content[-1024:]:
        raise ValueError("not a whole PDF")
    return " ".join(part.decode("latin-1") for part in PDF_TEXT.findall(content))


def _office(content: bytes) -> str:
    with zipfile.ZipFile(BytesIO(content)) as archive:
        parts = [name for name in archive.namelist() if name.endswith(".xml")]
        return " ".join(TAG.sub(" ", archive.read(name).decode()) for name in sorted(parts))


def _old_office(content: bytes) -> str:
    if not content.startswith(b"\xd0\xcf\x11\xe0"):
        raise ValueError("not a compound file")
    return content.decode("latin-1")


EXTRACTORS: Mapping[str, Callable[[bytes], str]] = {
    **dict.fromkeys(TEXTS, _plain),
    ".pdf": _pdf,
    ".docx": _office,
    ".pptx": _office,
    ".doc": _old_office,
}
