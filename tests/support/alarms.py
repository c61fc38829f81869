"""The template's alarms, and as much of CloudWatch as tells whether one rings."""

import json
import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tests.support.aws import template
from tests.support.cloudformation import Stack

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
}
STATISTICS: dict[str, Callable[[Sequence[float]], float]] = {
    "Maximum": max,
    "Minimum": min,
    "Sum": sum,
}
WITH_ALL = {"OpenAIAdminKeyParameter": "/batchdrop/openai-admin-key", "Webhook": "on"}


@dataclass(frozen=True)
class Datapoint:
    """What a function or AWS publishes."""

    namespace: str
    metric: str
    value: float
    dimensions: tuple[tuple[str, str], ...] = ()  # name and value, as text
    unit: str = "Count"


def alarms(**parameters: str) -> dict[str, dict[str, Any]]:
    """Each alarm of a stack with these parameters, by its name without the stack's."""
    stack = Stack(template(), parameters={**WITH_ALL, **parameters})
    found = [
        stack.value(each["Properties"])
        for each in stack.resources.values()
        if each["Type"] == "AWS::CloudWatch::Alarm"
    ]
    return {each["AlarmName"].removeprefix(f"{stack.name}-"): each for each in found}


def rings(alarm: dict[str, Any], *periods: Sequence[Datapoint]) -> bool:
    """Whether it does after these periods, the newest last; before them nothing was published."""
    most = int(alarm["EvaluationPeriods"])
    looked_at = [*([()] * most), *periods][-most:]
    breaching = [_is_breaching(alarm, period) for period in looked_at]
    return sum(breaching) >= int(alarm.get("DatapointsToAlarm", most))


def _is_breaching(alarm: dict[str, Any], period: Sequence[Datapoint]) -> bool:
    heard = [each.value for each in period if _is_of(alarm, each)]
    if not heard:
        return bool(alarm["TreatMissingData"] == "breaching")
    found = STATISTICS[alarm["Statistic"]](heard)
    return COMPARISONS[alarm["ComparisonOperator"]](found, float(alarm["Threshold"]))


def _is_of(alarm: dict[str, Any], point: Datapoint) -> bool:
    """CloudWatch takes a metric with other dimensions, or more, for another metric."""
    wanted = {each["Name"]: _text(each["Value"]) for each in alarm.get("Dimensions", [])}
    named = alarm["Namespace"], alarm["MetricName"], alarm.get("Unit", point.unit)
    return named == (point.namespace, point.metric, point.unit) and wanted == dict(point.dimensions)


def of(resource: str, attribute: str = "") -> str:
    """A dimension's value: what the template calls a resource, or one of its attributes."""
    return _text({"Fn::GetAtt": [resource, attribute]} if attribute else {"Ref": resource})


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def published(output: str) -> list[Datapoint]:
    """What CloudWatch makes of a function's output (its embedded metric format)."""
    lines = (line for line in output.splitlines() if line.startswith('{"_aws"'))
    return [point for line in lines for point in _points(json.loads(line))]


def _points(sent: dict[str, Any]) -> Iterator[Datapoint]:
    for group in sent["_aws"]["CloudWatchMetrics"]:
        for names in group["Dimensions"]:
            dimensions = tuple((name, sent[name]) for name in names)
            for metric in group["Metrics"]:
                name, unit = metric["Name"], metric["Unit"]
                for value in sent[name] if isinstance(sent[name], list) else [sent[name]]:
                    yield Datapoint(group["Namespace"], name, value, dimensions, unit)


OF_MANY = ("errors", "time-left", "dead-letters", "oldest-message", "undelivered")
ALONE = {
    "audit-errors": "audit_errors_and_not_run_at_every_pace",
    "webhook-errors": "webhook_errors",
}
ALONE["audit-not-run"] = ALONE["audit-errors"]


def ringing_test(alarm: str) -> str:
    """The test in tests/integration/test_alarms.py that makes it ring."""
    alike = [kind for kind in OF_MANY if alarm.endswith(f"-{kind}")]
    name = ALONE.get(alarm) or (alike[0] if alike and alarm != "event-dead-letters" else alarm)
    return f"test_{name.replace('-', '_')}"
