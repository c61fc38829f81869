"""Every output, over every known type and every case of the detections, is valid OCSF 1.8."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from ocsf_json_schema import (  # type: ignore[import-untyped]
    OcsfJsonSchemaEmbedded,
    get_ocsf_schema,
)

from shared.audit.config import Config
from shared.audit.event_types import KNOWN
from shared.audit.ocsf import VERSION, as_finding, as_ocsf
from shared.audit.replay import replay
from tests.unit.audit.cases import access, defence, keys, operations, privilege, sharing
from tests.unit.audit.cases.case import Case
from tests.unit.audit.timelines import BERLIN, LAPTOP, START, at, key, read, session

ACTORS = [
    session(place=BERLIN, ja4=LAPTOP),
    session("", ""),
    session("ü b", "somewhere", {"country": "DE", "asn": "AS", "latitude": "x"}),
    key(),
    key("key_1", user="owner"),
    {},
]
PAYLOADS: list[dict[str, Any]] = [
    {},
    {"id": "x"},
    {"id": "x", "data": {"email": "a@example.com", "role": "owner", "scopes": ["api.all"]}},
    {"id": "x", "changes_requested": {"role": "reader", "title": "b"}, "name": None},
    {"id": "x", "principal_id": "group_1", "principal_type": "group", "group_name": "Ops"},
    {"certificates": [{"id": "cert_1", "name": "one"}, {"id": "cert_2"}]},
]
PROJECTS: list[dict[str, Any]] = [{}, {"project": {"id": "proj_1"}}, {"project": {"name": "One"}}]
CASES = [
    each for part in (access, defence, keys, operations, privilege, sharing) for each in part.FIRES
]


@cache
def schemas() -> OcsfJsonSchemaEmbedded:
    return OcsfJsonSchemaEmbedded(get_ocsf_schema(version=VERSION))


@cache
def validator(class_uid: int) -> Draft202012Validator:
    name = schemas().lookup_class_name_from_uid(class_uid)
    return Draft202012Validator(schemas().get_class_schema(name, []))


def mistakes(output: dict[str, Any]) -> Iterator[str]:
    for each in validator(output["class_uid"]).iter_errors(output):
        yield f"{'/'.join(map(str, each.path))}: {each.message[:200]}"


@pytest.mark.parametrize("type_", [*sorted(KNOWN), "nobody.knows.this"])
def test_an_event_of_every_type_is_valid(type_: str) -> None:
    found = [
        output
        for by in ACTORS
        for payload in PAYLOADS
        for project in PROJECTS
        for event in read([at(0, type_, payload, by, **project)])
        for output in as_ocsf(event, START + 5)
    ]

    assert len(found) >= len(ACTORS) * len(PAYLOADS) * len(PROJECTS)
    assert [mistake for output in found for mistake in mistakes(output)] == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_a_detection_finding_is_valid(case: Case) -> None:
    alerts = replay(read(case.events), Config.model_validate(case.settings))

    assert alerts
    assert [
        mistake
        for alert in alerts
        for mistake in mistakes(as_finding(alert, Config().about(alert.detection)))
    ] == []


def test_what_is_not_valid_is_noticed() -> None:
    (output,) = as_ocsf(read([at(0, "project.created", {"id": "x"})])[0], START)

    assert list(mistakes(output | {"severity_id": "low"}))
    assert list(mistakes(output | {"nobody": 1}))
    assert list(mistakes({name: each for name, each in output.items() if name != "entity"}))
