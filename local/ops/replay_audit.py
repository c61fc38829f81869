"""`batchdrop replay FILE`: runs audit events through the detections and changes nothing."""

import gc
import gzip
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from shared.audit.alert_text import INNER
from shared.audit.alerts import Alert
from shared.audit.config import Config, Misconfigured, read_config
from shared.audit.events import AuditLog, Unreadable, read_event
from shared.audit.incidents import Incident, grouped
from shared.audit.reading import entries
from shared.audit.replay import replay
from shared.audit.sigma.folder import read_folder
from shared.audit.sigma.rule import Unusable

GZIP = b"\x1f\x8b"


def main(
    files: Sequence[str], yaml: Path | None, rules: Path | None = None, *, incidents: bool = False
) -> int:
    """Prints alerts, or the incidents they are, as JSON lines.

    0: all was read; 1: some events were not; 2: none were.
    """
    problems: list[str] = []
    try:
        config = _with_rules(read_config(yaml.read_text()) if yaml else Config(), rules)
        texts = [_bytes(path) for path in files]
    except (OSError, EOFError, Misconfigured, Unusable) as error:
        print(error, file=sys.stderr)
        return 2
    with _without_collection():
        events = [event for text in texts for event in events_in(text, problems)]
        found = grouped(replay(events, config))
    for problem in problems:
        print(problem, file=sys.stderr)
    for line in _by_incident(found) if incidents else _by_alert(found):
        print(line)
    return 1 if problems else 0


def _with_rules(config: Config, folder: Path | None) -> Config:
    """Raises Unusable for any rule that can't be used."""
    if folder is None:
        return config
    loaded = read_folder(folder)
    if loaded.unused:
        raise Unusable("\n".join(each.reason for each in loaded.unused))
    return config.with_own(loaded.own)


def events_in(text: bytes, problems: list[str]) -> Iterator[AuditLog]:
    """From lines of events or list answers, or from one answer over many lines."""
    for number, raw in _raw_events(text, problems):
        try:
            yield read_event(raw)
        except Unreadable as error:
            problems.append(_problem(number, error, raw))


def _by_incident(found: Sequence[tuple[Incident, list[Alert]]]) -> Iterator[str]:
    for incident, alerts in found:
        worst = max(alerts, key=lambda each: each.severity.rank)
        yield json.dumps(
            {**incident.model_dump(mode="json"), "who": worst.who, "title": worst.title},
            ensure_ascii=False,
        )


def _by_alert(found: Sequence[tuple[Incident, list[Alert]]]) -> Iterator[str]:
    pairs = [(alert, incident.id) for incident, alerts in found for alert in alerts]
    for alert, incident_id in sorted(pairs, key=lambda pair: pair[0].order):
        yield shown(alert, incident_id)


def shown(alert: Alert, incident: str) -> str:
    """As JSON; of an alert's texts nothing is changed."""
    known = alert.model_dump(mode="json", exclude=INNER)
    return json.dumps({**known, "incident": incident}, ensure_ascii=False, separators=(",", ":"))


@contextmanager
def _without_collection() -> Iterator[None]:
    """Without garbage collection, which would take half the time and find nothing."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _bytes(path: str) -> bytes:
    content = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    return gzip.decompress(content) if content.startswith(GZIP) else content


def _raw_events(text: bytes, problems: list[str]) -> Iterator[tuple[int, bytes]]:
    lines = [(n, line) for n, line in enumerate(text.split(b"\n"), 1) if line.strip()]
    whole = _whole(text, lines)
    if whole is not None:
        yield from ((lines[0][0], raw) for raw in whole)
        return
    for number, line in lines:
        try:
            for raw in entries(line.decode()):
                yield number, raw
        except ValueError as error:
            problems.append(_problem(number, error, line))


def _whole(text: bytes, lines: list[tuple[int, bytes]]) -> list[bytes] | None:
    """The events of a text that is one JSON value, not JSON lines."""
    if not lines or _is_json(lines[0][1]):
        return None
    try:
        return list(entries(text.decode()))
    except ValueError:
        return None


def _is_json(line: bytes) -> bool:
    try:
        return bool(list(entries(line.decode())))
    except ValueError:
        return False


def _problem(number: int, error: Exception, raw: bytes) -> str:
    return f"line {number}: {error}: {raw[:80].decode(errors='replace')}"
