"""A page's events through the detections, with what is remembered of events before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from shared.audit.detection import Finding, Observation
from shared.audit.edges import AuditEdges
from shared.audit.engine import Set
from shared.audit.events import AuditLog
from shared.audit.state import Judged, Row, expires_at, judged, rows_to_read

MOST_ROWS = 2_000  # remembered from page to page; a long walk through the past forgets


@dataclass
class Memory:
    """What was read for the pages before: while the lease holds, only this walk adds to it."""

    observations: dict[Row, set[Observation]] = field(default_factory=dict)
    read: set[Row] = field(default_factory=set)  # without `set`: a read brings what lies beside

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


class Judgement(NamedTuple):
    """Findings, and the observations to remember beside those that were known."""

    findings: list[Finding]
    observations: dict[Row, set[Observation]]
    known: Mapping[Row, set[Observation]]
    expires_at: Mapping[Row, int]


def judge(edges: AuditEdges, events: Sequence[AuditLog], now: int, memory: Memory) -> Judgement:
    memory.forget_old()
    findings: list[Finding] = []
    noticed: list[tuple[Set, Observation]] = []
    for event in events:
        found, observations = edges.engine.look(event)
        findings += found
        noticed += observations
    of_events = _patterns(edges, noticed, now, memory)
    findings += of_events.findings
    of_findings = _patterns(edges, edges.engine.derive(findings), now, memory)
    findings += of_findings.findings
    additions = of_events.additions | of_findings.additions
    expiry = {row: expires_at(edges.engine, row) for row in additions}
    return Judgement(findings, additions, memory.observations, expiry)


def _patterns(
    edges: AuditEdges, noticed: list[tuple[Set, Observation]], now: int, memory: Memory
) -> Judged:
    wanted = rows_to_read(edges.engine, noticed, now)
    memory.add(edges.tables.observations(memory.missing(wanted)))
    known = {row: memory.observations[row] for row in wanted if row in memory.observations}
    return judged(edges.engine, noticed, known)
