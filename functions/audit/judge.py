"""A page's events through the detections, with what is remembered of events before."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from shared.audit.detection import Fact, Finding
from shared.audit.events import AuditLog
from shared.audit.state import Judged, Row, expires_at, judged, rows_to_read
from shared.audit.watch import Set
from shared.audit_edges import AuditEdges

Memory = dict[Row, set[Fact]]
MOST_ROWS = 2_000  # remembered from page to page; a long walk through the past forgets


class Judgement(NamedTuple):
    """Findings, and the facts to remember beside those that were known."""

    findings: list[Finding]
    facts: dict[Row, set[Fact]]
    known: Mapping[Row, set[Fact]]
    expires_at: Mapping[Row, int]


def judge(edges: AuditEdges, events: Sequence[AuditLog], now: int, memory: Memory) -> Judgement:
    """`memory` holds what was read for the pages before: only this walk adds to it meanwhile."""
    if len(memory) > MOST_ROWS:
        memory.clear()
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
    return Judgement(findings, additions, memory, expiry)


def _patterns(
    edges: AuditEdges, noticed: list[tuple[Set, Fact]], now: int, memory: Memory
) -> Judged:
    wanted = rows_to_read(edges.watch, noticed, now)
    unknown = wanted - memory.keys()
    if unknown:
        memory |= {row: set() for row in unknown} | edges.tables.facts(unknown)
    return judged(edges.watch, noticed, {row: memory[row] for row in wanted})
