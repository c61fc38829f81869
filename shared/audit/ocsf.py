"""Events and alerts as OCSF 1.8: https://schema.ocsf.io/1.8.0."""

import re
from typing import Any

from shared.audit.addresses import address_of, bare_asn
from shared.audit.alerts import Alert
from shared.audit.detection import About
from shared.audit.detections.reading import person_of, role_of, target_of
from shared.audit.events import AuditLog
from shared.audit.ocsf_map import ACTIVITIES, CLASSES, ENTITY_TYPES, MAP, OTHER, Mapped
from shared.audit.payloads import Assignment, Certificates, Failure, Payload, Role
from shared.audit.severity import Severity

Json = dict[str, Any]
VERSION = "1.8.0"
IAM = 3
FINDINGS = 2
DETECTION_FINDING = 2004
ACCOUNT, AUTHENTICATION, ENTITY, ACCESS, GROUP = CLASSES
USER, ADMIN, SERVICE = 1, 2, 4  # type_id of a user
SEVERITIES = {
    Severity.SIGNAL: (1, "Informational"),
    Severity.INFO: (1, "Informational"),
    Severity.MEDIUM: (3, "Medium"),
    Severity.HIGH: (4, "High"),
    Severity.CRITICAL: (5, "Critical"),
}
_EMAIL = re.compile(r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~.]+@[A-Za-z0-9-]+\.[A-Za-z0-9.-]+")  # OCSF's


def as_ocsf(event: AuditLog, first_seen: int) -> list[Json]:
    """Mostly one; of switched certificates one each. Unknown types are entities of their own."""
    mapped = _mapped(event)
    base = _base(event, mapped, first_seen)
    listed = event.read(Certificates).certificates if mapped.entity == "certificate" else ()
    if not listed:
        return [base | _particulars(event, mapped)]
    return [_of_certificate(base, mapped, each) for each in listed]


def as_finding(alert: Alert, about: About) -> Json:
    """Detection Finding 2004."""
    severity_id, severity = SEVERITIES[alert.severity]
    return {
        "category_uid": FINDINGS,
        "category_name": "Findings",
        "class_uid": DETECTION_FINDING,
        "class_name": "Detection Finding",
        "activity_id": 1,
        "activity_name": "Create",
        "type_uid": DETECTION_FINDING * 100 + 1,
        "time": alert.time * 1000,
        "severity_id": severity_id,
        "severity": severity,
        "status_id": 1,
        "status": "New",
        "metadata": _metadata(alert.id, alert.detection, "Batchdrop", "Audit"),
        "finding_info": {
            "uid": alert.id,
            "title": alert.title,
            "types": [alert.detection],
            "first_seen_time": alert.time * 1000,
            "related_events": [{"uid": each} for each in alert.event_ids],
            **({"attacks": [_attack(each) for each in alert.attack]} if alert.attack else {}),
        },
        "evidences": [{"data": {"who": alert.who, "where": alert.where, **dict(alert.context)}}],
        **({"remediation": {"desc": "\n".join(about.runbook)}} if about.runbook else {}),
        "unmapped": {"dedup": alert.dedup},
    }


def _attack(technique: str) -> Json:
    return {"technique": {"uid": technique}}


def _mapped(event: AuditLog) -> Mapped:
    mapped = MAP.get(event.type, Mapped(ENTITY, OTHER, event.type.rpartition(".")[0] or event.type))
    by_group = mapped.class_uid == ACCESS and event.read(Assignment).principal_type == "group"
    return mapped._replace(class_uid=GROUP) if by_group else mapped


def _base(event: AuditLog, mapped: Mapped, first_seen: int) -> Json:
    class_uid, activity_id = mapped.class_uid, mapped.activity_id
    metadata = _metadata(event.id, event.type, "API Platform", "OpenAI")
    base = {
        "category_uid": IAM,
        "category_name": "Identity & Access Management",
        "class_uid": class_uid,
        "class_name": CLASSES[class_uid],
        "activity_id": activity_id,
        "activity_name": ACTIVITIES[class_uid].get(activity_id, "Other"),
        "type_uid": class_uid * 100 + activity_id,
        "time": event.time * 1000,
        "severity_id": 1,
        "severity": "Informational",
        "metadata": metadata | {"logged_time": first_seen * 1000, "log_name": "audit_logs"},
        "actor": _actor(event),
        "raw_data": event.line.decode(errors="replace"),
        "unmapped": _unmapped(event, mapped),
    }
    return _without_nothing(base | _network(event) | _status(event) | _project(event, mapped))


def _metadata(uid: str, code: str, product: str, vendor: str) -> Json:
    named = {"name": product, "vendor_name": vendor}
    return {"version": VERSION, "uid": uid, "event_code": code, "product": named}


