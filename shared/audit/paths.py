"""Keys in the audit bucket: names that come from content, partitions from time."""

import gzip
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from shared.audit.alerts import Alert
from shared.audit.events import AuditLog


def by_hour(events: Iterable[AuditLog]) -> dict[str, list[AuditLog]]:
    """Events by their partition, each in order of time."""
    hours: dict[str, list[AuditLog]] = defaultdict(list)
    for event in sorted(events, key=lambda each: (each.time, each.id)):
        hours[_hour(event.time)].append(event)
    return hours


def events_key(hour: str, stream: str, events: Iterable[AuditLog], folder: str = "events") -> str:
    """The same events have the same name: written again, they replace themselves."""
    ids = "\n".join(sorted(event.id for event in events))
    content = hashlib.sha256(ids.encode()).hexdigest()[:16]
    return f"{folder}/{hour}/{_safe(stream)}-{content}.jsonl.gz"


def events_folder(day: int) -> str:
    return f"events/{_day(day)}/"


def unreadable_key(stream: str, now: int, lines: Sequence[bytes]) -> str:
    content = hashlib.sha256(b"\n".join(lines)).hexdigest()[:16]
    return f"unreadable/{_day(now)}/{_safe(stream)}-{content}.jsonl.gz"


def by_day(alerts: Iterable[Alert]) -> dict[str, list[Alert]]:
    """Alerts by their partition, each in order of time."""
    days: dict[str, list[Alert]] = defaultdict(list)
    for alert in sorted(alerts, key=lambda each: each.order):
        days[_day(alert.time)].append(alert)
    return days


def alerts_key(day: str, lines: Sequence[bytes], folder: str = "alerts") -> str:
    """The same alerts have the same name: written again, they replace themselves."""
    content = hashlib.sha256(b"\n".join(lines)).hexdigest()[:16]
    return f"{folder}/{day}/{content}.jsonl"


def dry_folder(stream: str) -> str:
    """Where the alerts of a dry run lie."""
    return f"dry/{_safe(stream)}"


def manifests_folder(day: int) -> str:
    return f"manifests/{_day(day)}/"


def manifest_key(stream: str, day: int) -> str:
    return f"{manifests_folder(day)}{_safe(stream)}.json"


def packed(lines: Iterable[bytes]) -> bytes:
    """Gzipped JSON lines; the same lines are the same bytes."""
    return gzip.compress(b"".join(line + b"\n" for line in lines), mtime=0)


def _day(time: int) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("dt=%Y-%m-%d")


def _hour(time: int) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("dt=%Y-%m-%d/hour=%H")


def _safe(stream: str) -> str:
    return stream.replace("#", "-").replace("/", "-")
