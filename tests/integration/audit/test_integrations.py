"""Every recipe of docs/integrations.md, run against a real alert."""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from local.paths import ROOT
from tests.support.audit_logs import event
from tests.support.audit_world import NOW, AuditWorld, Event, audit_aws
from tests.support.aws import drain, make_queue, queue_arn
from tests.support.names import AUDIT

PAGE = ROOT / "docs" / "integrations.md"
OFF = event(1, NOW + 70, "scim.disabled", {"id": "org_1"})
OPENED = event(2, NOW + 71, "ip_allowlist.updated", {"id": "list_1", "allowed_ips": ["0.0.0.0/0"]})
LIMIT = event(7, NOW + 71, "rate_limit.deleted", {"id": "rl_1"})
HEARD = {  # of an incident that is high, one that is critical, one that is medium
    "PagerDuty": 1,
    "Slack": 3,
    "Teams": 3,
    "Jira": 2,
    "Splunk": 3,
}


@cache
def recipes() -> dict[str, Any]:
    """The rules of the page, by its headings."""
    found = re.finditer(r"^### (\w+)\n.*?```json\n(.*?)```", PAGE.read_text(), re.M | re.S)
    return {match[1]: json.loads(match[2]) for match in found}


def policies() -> list[Any]:
    blocks = (json.loads(each) for each in re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.S))
    return [each["FilterPolicy"] for each in blocks if "FilterPolicy" in each]


@pytest.fixture
def world() -> Iterator[AuditWorld]:
    with audit_aws():
        made = AuditWorld()
        made.tick()
        yield made


def ruled(world: AuditWorld, name: str, recipe: Any) -> str:
    """A queue that gets what the rule would send."""
    events, url = world.session.client("events"), make_queue(world.session, name)
    pattern = json.dumps(recipe["EventPattern"])
    events.put_rule(Name=name, EventBusName="bus", EventPattern=pattern)
    transformer = recipe["InputTransformer"]
    paths = {  # to moto's JSONPath `where` is an operator
        name: path.replace(".where", ".'where'")
        for name, path in transformer["InputPathsMap"].items()
    }
    target: Any = {
        "Id": "1",
        "Arn": queue_arn(world.session, url),
        "InputTransformer": transformer | {"InputPathsMap": paths},
    }
    events.put_targets(Rule=name, EventBusName="bus", Targets=[target])
    return url


def happens(world: AuditWorld) -> None:
    world.add([OFF, OPENED, LIMIT])
    world.tick()


def test_the_page_has_each_recipe_once() -> None:
    assert recipes().keys() == HEARD.keys()


@pytest.mark.parametrize("name", HEARD)
def test_a_rule_sends_what_its_tool_takes(world: AuditWorld, name: str) -> None:
    url = ruled(world, name, recipes()[name])
    happens(world)

    bodies = [json.loads(each) for each in drain(world.session, url)]

    assert len(bodies) == HEARD[name]
    assert all(_says_something(body) for body in bodies)


def _says_something(body: Any) -> bool:
    """No placeholder is left, and no text is empty."""
    match body:
        case dict():
            return all(map(_says_something, body.values()))
        case list():
            return all(map(_says_something, body))
        case str():
            return not re.search(r"<[a-z]+>", body)
    return True


def test_what_pagerduty_and_jira_are_sent(world: AuditWorld) -> None:
    pager, jira = (ruled(world, name, recipes()[name]) for name in ("PagerDuty", "Jira"))
    happens(world)

    (page,) = (json.loads(each) for each in drain(world.session, pager))
    issues = [json.loads(each)["fields"] for each in drain(world.session, jira)]

    assert page["payload"]["summary"].startswith("IP allow-list list_1 opened")
    assert page["payload"]["severity"] == "critical"
    assert [page["dedup_key"]] in [each["labels"] for each in issues]
    assert all("s3://test-audit/events/" in each["description"] for each in issues)


@pytest.mark.parametrize(
    ("number", "heard"), [(0, ["D2", "D3"]), (1, ["D2", "D3", "S2"])], ids=["high", "not O"]
)
def test_a_filter_policy_lets_through_what_it_says(
    world: AuditWorld, number: int, heard: list[str]
) -> None:
    url = make_queue(world.session, "chosen")
    world.session.client("sns").subscribe(
        TopicArn=world.function_settings.topic_arn,
        Protocol="sqs",
        Endpoint=queue_arn(world.session, url),
        Attributes={"FilterPolicy": json.dumps(policies()[number])},
    )
    world.small.misbehave("unauthorized", times=1)
    with pytest.raises(ExceptionGroup):
        world.tick()
    happens(world)

    subjects = [json.loads(each)["Subject"] for each in drain(world.session, url)]
    assert sorted(each.split()[3] for each in subjects if " O1 " not in each) == heard
    assert [each for each in subjects if " O1 " in each] == [] or number == 0


def test_the_reader_of_s3_gives_every_alert(
    world: AuditWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    happens(world)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
    space: dict[str, Any] = {}

    exec(code, space)  # the page's own words
    found: list[Event] = list(space["alerts"](AUDIT, "2026-11-01"))

    assert {each["detection"] for each in found} >= {"D2", "D3", "S2"}
    assert {each["id"] for each in found} == {each["id"] for each in world.alerts()}