def _actor(event: AuditLog) -> Json:
    account = event.actor.api_key.service_account if event.actor.api_key else None
    user = _without_nothing(
        {
            "uid": event.by.user.id or (account.id if account else None),
            **_address(event.by.email),
            "credential_uid": event.by.key,
        }
    )
    if not user:
        return {"user": {"name": event.by.name, "type_id": 0}}
    return {"user": user | {"type_id": SERVICE if account else USER}}


def _address(email: str | None) -> Json:
    """What is no e-mail address to OCSF is a name."""
    return {"email_addr" if _EMAIL.fullmatch(email or "") else "name": email}


def _network(event: AuditLog) -> Json:
    """Events by API key have no address."""
    if event.by.session is None:
        return {}
    place = event.by.place
    location = {"country": place.country, "city": place.city, "region": place.region}
    if place.latitude is not None and place.longitude is not None:
        location |= {"lat": place.latitude, "long": place.longitude}  # type: ignore[dict-item]
    asn = bare_asn(place.asn or "")
    ip = event.by.ip or "unknown"
    endpoint = {
        "ip" if address_of(ip) else "name": ip,  # one of the two has to be there
        "location": _without_nothing(location),
        "autonomous_system": {"number": int(asn)} if asn.isdecimal() else None,
    }
    return {
        "src_endpoint": _without_nothing(endpoint),
        "http_request": _without_nothing({"user_agent": event.by.session.user_agent}),
    }


def _status(event: AuditLog) -> Json:
    if not event.type.endswith(".failed"):
        return {"status_id": 1, "status": "Success"}
    failure = event.read(Failure)
    failed = {"status_code": failure.error_code, "status_detail": failure.error_message}
    return {"status_id": 2, "status": "Failure", **failed}


def _unmapped(event: AuditLog, mapped: Mapped) -> Json:
    """What the class has no place for."""
    session = event.by.session
    prints = {"ja4": session.ja4, "ja3": session.ja3} if session else {}
    project = {} if mapped.class_uid == ACCESS else _project_of(event)
    return _without_nothing({**prints, "project": project})


def _project(event: AuditLog, mapped: Mapped) -> Json:
    project = _project_of(event)
    is_shown = project and mapped.class_uid == ACCESS
    return {"resources": [project | {"type": "Project"}]} if is_shown else {}


def _project_of(event: AuditLog) -> Json:
    return _without_nothing({"uid": event.project.id, "name": event.project.name})


def _particulars(event: AuditLog, mapped: Mapped) -> Json:
    """What the class asks for beside the base."""
    if mapped.class_uid == ENTITY:
        return {"entity": _entity(mapped, target_of(event), event.details.get("name"))}
    if mapped.class_uid == GROUP:
        return _group(event, mapped)
    if mapped.class_uid == AUTHENTICATION:
        return {"user": _actor(event)["user"], "service": {"name": "OpenAI API Platform"}}
    user = {
        "uid": person_of(event) or target_of(event),
        "type_id": _kind(event),
        **_address(_email(event)),
    }
    particulars: Json = {"user": _without_nothing(user)}
    if mapped.class_uid == ACCESS:
        particulars["privileges"] = _privileges(event)
    return particulars


def _group(event: AuditLog, mapped: Mapped) -> Json:
    assignment = event.read(Assignment)
    uid = assignment.principal_id or target_of(event)
    particulars: Json = {"group": {"uid": uid, "name": event.details.get("group_name") or uid}}
    if mapped.activity_id in {1, 2}:
        particulars["privileges"] = _privileges(event)
    return particulars


def _privileges(event: AuditLog) -> list[str]:
    role = role_of(event)
    return [role] if role else list(event.read(Role).permissions or ())


def _kind(event: AuditLog) -> int:
    if "service_account" in event.type or "workload_identity" in event.type:
        return SERVICE
    return ADMIN if role_of(event) == "owner" else USER


def _email(event: AuditLog) -> str | None:
    email = event.details.get("email")
    return email if isinstance(email, str) else None


def _of_certificate(base: Json, mapped: Mapped, certificate: Payload) -> Json:
    uid = certificate.id or certificate.name or "unknown"
    metadata = base["metadata"] | {"uid": f"{base['metadata']['uid']}/{uid}"}
    return base | {"metadata": metadata, "entity": _entity(mapped, uid, certificate.name)}


def _entity(mapped: Mapped, uid: str, name: Any) -> Json:
    type_id = ENTITY_TYPES.get(mapped.entity, OTHER)
    named = name if isinstance(name, str) else None
    return _without_nothing({"uid": uid, "name": named, "type": mapped.entity, "type_id": type_id})


def _without_nothing(json: Json) -> Json:
    return {name: value for name, value in json.items() if value not in (None, {}, "")}
