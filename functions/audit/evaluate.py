"""Evaluates a page of events, with what is remembered of events before."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from shared.audit.detection import Finding, Observation
from shared.audit.edges import AuditEdges
from shared.audit.engine import SetKey
from shared.audit.events import AuditLog
from shared.audit.losses import memory_full
from shared.audit.state import Outcome, Row, evaluate_patterns, expires_at, rows_to_read

MOST_ROWS = 2_000  # kept in memory from page to page


@dataclass
class Memory:
    """What was read for earlier pages: while the lease holds, nobody else adds to it."""

    observations: dict[Row, set[Observation]] = field(default_factory=dict)
    read: set[Row] = field(default_factory=set)  # one read brings all sets of a row
    sizes: Counter[Row] = field(default_factory=Counter)  # bytes of whole rows

    def missing(self, wanted: set[Row]) -> set[Row]:
        missing = {row.whole for row in wanted} - self.read
        self.read |= missing
        return missing

    def add(self, observations: Mapping[Row, set[Observation]]) -> None:
        for row, some in observations.items():
            held = self.observations.setdefault(row, set())
            self.sizes[row.whole] += sum(each.size for each in some - held)
            held |= some

    def drop(self, observations: Mapping[Row, set[Observation]]) -> None:
        for row, some in observations.items():
            self.observations[row] = self.observations.get(row, set()) - some
            self.sizes[row.whole] -= sum(each.size for each in some)

    def forget_old(self) -> None:
        if len(self.read) > MOST_ROWS:
            self.observations.clear()
            self.read.clear()
            self.sizes.clear()


class Evaluation(NamedTuple):
    """Findings, and how what is remembered changes."""

    findings: list[Finding]
    observations: dict[Row, set[Observation]]
    dropped: dict[Row, set[Observation]]
    lost: Counter[SetKey]
    expires_at: Mapping[Row, int]


def evaluate(edges: AuditEdges, events: Sequence[AuditLog], now: int, memory: Memory) -> Evaluation:
    memory.forget_old()
    findings: list[Finding] = []
    keyed: list[tuple[SetKey, Observation]] = []
    for event in events:
        found, observations = edges.engine.evaluate_event(event)
        findings += found
        keyed += observations
    later = [each for each in keyed if edges.engine.is_derived(each[0][0])]
    first = [each for each in keyed if not edges.engine.is_derived(each[0][0])]
    of_events = _evaluate_patterns(edges, first, now, memory)
    findings += of_events.findings
    later += edges.engine.derive(findings)
    of_findings = _evaluate_patterns(edges, later, now, memory)
    findings += of_findings.findings
    additions = of_events.additions | of_findings.additions
    lost = of_events.lost + of_findings.lost
    return Evaluation(
        findings=[*findings, *(memory_full(where, count, now) for where, count in lost.items())],
        observations=additions,
        dropped=of_events.dropped | of_findings.dropped,
        lost=lost,
        expires_at={row: expires_at(edges.engine, row) for row in additions},
    )


def _evaluate_patterns(
    edges: AuditEdges, keyed: list[tuple[SetKey, Observation]], now: int, memory: Memory
) -> Outcome:
    wanted = rows_to_read(edges.engine, keyed, now)
    memory.add(edges.tables.observations(memory.missing(wanted)))
    known = {row: memory.observations[row] for row in wanted if row in memory.observations}
    return evaluate_patterns(edges.engine, keyed, known)
