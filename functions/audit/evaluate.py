"""Evaluates a page of events, with what is remembered of events before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from shared.audit.detection import Finding, Observation
from shared.audit.edges import AuditEdges
from shared.audit.engine import SetKey
from shared.audit.events import AuditLog
from shared.audit.state import Outcome, Row, evaluate_patterns, expires_at, rows_to_read

MOST_ROWS = 2_000  # kept in memory from page to page


@dataclass
class Memory:
    """What was read for earlier pages: while the lease holds, nobody else adds to it."""

    observations: dict[Row, set[Observation]] = field(default_factory=dict)
    read: set[Row] = field(
        default_factory=set
    )  # without `set`: one read brings all sets of the row

    def missing(self, wanted: set[Row]) -> set[Row]:
        missing = {row._replace(set="") for row in wanted} - self.read
        self.read |= missing
        return missing

    def add(self, observations: Mapping[Row, set[Observation]]) -> None:
        for row, some in observations.items():
            self.observations[row] = self.observations.get(row, set()) | some

    def forget_old(self) -> None:
        if len(self.read) > MOST_ROWS:
            self.observations.clear()
            self.read.clear()


class Evaluation(NamedTuple):
    """Findings, and the observations to remember beside those that were known."""

    findings: list[Finding]
    observations: dict[Row, set[Observation]]
    known: Mapping[Row, set[Observation]]
    expires_at: Mapping[Row, int]


def evaluate(edges: AuditEdges, events: Sequence[AuditLog], now: int, memory: Memory) -> Evaluation:
    memory.forget_old()
    findings: list[Finding] = []
    keyed: list[tuple[SetKey, Observation]] = []
    for event in events:
        found, observations = edges.engine.evaluate_event(event)
        findings += found
        keyed += observations
    of_events = _evaluate_patterns(edges, keyed, now, memory)
    findings += of_events.findings
    of_findings = _evaluate_patterns(edges, edges.engine.derive(findings), now, memory)
    findings += of_findings.findings
    additions = of_events.additions | of_findings.additions
    expiry = {row: expires_at(edges.engine, row) for row in additions}
    return Evaluation(findings, additions, memory.observations, expiry)


def _evaluate_patterns(
    edges: AuditEdges, keyed: list[tuple[SetKey, Observation]], now: int, memory: Memory
) -> Outcome:
    wanted = rows_to_read(edges.engine, keyed, now)
    memory.add(edges.tables.observations(memory.missing(wanted)))
    known = {row: memory.observations[row] for row in wanted if row in memory.observations}
    return evaluate_patterns(edges.engine, keyed, known)
