"""What a tick did, as numbers that become metrics: most add up, a few are the worst of all."""

from collections.abc import Mapping

Counts = dict[str, int]
WORST = frozenset({"AuditLagSeconds", "AuditOverlapSeconds", "AuditBehindSeconds"})


def added(counts: Mapping[str, int], more: Mapping[str, int]) -> Counts:
    return {
        name: _both(name, counts.get(name, 0), more.get(name, 0))
        for name in dict.fromkeys([*counts, *more])
    }


def _both(name: str, one: int, other: int) -> int:
    return max(one, other) if name in WORST else one + other
