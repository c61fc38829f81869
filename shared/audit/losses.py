"""O3: something could not be kept: observations that a pattern rests on, or events."""

from shared.audit.detection import Finding
from shared.audit.engine import SetKey
from shared.audit.severity import Severity


def memory_full(where: SetKey, lost: int, now: int) -> Finding:
    """A pattern remembers so much of one key that the oldest of it had to go."""
    pattern, key = where
    title = f"{pattern.rstrip('+')} forgot {lost} observations: too many of {key}"
    return _finding(f"memory/{pattern}/{key}", now, title, Severity.HIGH)


def _finding(target: str, time: int, title: str, severity: Severity) -> Finding:
    return Finding(
        detection="O3",
        time=time,
        severity=severity,
        level=severity,
        title=title,
        actor="poller",
        target=target,
        who="Batchdrop's poller",
        where="this stack",
        event_ids=(),
        context=(),
    )
