"""Two consumers that know events/schemas and nothing else of ours."""

import json
from typing import Any

import jsonschema_rs
import pytest
from moto import mock_aws

from local.build.update_reference import DETAILS
from local.openai import SmallSettings
from local.paths import ROOT
from tests.support.audit_logs import event
from tests.support.audit_world import NOW, AuditWorld, audit_aws
from tests.support.batch_files import chats
from tests.support.names import AUDIT
from tests.support.published_events import SCHEMAS, file_of, watched
from tests.support.world import World

EXAMPLES = ROOT / "events" / "examples"
Event = tuple[str, dict[str, Any]]


class Consumer:
    """Keeps what comes; a field that its schema does not name can't be read."""

    def __init__(self) -> None:
        self.heard: list[Event] = []

    def __call__(self, kind: str, detail: dict[str, Any]) -> None:
        self.heard.append((kind, detail))

    def about(self, field: str, value: str) -> list[Event]:
        return [each for each in self.heard if self.read(each, field) == value]

    def read(self, event: Event, field: str) -> Any:
        kind, detail = event
        schema = json.loads((SCHEMAS / file_of(kind)).read_text())
        known = json.dumps(schema["properties"]["detail"]) + json.dumps(schema.get("$defs", {}))
        return detail.get(field) if f'"{field}"' in known else None


def test_a_job_is_followed_from_its_drop_to_its_results() -> None:
    consumer = Consumer()
    with mock_aws(), watched(consumer):
        world = World(openai_settings=SmallSettings(working=1))
        dropped = world.drop("a.jsonl", chats(3))
        world.run_until_over(dropped)

        (accepted,) = [each for each in consumer.heard if each[0] == "Job Accepted"]
        assert consumer.read(accepted, "key") == "inbox/a.jsonl"
        job = consumer.read(accepted, "job")
        *_, last = consumer.about("job", job)
        assert last[0] == "Job Completed"
        results = world.read(consumer.read(last, "results")).splitlines()
        report = json.loads(world.read(consumer.read(last, "report")))

    assert len(results) == consumer.read(last, "succeeded") == 3
    schema = json.loads((SCHEMAS / "job_report.json").read_text())
    assert list(jsonschema_rs.validator_for(schema).iter_errors(report)) == []
    assert report["requests"]["succeeded"] == 3


def test_an_alert_is_followed_to_the_event_that_raised_it_and_to_the_end_of_its_incident() -> None:
    consumer = Consumer()
    with audit_aws(), watched(consumer):
        world = AuditWorld({})
        world.tick()
        world.add([event(1, NOW + 70, "scim.disabled", {"id": "org_1"})])
        world.tick(90)
        world.add([event(8, NOW + 120, "scim.disabled", {"id": "org_2"})])
        world.add([event(15, NOW + 130, "api_key.created", {"id": "key_1", "data": {}})])
        world.tick(90)
        for _ in range(4):
            world.tick(3_600)

        raised = [each for each in consumer.heard if each[0] == "Alert Raised"]
        alert = consumer.read(raised[0], "alert")
        where = consumer.read(raised[0], "completed_by")
        key = where["object"].removeprefix(f"s3://{AUDIT}/")
        lines = world.s3.get_object(Bucket=AUDIT, Key=key)["Body"].read()

    assert alert["event_id"] in lines.decode(errors="replace") or lines[:2] == b"\x1f\x8b"
    assert alert["event_id"] in where["event"]
    closed = [each for each in consumer.heard if each[0] == "Incident Closed"]
    incident = consumer.read(raised[0], "incident")["id"]
    assert [consumer.read(each, "incident")["id"] for each in closed] == [incident]


@pytest.mark.parametrize("kind", DETAILS)
def test_every_type_of_event_has_an_example_that_is_as_its_schema_says(kind: str) -> None:
    schema = json.loads((SCHEMAS / file_of(kind)).read_text())
    example = json.loads((EXAMPLES / file_of(kind)).read_text())

    assert list(jsonschema_rs.validator_for(schema).iter_errors(example)) == []
    assert example["detail-type"] == kind
