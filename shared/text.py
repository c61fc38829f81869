"""Words from outside (names, models, error texts) as people may safely be shown them.

Whoever drops a file, and OpenAI, choose texts that end in letters, logs and on terminals. There
they must not end a line, move a cursor, turn the direction of reading, or fill the page.
"""

import json
import re
import unicodedata

LONGEST = 300  # characters of one such text in a sentence
REASON = 1_000  # characters of a sentence of ours that holds such texts and says what to do
UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # control, format, surrogates, line ends
SUSPECT = re.compile(r"[^\x20-\x7e]")


def plain(text: str, most: int = LONGEST) -> str:
    """On one line, every character to be seen, and of bounded length."""
    cut = text if len(text) <= most else text[: most - 1] + "…"
    return SUSPECT.sub(_seen, cut)


def sanitize_lines(text: str) -> str:
    """The same of a text whose line ends are our own; of any length."""
    return "\n".join(SUSPECT.sub(_seen, line) for line in text.split("\n"))


def sanitize_key(path: str) -> str:
    """For a name in S3: what is not to be seen, or leads elsewhere, is an underscore."""
    seen = SUSPECT.sub(lambda found: "_" if _unseen(found[0]) else found[0], path)
    return "/".join("_" if each in {".", ".."} else each for each in seen.split("/"))


def sanitize_json(text: str) -> bytes:
    """JSON that says the same, with what is not to be seen escaped; line ends are the format's."""
    return SUSPECT.sub(_escaped, text).encode()


def _escaped(found: re.Match[str]) -> str:
    character = found[0]
    return json.dumps(character)[1:-1] if _unseen(character) and character != "\n" else character


def _seen(found: re.Match[str]) -> str:
    character = found[0]
    return f"\\u{ord(character):04x}" if _unseen(character) else character


def _unseen(character: str) -> bool:
    return unicodedata.category(character) in UNSEEN
