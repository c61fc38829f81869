"""What a run did, as numbers that become metrics."""

from collections.abc import Mapping

from shared.telemetry import record

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
# Of a run that found nothing these say nothing, and a metric costs for each hour in which it is
# published. AuditBehindSeconds is always: its alarm fires when it is missing.
OF_A_FIND = frozenset({"AuditLagSeconds", "AuditOverlapSeconds", "AuditPages"})


def publish(metrics: Mapping[str, int]) -> None:
    """Makes metrics of what is worth it."""
    record(worth_publishing(metrics))


def worth_publishing(metrics: Mapping[str, int]) -> Metrics:
    left_out = frozenset[str]() if metrics.get("AuditEventsLanded") else OF_A_FIND
    return {name: number for name, number in metrics.items() if name not in left_out}


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
