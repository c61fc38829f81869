"""Which test noticed a mistake the last time: it is tried first, and mostly it is enough."""

import json
from pathlib import Path
from threading import Lock

FILE = Path(__file__).with_name("noticed_by.json")
_lock = Lock()


def noticed_by(mistake: str) -> str | None:
    with _lock:
        return _read().get(mistake)


def remember(mistake: str, test: str) -> None:
    with _lock:
        known = _read() | {mistake: test}
        FILE.write_text(json.dumps(dict(sorted(known.items())), indent=2) + "\n")


def _read() -> dict[str, str]:
    known: dict[str, str] = json.loads(FILE.read_text())
    return known
