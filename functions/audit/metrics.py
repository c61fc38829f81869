"""What a run did, as numbers that become metrics."""

from collections.abc import Mapping

Metrics = dict[str, int]
HIGHEST = frozenset({"AuditLagSeconds", "AuditOverlapSeconds", "AuditBehindSeconds"})


def combined(metrics: Mapping[str, int], more: Mapping[str, int]) -> Metrics:
    """Most add up; of some the highest counts."""
    return {
        name: _both(name, metrics.get(name, 0), more.get(name, 0))
        for name in dict.fromkeys([*metrics, *more])
    }


def _both(name: str, one: int, other: int) -> int:
    return max(one, other) if name in HIGHEST else one + other
