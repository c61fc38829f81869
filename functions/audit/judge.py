"""A page's events through the detections, with what is remembered of events before."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from shared.audit.detection import Fact, Finding
from shared.audit.events import AuditLog
from shared.audit.state import Row, expires_at, judged, rows_to_read
from shared.audit.watch import Set
from shared.audit_edges import AuditEdges


class Judgement(NamedTuple):
    """Findings, and the facts to remember beside those that were known."""

    findings: list[Finding]
    facts: dict[Row, set[Fact]]
    known: dict[Row, set[Fact]]
    expires_at: Mapping[Row, int]


def judge(edges: AuditEdges, events: Sequence[AuditLog], now: int) -> Judgement:
    findings: list[Finding] = []
    noticed: list[tuple[Set, Fact]] = []
    for event in events:
        found, facts = edges.watch.look(event)
        findings += found
        noticed += facts
    of_events, known = _patterns(edges, noticed, findings, now)
    of_findings, known_too = _patterns(edges, edges.watch.listen(findings), findings, now)
    additions = of_events | of_findings
    expiry = {row: expires_at(edges.watch, row) for row in additions}
    return Judgement(findings, additions, known | known_too, expiry)


def _patterns(
    edges: AuditEdges, noticed: list[tuple[Set, Fact]], findings: list[Finding], now: int
) -> tuple[dict[Row, set[Fact]], dict[Row, set[Fact]]]:
    """Adds to the findings; the facts to remember, and those that were."""
    if not noticed:
        return {}, {}
    known = edges.tables.facts(rows_to_read(edges.watch, noticed, now))
    result = judged(edges.watch, noticed, known)
    findings += result.findings
    return result.additions, known
