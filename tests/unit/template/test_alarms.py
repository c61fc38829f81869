"""Each way to go wrong rings, each alarm says what to do, and none waits for what nobody sends."""

import ast
import json
import re
from functools import cache
from typing import Any

import pytest

from local.paths import ROOT
from shared.jobs.model import JobState
from shared.telemetry import ACTIONS_REQUIRED, AWS_THROTTLES, metric_name
from tests.support.aws import template
from tests.support.rights import functions
from tests.tools.update_alarms import filled

PUBLISHED = {
    "AWS/Lambda": {"Duration", "Errors", "Invocations", "Throttles"},
    "AWS/SNS": {"NumberOfNotificationsFailed"},
    "AWS/SQS": {"ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"},
}
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()


def of_type(kind: str) -> dict[str, Any]:
    found = template()["Resources"].items()
    return {name: each for name, each in found if each["Type"] == kind}


ALARMS = {
    each["Properties"]["AlarmName"]["Fn::Sub"].removeprefix("${AWS::StackName}-"): each
    for each in of_type("AWS::CloudWatch::Alarm").values()
}


@cache
def words(folder: str = "functions") -> set[str]:
    """Every text that stands in a function's code."""
    trees = [ast.parse(path.read_text()) for path in (ROOT / folder).rglob("*.py")]
    constants = [n for tree in trees for n in ast.walk(tree) if isinstance(n, ast.Constant)]
    return {each.value for each in constants if isinstance(each.value, str)}


@cache
def emitted() -> set[str]:
    """Metrics of ours: by name, or made from what became of a job or part."""
    states = {metric_name(room, state) for room in ("Jobs", "Land") for state in JobState}
    submitted = {metric_name("Submit", word) for word in words("functions/submit")}
    called = {metric_name("Webhook", word) for word in words("functions/webhook")}
    looked = {metric_name("Looks", word) for word in words("functions/land") | set(JobState)}
    return words() | states | submitted | called | looked | {ACTIONS_REQUIRED, AWS_THROTTLES}


def is_told_of(namespace: str, metric: str) -> bool:
    known = PUBLISHED.get(namespace, set())
    return metric in (emitted() if namespace == "Batchdrop" else known)


def test_every_alarm_has_its_runbook_and_every_runbook_its_alarm() -> None:
    chapter = OPERATIONS.split("\n## When an alarm fires\n")[1].split("\n## ")[0]
    headings = re.findall(r"(?m)^### (.+)$", chapter)

    named = [name for heading in headings for name in heading.split(", ")]
    assert sorted(named) == sorted(ALARMS)


@pytest.mark.parametrize("alarm", ALARMS)
def test_an_alarm_says_in_a_sentence_what_to_do_and_where_it_is_written(alarm: str) -> None:
    said = ALARMS[alarm]["Properties"]["AlarmDescription"]

    assert re.search(rf"docs/operations\.md (says )?under {alarm}\b", said)
    assert re.fullmatch(r"[A-Z][^\n]{20,300}\.", said)
    assert not re.search(r"\. [A-Z]", said)


@pytest.mark.parametrize("alarm", ALARMS)
def test_an_alarm_hears_a_metric_that_somebody_sends(alarm: str) -> None:
    properties = ALARMS[alarm]["Properties"]

    assert is_told_of(properties["Namespace"], properties["MetricName"])
    ours = [{"Name": "service", "Value": {"Ref": "AWS::StackName"}}]
    assert (properties["Namespace"] != "Batchdrop") or properties["Dimensions"] == ours


@pytest.mark.parametrize("alarm", ALARMS)
def test_an_alarm_rings_where_cloudwatch_may_publish(alarm: str) -> None:
    topic = {"Ref": "AlarmTopic"}

    assert ALARMS[alarm]["Properties"]["AlarmActions"] == [topic]
    assert ALARMS[alarm]["Condition"] in {"AlarmsAreOn", "AuditAlarmsAreOn", "WebhookAlarmsAreOn"}
    key = template()["Resources"]["AlarmTopic"]["Properties"]["KmsMasterKeyId"]
    assert key["Fn::If"][1:] == [{"Ref": "EncryptionKeyArn"}, {"Ref": "AWS::NoValue"}]


@pytest.mark.parametrize("function", functions())
def test_a_function_that_fails_or_runs_late_rings(function: str) -> None:
    assert {f"{function}-errors", f"{function}-time-left"} <= set(ALARMS)


@pytest.mark.parametrize("queue", of_type("AWS::SQS::Queue"))
def test_a_queue_that_is_stuck_rings(queue: str) -> None:
    watched = {str(each["Properties"].get("Dimensions")) for each in ALARMS.values()}

    assert any(f"'{queue}', 'QueueName'" in each for each in watched)


@pytest.mark.parametrize(
    "function",
    [
        d
        for d, p in functions().items()
        if any("Sched" in e["Type"] for e in p.get("Events", {}).values())
    ],
)
def test_a_clock_that_stands_still_rings(function: str) -> None:
    assert ALARMS[f"{function}-not-run"]["Properties"]["TreatMissingData"] == "breaching"


@pytest.mark.parametrize("topic", ["AlertTopic", "Topic"])
def test_a_topic_that_reaches_nobody_rings(topic: str) -> None:
    watched = {str(each["Properties"].get("Dimensions")) for each in ALARMS.values()}

    assert any(f"'{topic}', 'TopicName'" in each for each in watched)


def test_the_table_of_alarms_is_up_to_date() -> None:
    assert filled(OPERATIONS) == OPERATIONS, "renew it: python -m tests.tools.update_alarms"


def test_the_dashboard_shows_metrics_that_somebody_sends() -> None:
    (overview,) = of_type("AWS::CloudWatch::Dashboard").values()
    text = re.sub(r"\$\{[\w.:]+\}", "name", overview["Properties"]["DashboardBody"]["Fn::Sub"][0])
    shown = [w["properties"] for w in json.loads(text)["widgets"] if w["type"] == "metric"]

    unheard = [m[:2] for each in shown for m in each["metrics"] if not is_told_of(m[0], m[1])]
    assert len(shown) > 8
    assert unheard == []
