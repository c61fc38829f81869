"""How severe a detection is."""

from enum import StrEnum


class Severity(StrEnum):
    """From low to high; a signal is stored and never sent."""

    SIGNAL = "signal"
    INFO = "info"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        return _RANKS[self]


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}
