"""Names of a library: keys in the inbox and data bucket, and names of its Files at OpenAI."""

import hashlib
import re
import unicodedata
from posixpath import basename, splitext
from typing import NamedTuple

from shared.text import sanitize_key

LIBRARIES = "libraries/"
MAX_STEM = 80  # characters of a document's name that its File keeps
LOCKS = (".", "~$")  # how names begin that an editor or a system keeps beside a document
SYSTEM_FILES = frozenset({"thumbs.db", "desktop.ini", "__macosx"})
UNSAFE = re.compile(r"[^\w .()-]")  # in a File's name: a form's header may change it


class Place(NamedTuple):
    """A document's library, and its name in it."""

    library: str
    name: str


def place_of(key: str) -> Place | None:
    """None for a folder marker, and for an object in no library."""
    library, slash, name = key.removeprefix(LIBRARIES).partition("/")
    if not key.startswith(LIBRARIES) or not library or not slash or not name or key.endswith("/"):
        return None
    return Place(library, name)


def is_passed_over(name: str) -> bool:
    """A lock file, or one of a system: `~$plan.docx`, `._plan.docx`, `.DS_Store`, `.git/config`."""
    steps = name.split("/")
    named = [each for each in steps if each not in {".", ".."}]
    return any(each.startswith(LOCKS) or each.lower() in SYSTEM_FILES for each in named)


def composed(name: str) -> str:
    """Names are compared so: systems write an accented letter as one character, or as two."""
    return unicodedata.normalize("NFC", name)


def folder(library: str) -> str:
    return f"{LIBRARIES}{library}/"


def key_of(place: Place) -> str:
    return folder(place.library) + place.name


def report_key(library: str) -> str:
    """An unsafe library name is sanitized, with a hash so that it stays unique."""
    shown = sanitize_key(library)
    unique = "" if shown == library else "~" + hashlib.sha256(library.encode()).hexdigest()[:16]
    return f"{folder(shown + unique)}report.json"


def page_key(library: str) -> str:
    """Beside the report."""
    return report_key(library).removesuffix("json") + "html"


def suffix_of(name: str) -> str:
    """`.md` of `a/b.MD`; none of `.md`, `...md` and `a.`, whatever pathlib says of them."""
    return _stem_and_suffix(name)[1]


def digest_of(sha256: str, name: str) -> str:
    """Identifies bytes. OpenAI reads a File by its suffix, so the suffix is part of it."""
    return sha256[:40] + suffix_of(name)


def filename(bucket: str, library: str, content: str, name: str) -> str:
    """A File's name: the document's, with a hash that finds a lost upload again."""
    unique = hashlib.sha256("\0".join((bucket, library, content)).encode()).hexdigest()[:12]
    stem, suffix = _stem_and_suffix(name)
    return f"{UNSAFE.sub('_', stem)[:MAX_STEM]}.{unique}{suffix}"


def _stem_and_suffix(name: str) -> tuple[str, str]:
    stem, suffix = splitext(basename(name))
    return (stem, suffix.lower()) if suffix != "." else (stem + suffix, "")


def is_later(sequencer: str, other: str) -> bool:
    """S3's rule: pad the shorter one with zeros on the right."""
    length = max(len(sequencer), len(other))
    return sequencer.lower().ljust(length, "0") > other.lower().ljust(length, "0")
