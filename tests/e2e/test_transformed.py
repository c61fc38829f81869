"""The template as AWS gets it: names that are the stack's own, and no loose end with any switch."""

import subprocess
import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from local.build.transformed import transformed
from local.ops.stack_names import LONGEST, problems
from local.paths import ROOT
from tests.support.cloudformation import Stack

pytestmark = pytest.mark.e2e
# Physical names, by the property that gives them, and how long AWS lets them be.
NAMED = {
    "AlarmName": 255,
    "BucketName": 63,
    "DashboardName": 255,
    "LogGroupName": 512,
    "Name": 64,  # of schedules and rules; others may be longer
    "QueueName": 80,
}
OF_A_WORK_GROUP = {"AWS::Athena::NamedQuery"}  # several may have one name
# What is switched on or off, and by which value.
SWITCHES = {
    "AccessLogBucket": "logs",
    "Alarms": "off",
    "Athena": "on",
    "AuditLockDays": "400",
    "Dashboard": "off",
    "EncryptionKeyArn": "arn:aws:kms:eu-central-1:123456789012:key/k",
    "ExtraHeaders": "/headers",
    "KeyParameterKmsKeyArn": "arn:aws:kms:eu-central-1:123456789012:key/p",
    "OnCallEmail": "on-call@example.com",
    "OpenAIAdminKeyParameter": "/admin",
    "OpenAIAdminKeySecretArn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:a",
    "OpenAIKeySecretArn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:k",
    "Tracing": "on",
    "PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/boundary",
}
ALL_ON = {
    "OpenAIAdminKeyParameter": "/admin",
    "Athena": "on",
    "OnCallEmail": "on-call@example.com",
}


@pytest.fixture(scope="module")
def template() -> Any:
    return transformed()


def names(stack: Stack) -> Iterator[tuple[str, str, str]]:
    """Kind, property and physical name of whatever has one."""
    for each in stack.resources.values():
        if each["Type"] in OF_A_WORK_GROUP:
            continue
        properties = each.get("Properties", {})
        found = properties | properties.get("DatabaseInput", {})
        for name in NAMED.keys() & found.keys():
            yield each["Type"], name, str(stack.value(found[name]))


@pytest.mark.parametrize(
    ("one", "other"), [("batchdrop", "team-b"), ("prod", "prod-audit"), ("a", "a" * LONGEST)]
)
def test_two_stacks_share_no_name(template: Any, one: str, other: str) -> None:
    first, second = (set(names(Stack(template, each, parameters=ALL_ON))) for each in (one, other))

    assert len(first) > 40
    assert first & second == set()


def test_schedules_are_named_by_their_stack(template: Any) -> None:
    found = {
        name
        for kind, _, name in names(Stack(template, "team-b", parameters=ALL_ON))
        if kind == "AWS::Scheduler::Schedule"
    }

    assert found == {"team-b-audit", "team-b-poll", "team-b-sweep"}


@pytest.mark.parametrize("region", ["ap-southeast-7", "us-gov-west-1", "eusc-de-east-1"])
def test_the_longest_name_that_is_let_through_fits_everywhere(template: Any, region: str) -> None:
    name = "a" * LONGEST
    assert problems(name, region) == []

    for kind, named, found in names(Stack(template, name, region, ALL_ON)):
        assert len(found) <= NAMED[named], (kind, found)
        assert found == found.lower() or named != "BucketName"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a" * (LONGEST + 1), "is longer than"),
        ("Batchdrop", "capital letters"),
        ("batch_drop", "letters, digits and hyphens"),
        ("9lives", "begins with a letter"),
        ("batchdrop-", "ends with a hyphen"),
        ("", "is empty"),
        ("xn--batchdrop", "as S3 lets no bucket begin"),
    ],
)
def test_a_name_that_some_service_refuses_is_told_before_anything_is_deployed(
    name: str, said: str
) -> None:
    (problem, *_) = problems(name, "eu-central-1")

    assert said in problem


@pytest.mark.parametrize("switched", [(), *combinations(SWITCHES, 1), *combinations(SWITCHES, 2)])
def test_with_any_two_switches_nothing_is_named_that_is_not_there(
    template: Any, switched: tuple[str, ...]
) -> None:
    stack = Stack(template, parameters={name: SWITCHES[name] for name in switched})

    known = stack.resources.keys() | {"AWS::NoValue"}
    loose = {(name, other) for name, other in stack.references() if other not in known}
    assert loose == set()


@pytest.mark.parametrize("name", SWITCHES)
def test_a_switch_changes_something(template: Any, name: str) -> None:
    with_audit = {"OpenAIAdminKeyParameter": "/admin"}
    before = Stack(template, parameters=with_audit if name != "OpenAIAdminKeyParameter" else {})
    after = Stack(template, parameters={**before.parameters, name: SWITCHES[name]})

    was, is_ = ({n: s.value(r) for n, r in s.resources.items()} for s in (before, after))
    assert was != is_


def test_every_role_has_the_boundary_that_is_asked_for(template: Any) -> None:
    parameters = ALL_ON | {"PermissionsBoundaryArn": SWITCHES["PermissionsBoundaryArn"]}
    stack = Stack(template, parameters=parameters)
    roles = [each for each in stack.resources.values() if each["Type"] == "AWS::IAM::Role"]

    bounds = {stack.value(each["Properties"])["PermissionsBoundary"] for each in roles}
    assert len(roles) == 9
    assert bounds == {SWITCHES["PermissionsBoundaryArn"]}
    without = Stack(template, parameters=ALL_ON)
    assert not any("PermissionsBoundary" in without.value(each["Properties"]) for each in roles)


@pytest.mark.parametrize("region", ["eu-central-1", "cn-north-1", "us-gov-west-1", "mx-central-1"])
def test_cfn_lint_finds_nothing_in_any_partition(region: str) -> None:
    lint = Path(sys.executable).with_name("cfn-lint")
    command = [str(lint), "template.yaml", "--regions", region]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert (run.returncode, run.stdout) == (0, "")
