"""Turns findings into alerts: writes them, publishes what is new, stores them."""

import json
from collections.abc import Sequence

from functions.audit.metrics import Metrics
from shared.audit.alert_text import alert_text, record, subject
from shared.audit.alerts import Alert
from shared.audit.cursor import DAY, Alerting, Cursor, is_live
from shared.audit.detection import Finding
from shared.audit.edges import AuditEdges
from shared.audit.ocsf import as_finding
from shared.audit.paths import alert_key
from shared.audit.suppression import Settled, settle
from shared.aws.notifier import Notification

JSON = "application/json"
RAISED = "Alert Raised"


def notify(edges: AuditEdges, cursor: Cursor, findings: Sequence[Finding]) -> Metrics:
    """Publishes each alert once, however often its events come and however pages are cut."""
    dry_run = cursor.stream if cursor.alerting == Alerting.DRY else None
    stored = [
        alert
        for dedup in dict.fromkeys(finding.dedup for finding in findings)
        for alert in edges.tables.alerts(dedup, dry_run)
    ]
    settled = settle(findings, stored, edges.config)
    if dry_run is not None:
        for each in settled:
            _write(edges, each.alert, f"dry/{dry_run.replace('#', '-')}")
            _keep(edges, each.alert, dry_run)
        return {}
    published = [_store(edges, cursor, each) for each in settled]
    stored_now = sum(each.is_news for each in settled)
    return {"AuditAlertsStored": stored_now, "AuditAlertsPublished": sum(published)}


def _store(edges: AuditEdges, cursor: Cursor, settled: Settled) -> bool:
    """Writes, notifies, then commits: a crash in between publishes again, with the same id."""
    alert = settled.alert
    publishes = settled.notify and is_live(cursor, alert.time)
    if settled.is_news:
        _write(edges, alert, "alerts")
    if publishes:
        edges.notifier.publish(notification(alert))
    _keep(edges, alert, None)
    return publishes


def _keep(edges: AuditEdges, alert: Alert, dry_run: str | None) -> None:
    kept_until = edges.seconds() + edges.settings.audit_kept_days * DAY
    edges.tables.put_alert(alert, kept_until, dry_run)


def _write(edges: AuditEdges, alert: Alert, folder: str) -> None:
    edges.s3.write(alert_key(alert, folder), [json.dumps(record(alert)).encode()], JSON)


def notification(alert: Alert) -> Notification:
    """A text for people; for systems the alert, also as an OCSF Detection Finding."""
    return Notification(
        type=RAISED,
        about=f"{subject(alert)} ({alert.id})",
        text=alert_text(alert),
        detail={"alert": record(alert), "ocsf": as_finding(alert)},
    )
