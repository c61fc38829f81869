"""Every known type as OCSF 1.8: the class asked for, and what the class requires."""

from typing import Any

import pytest

from shared.audit.config import Config
from shared.audit.event_types import KNOWN
from shared.audit.ocsf import as_finding, as_ocsf
from shared.audit.ocsf_map import CLASSES, MAP
from shared.audit.replay import replay
from tests.unit.audit.timelines import BERLIN, LAPTOP, START, at, key, read, session

REQUIRED = {
    "Account Change": {"user"},
    "Authentication": {"user"},
    "Entity Management": {"entity"},
    "User Access Management": {"user", "privileges"},
    "Group Management": {"group"},
}
BASE = {
    "activity_id",
    "category_uid",
    "class_uid",
    "metadata",
    "severity_id",
    "time",
    "type_uid",
    "actor",
    "status_id",
    "raw_data",
}


def one(type_: str, payload: Any = None, by: Any = None, **more: Any) -> dict[str, Any]:
    (found,) = as_ocsf(read([at(0, type_, payload, by, **more)])[0], START + 5)
    return found


def test_every_known_type_is_mapped_and_no_other() -> None:
    assert MAP.keys() == KNOWN


@pytest.mark.parametrize("type_", sorted(KNOWN))
def test_an_event_of_every_type_has_what_its_class_requires(type_: str) -> None:
    found = one(type_, {"id": "x"})

    assert found.keys() >= BASE | REQUIRED[CLASSES[found["class_uid"]]]
    assert found["type_uid"] == found["class_uid"] * 100 + found["activity_id"]
    assert found["activity_name"]


def test_who_when_and_from_where() -> None:
    found = one(
        "project.created", {"id": "p"}, session(place=BERLIN, ja4=LAPTOP), project={"id": "q"}
    )

    assert found["time"] == START * 1000
    assert found["metadata"]["logged_time"] == (START + 5) * 1000
    assert found["metadata"]["event_code"] == "project.created"
    assert found["actor"]["user"]["email_addr"] == "owner@example.com"
    assert found["src_endpoint"] == {
        "ip": "203.0.113.5",
        "location": {
            "country": "DE",
            "city": "Berlin",
            "lat": 52.5,
            "long": 13.4,
        },
        "autonomous_system": {"number": 3320},
    }
    assert found["http_request"] == {"user_agent": "Mozilla/5.0"}
    assert found["unmapped"] == {"ja4": LAPTOP, "project": {"uid": "q"}}


def test_an_event_by_api_key_has_no_address() -> None:
    found = one("project.created", {"id": "p"}, key())

    assert found["actor"]["user"] == {"uid": "sa_ci", "credential_uid": "key_ci", "type_id": 4}
    assert "src_endpoint" not in found


def test_a_failed_login_says_why() -> None:
    found = one("login.failed", {"error_code": "bad", "error_message": "wrong password"})

    assert (found["class_uid"], found["activity_id"], found["status_id"]) == (3002, 1, 2)
    assert (found["status_code"], found["status_detail"]) == ("bad", "wrong password")


def test_an_allow_list_is_a_network_zone() -> None:
    found = one("ip_allowlist.updated", {"id": "list_1", "name": "VPN"})

    assert found["entity"] == {
        "uid": "list_1",
        "name": "VPN",
        "type": "Network Zone",
        "type_id": 7,
    }


@pytest.mark.parametrize(
    ("principal", "class_uid", "named"), [("user", 3005, "user"), ("group", 3006, "group")]
)
def test_a_role_is_given_to_a_person_or_a_group(principal: str, class_uid: int, named: str) -> None:
    payload = {
        "id": "role_assignment_role-owner__x",
        "principal_type": principal,
        "principal_id": "them",
    }

    found = one("role.assignment.created", payload)

    assert (found["class_uid"], found["activity_id"]) == (class_uid, 1)
    assert found["privileges"] == ["role-owner"]
    assert found[named]["uid"] == "them"


def test_owners_are_administrators_and_service_accounts_are_services() -> None:
    assert one("user.added", {"id": "u", "data": {"role": "owner"}})["user"]["type_id"] == 2
    assert one("service_account.created", {"id": "s"})["user"]["type_id"] == 4


def test_certificates_are_one_event_each() -> None:
    payload = {"certificates": [{"id": "c1", "name": "old"}, {"name": "new"}, {}]}
    event = read([at(0, "certificates.deactivated", payload)])[0]

    found = as_ocsf(event, START)

    assert [each["entity"]["uid"] for each in found] == ["c1", "new", "unknown"]
    assert len({each["metadata"]["uid"] for each in found}) == 3


def test_an_unknown_type_is_an_entity_of_its_own() -> None:
    found = one("moon.base.opened", {"id": "m"})

    assert (found["class_uid"], found["activity_id"]) == (3004, 99)
    assert found["entity"] == {"uid": "m", "type": "moon.base", "type_id": 99}


def test_an_alert_is_a_detection_finding() -> None:
    (alert,) = replay(read([at(0, "ip_allowlist.deleted", {"id": "list_1"})]), Config())

    found = as_finding(alert, Config().about(alert.detection))

    assert (found["class_uid"], found["type_uid"], found["severity_id"]) == (2004, 200401, 5)
    assert found["finding_info"]["uid"] == alert.id
    assert found["finding_info"]["related_events"] == [{"uid": alert.event_ids[0]}]
    assert found["remediation"]["desc"]
