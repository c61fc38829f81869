"""What a run did, as numbers that become metrics."""

from collections.abc import Mapping

Metrics = dict[str, int]
HIGHEST = frozenset({"AuditLagSeconds", "AuditOverlapSeconds", "AuditBehindSeconds"})

# What the audit side could not read, keep, judge or prove: each is told where it happens, too.
LOSSES = (
    "AuditEvidenceFlaws",
    "AuditNotTaken",
    "AuditObservationsDropped",
    "AuditSetAside",
    "AuditUnreadable",
)


def combined(metrics: Mapping[str, int], more: Mapping[str, int]) -> Metrics:
    """Most add up; of some the highest counts."""
    return {
        name: _both(name, metrics.get(name, 0), more.get(name, 0))
        for name in dict.fromkeys([*metrics, *more])
    }


def _both(name: str, one: int, other: int) -> int:
    return max(one, other) if name in HIGHEST else one + other


def with_losses(metrics: Mapping[str, int]) -> Metrics:
    """With their sum, which has the alarm."""
    return {**metrics, "AuditLosses": sum(metrics.get(each, 0) for each in LOSSES)}
