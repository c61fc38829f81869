"""Findings become alerts: written down, rung if they are news, then stored."""

import json
from collections.abc import Iterable

from functions.audit.metrics import Counts
from shared.audit.alerts import Alert, Settled, alert_text, distinct, record, settle, subject
from shared.audit.cursor import DAY, Alerting, Cursor, is_live
from shared.audit.detection import Finding
from shared.audit.edges import AuditEdges
from shared.audit.ocsf import as_finding
from shared.audit.paths import alert_key
from shared.aws.notifier import Notification

JSON = "application/json"
RAISED = "Alert Raised"


def ring(edges: AuditEdges, cursor: Cursor, findings: Iterable[Finding]) -> Counts:
    """Each alert once, however often its events come."""
    counts = {"AuditAlertsStored": 0, "AuditAlertsRung": 0}
    for alert in distinct(findings, edges.config):
        if cursor.alerting == Alerting.DRY:
            _write(edges, alert, f"dry/{cursor.stream.replace('#', '-')}")
            continue
        settled = settle(alert, edges.tables.alerts(alert.dedup), edges.config)
        if settled is not None:
            counts["AuditAlertsStored"] += 1
            counts["AuditAlertsRung"] += _store(edges, cursor, settled)
    return counts


def _store(edges: AuditEdges, cursor: Cursor, settled: Settled) -> bool:
    """Bytes, then bell, then table: who dies between rings again, with the same id."""
    alert = settled.alert
    rings = settled.rings and is_live(cursor, alert.time)
    _write(edges, alert, "alerts")
    if rings:
        edges.notifier.publish(notification(alert))
    kept = edges.seconds() + edges.settings.audit_kept_days * DAY
    edges.tables.put_alert(alert, kept)
    return rings


def _write(edges: AuditEdges, alert: Alert, room: str) -> None:
    edges.s3.write(alert_key(alert, room), [json.dumps(record(alert)).encode()], JSON)


def notification(alert: Alert) -> Notification:
    """For people the letter, for systems the alert, also as OCSF Detection Finding."""
    return Notification(
        type=RAISED,
        about=f"{subject(alert)} ({alert.id})",
        text=alert_text(alert),
        detail={"alert": record(alert), "ocsf": as_finding(alert)},
    )
