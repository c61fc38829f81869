"""Makes texts from outside (names, models, error messages) safe to show.

People who drop files choose such texts, and OpenAI does. They end up in notifications, logs and
terminals, where they must not end a line, move a cursor, turn the direction of reading, or fill the
page.
"""

import json
import re
import unicodedata

LONGEST = 300  # characters of one such text in a sentence
REASON = 1_000  # characters of our own sentence that quotes such texts and says what to do
INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # control, format, surrogates, line ends
SUSPECT = re.compile(r"[^\x20-\x7e]")


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
