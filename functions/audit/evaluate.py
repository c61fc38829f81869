"""A page's events through the detections, with what is remembered of events before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from shared.audit.detection import Fact, Finding
from shared.audit.edges import AuditEdges
from shared.audit.engine import Set
from shared.audit.events import AuditLog
from shared.audit.state import Judged, Row, expires_at, judged, rows_to_read

MOST_ROWS = 2_000  # remembered from page to page; a long walk through the past forgets


@dataclass
class Memory:
    """What was read for the pages before: while the lease holds, only this walk adds to it."""

    facts: dict[Row, set[Fact]] = field(default_factory=dict)
    read: set[Row] = field(default_factory=set)  # without `set`: a read brings what lies beside

    def missing(self, wanted: set[Row]) -> set[Row]:
        missing = {row._replace(set="") for row in wanted} - self.read
        self.read |= missing
        return missing

    def add(self, facts: Mapping[Row, set[Fact]]) -> None:
        for row, some in facts.items():
            self.facts[row] = self.facts.get(row, set()) | some

    def forget_old(self) -> None:
        if len(self.read) > MOST_ROWS:
            self.facts.clear()
            self.read.clear()


class Judgement(NamedTuple):
    """Findings, and the facts to remember beside those that were known."""

    findings: list[Finding]
    facts: dict[Row, set[Fact]]
    known: Mapping[Row, set[Fact]]
    expires_at: Mapping[Row, int]


def judge(edges: AuditEdges, events: Sequence[AuditLog], now: int, memory: Memory) -> Judgement:
    memory.forget_old()
    findings: list[Finding] = []
    noticed: list[tuple[Set, Fact]] = []
    for event in events:
        found, facts = edges.watch.look(event)
        findings += found
        noticed += facts
    of_events = _patterns(edges, noticed, now, memory)
    findings += of_events.findings
    of_findings = _patterns(edges, edges.watch.listen(findings), now, memory)
    findings += of_findings.findings
    additions = of_events.additions | of_findings.additions
    expiry = {row: expires_at(edges.watch, row) for row in additions}
    return Judgement(findings, additions, memory.facts, expiry)


def _patterns(
    edges: AuditEdges, noticed: list[tuple[Set, Fact]], now: int, memory: Memory
) -> Judged:
    wanted = rows_to_read(edges.watch, noticed, now)
    memory.add(edges.tables.facts(memory.missing(wanted)))
    known = {row: memory.facts[row] for row in wanted if row in memory.facts}
    return judged(edges.watch, noticed, known)
