"""How things of a library are called: in the inbox, at OpenAI, in the data bucket."""

import hashlib
import re
from pathlib import PurePosixPath
from typing import NamedTuple

from shared.text import sanitize_key

LIBRARIES = "libraries/"
STEM = 80  # characters of a document's name that its File keeps
UNSAFE = re.compile(r"[^\w .()-]")  # in a File's name: a form's header may carry it changed


class Place(NamedTuple):
    """A document's library, and its name in it."""

    library: str
    name: str


def place_of(key: str) -> Place | None:
    """None: a folder's marker, or an object that lies in no library."""
    library, slash, name = key.removeprefix(LIBRARIES).partition("/")
    if not key.startswith(LIBRARIES) or not library or not slash or not name or key.endswith("/"):
        return None
    return Place(library, name)


def folder(library: str) -> str:
    return f"{LIBRARIES}{library}/"


def key_of(place: Place) -> str:
    return folder(place.library) + place.name


def report_key(library: str) -> str:
    """A name that would hide where it leads is spelled out, with a mark to stay its own."""
    shown = sanitize_key(library)
    mark = "" if shown == library else "~" + hashlib.sha256(library.encode()).hexdigest()[:16]
    return f"{folder(shown + mark)}report.json"


def suffix_of(name: str) -> str:
    return PurePosixPath(name).suffix.lower()


def digest_of(sha256: str, name: str) -> str:
    """What bytes are known by. OpenAI reads a File by its suffix, so that belongs to them."""
    return sha256[:40] + suffix_of(name)


def filename(bucket: str, library: str, content: str, name: str) -> str:
    """A File's name: the document's, with a mark by which a lost upload is found again."""
    mark = hashlib.sha256("\0".join((bucket, library, content)).encode()).hexdigest()[:12]
    path = PurePosixPath(name)
    stem = UNSAFE.sub("_", path.stem)[:STEM]
    return f"{stem}.{mark}{path.suffix.lower()}"


def is_later(sequencer: str, other: str) -> bool:
    """S3's rule: the shorter one is padded with zeros at its right."""
    length = max(len(sequencer), len(other))
    return sequencer.lower().ljust(length, "0") > other.lower().ljust(length, "0")
