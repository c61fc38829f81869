"""Evaluates a page of events, with what is remembered of events before."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from functions.audit.archive import Archived
from shared.audit import losses
from shared.audit.detection import Finding, Observation
from shared.audit.edges import AuditEdges
from shared.audit.engine import SetKey
from shared.audit.events import AuditLog
from shared.audit.state import Outcome, Row, evaluate_patterns, expires_at, rows_to_read
from shared.telemetry import logger

MOST_ROWS = 2_000  # kept in memory from page to page


@dataclass
class Memory:
    """What was read for earlier pages: while the lease holds, nobody else adds to it."""

    observations: dict[Row, set[Observation]] = field(default_factory=dict)
    archived: Archived = field(default_factory=Archived)
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
    set_aside: list[AuditLog]  # no detection has seen them


def evaluate(
    edges: AuditEdges,
    events: Sequence[AuditLog],
    now: int,
    memory: Memory,
    *,
    again: bool = False,
) -> Evaluation:
    """`again`: their observations may be known already, without anybody having been told."""
    memory.forget_old()
    findings: list[Finding] = []
    keyed: list[tuple[SetKey, Observation]] = []
    set_aside: list[AuditLog] = []
    for event in events:
        try:
            found, observations = edges.engine.evaluate_event(event)
        except Exception as error:  # noqa: BLE001  # told; the other events go on
            logger.exception("an event is set aside", event=event.id, type=event.type)
            findings.append(losses.set_aside(event, type(error).__name__, now))
            set_aside.append(event)
            continue
        findings += found
        keyed += observations
    first, later = edges.engine.in_stages(keyed)
    of_events = _evaluate_patterns(edges, first, now, memory, again)
    findings += of_events.findings
    later += edges.engine.derive(findings)
    of_findings = _evaluate_patterns(edges, later, now, memory, again)
    findings += of_findings.findings
    additions = of_events.additions | of_findings.additions
    lost = of_events.lost + of_findings.lost
    findings += [losses.memory_full(where, count, now) for where, count in lost.items()]
    broken = of_events.broken | of_findings.broken
    findings += [losses.not_evaluated(where, reason, now) for where, reason in broken.items()]
    return Evaluation(
        findings=findings,
        observations=additions,
        dropped=of_events.dropped | of_findings.dropped,
        lost=lost,
        expires_at={row: expires_at(edges.engine, row) for row in additions},
        set_aside=set_aside,
    )


def _evaluate_patterns(
    edges: AuditEdges,
    keyed: list[tuple[SetKey, Observation]],
    now: int,
    memory: Memory,
    again: bool,
) -> Outcome:
    wanted = rows_to_read(edges.engine, keyed, now)
    memory.add(edges.tables.observations(memory.missing(wanted)))
    known = {row: memory.observations[row] for row in wanted if row in memory.observations}
    return evaluate_patterns(edges.engine, keyed, known, again=again)
