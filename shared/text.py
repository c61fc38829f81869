"""Makes texts from outside (names, models, error messages) safe to show.

People who drop files choose such texts, and OpenAI does. They end up in notifications, logs and
terminals, where they must not end a line, move a cursor, turn the direction of reading, or fill the
page.
"""

import json
import re
import unicodedata
from collections import deque

SECRETS: deque[str] = deque(maxlen=8)  # keys that this process has read, rotated ones too
PIECE = 8  # characters; a longer piece of a key that is shown is a leak
HIDDEN = "…"
# A key in the form OpenAI gives it, one that somebody has masked half (`abc***xyz`), a header.
LIKE_A_KEY = re.compile(r"(?i)\bBearer\s+[^\s'\"]+|\bsk-[^\s,;)'\"]*|[^\s*:=\"'(]*\*{3,}[^\s\"')]*")
LONGEST = 300  # characters of one such text in a sentence
REASON = 1_000  # characters of our own sentence that quotes such texts and says what to do
INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # control, format, surrogates, line ends
SUSPECT = re.compile(r"[^\x20-\x7e]")


def keep_secret(key: str) -> None:
    """From now on `masked` hides this key, and every longer piece of it."""
    if key not in SECRETS:
        SECRETS.append(key)


def masked(text: str) -> str:
    """A text from outside without any key, or what is left of one. Mask before you shorten."""
    for key in SECRETS:
        text = _without(text, key)
    return LIKE_A_KEY.sub(HIDDEN, text)


def sanitize(text: str, most: int = LONGEST) -> str:
    """On one line, every character visible, and of bounded length."""
    return SUSPECT.sub(_visible, shorten(text, most))


def shorten(text: str, most: int = LONGEST) -> str:
    """At most so many characters; the last one says that more followed."""
    return text if len(text) <= most else text[: most - 1] + "…"


def sanitize_lines(text: str) -> str:
    """Sanitizes a text of any length that we broke into lines ourselves."""
    return "\n".join(SUSPECT.sub(_visible, line) for line in text.split("\n"))


def sanitize_key(path: str) -> str:
    """A safe S3 key: invisible characters and `..` become underscores."""
    visible = SUSPECT.sub(lambda found: "_" if _is_invisible(found[0]) else found[0], path)
    return "/".join("_" if each in {".", ".."} else each for each in visible.split("/"))


def sanitize_json(text: str) -> bytes:
    """The same JSON with invisible characters escaped; line ends belong to the format."""
    return SUSPECT.sub(_escaped, text).encode()


def _without(text: str, key: str) -> str:
    if len(key) <= PIECE:
        return text.replace(key, HIDDEN)
    pieces = {key[start : start + PIECE] for start in range(len(key) - PIECE + 1)}
    shown: list[str] = []
    place = kept = 0
    while place <= len(text) - PIECE:
        if text[place : place + PIECE] not in pieces:
            place += 1
            continue
        shown += [text[kept:place], HIDDEN]
        while text[place : place + PIECE] in pieces:
            place += 1
        place = kept = place + PIECE - 1
    return "".join(shown) + text[kept:]


def _escaped(found: re.Match[str]) -> str:
    character = found[0]
    if character == "\n" or not _is_invisible(character):
        return character
    return json.dumps(character)[1:-1]


def _visible(found: re.Match[str]) -> str:
    character = found[0]
    return f"\\u{ord(character):04x}" if _is_invisible(character) else character


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) in INVISIBLE
