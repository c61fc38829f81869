"""What the notifications of the audit log tell programs, by their types."""

from typing import Any

from shared.audit.incidents import Incident
from shared.audit.severity import Severity
from shared.aws.notifier import Detail


class AlertRecord(Detail):
    """An alert as it is stored; times are unix seconds."""

    id: str
    time: int  # of the event that completed it
    detection: str
    severity: Severity
    title: str
    dedup: str
    actor: str
    event_ids: tuple[str, ...]
    event_id: str = ""  # of the event that completed it
    who: str
    where: str
    context: tuple[tuple[str, str], ...] = ()
    attack: tuple[str, ...] = ()  # techniques of MITRE ATT&CK
    incident: str = ""
    name: str  # the detection's
    false_positives: str
    runbook: list[str]


class CompletedBy(Detail):
    object: str  # s3://…
    event: str  # as it was received


class AlertRaised(Detail):
    alert: AlertRecord
    incident: Incident
    ocsf: dict[str, Any]  # a Detection Finding of OCSF
    completed_by: CompletedBy | None = None


class IncidentClosed(Detail):
    incident: Incident


class AuditEvents(Detail):
    """Events that landed; one that is very long is named alone, with its object."""

    stream: str
    object: str  # the S3 key
    count: int
    types: list[str]
    events: list[dict[str, Any]]


DETAILS: dict[str, Any] = {
    "Alert Raised": AlertRaised,
    "Incident Closed": IncidentClosed,
    "Audit Events": AuditEvents,
}
