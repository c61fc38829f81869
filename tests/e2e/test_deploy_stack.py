"""What `make deploy` keeps and protects, and what `adopt` finds of a stack that was deleted."""

import json
import subprocess
from collections.abc import Iterator

import boto3
import pytest

from local.ops.deploy_stack import KEPT, POLICY, overrides, parameters_of, protect
from local.ops.import_resources import newest_deleted
from local.world.packages import SAM
from local.world.servers import start_aws
from local.world.workspace import clear
from tests.support.aws import template
from tests.support.sessions import session_at

pytestmark = pytest.mark.e2e
ASKED = ("OpenAIAdminKeyParameter", "Prices", "AuditEveryMinutes")
SMALL = {
    "AWSTemplateFormatVersion": "2010-09-09",
    "Parameters": {name: {"Type": "String", "Default": "?"} for name in (*ASKED, "GoneSince")},
    "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
}
ODD = {
    "Prices": 'openai,{"gpt-x": [1.5, 2]}',
    "OpenAIAdminKeyParameter": '/a key\'s "place"',
    "AuditEveryMinutes": "",
}


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[boto3.Session]:
    """Of a local AWS without any stack."""
    home = tmp_path_factory.mktemp("deploy")
    try:
        yield session_at(start_aws(home, 0, real=False))
    finally:
        clear(home)


def create(session: boto3.Session, name: str, **parameters: str) -> None:
    session.client("cloudformation").create_stack(
        StackName=name,
        TemplateBody=json.dumps(SMALL),
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
    )
    session.client("cloudformation").get_waiter("stack_create_complete").wait(
        StackName=name, WaiterConfig={"Delay": 1}
    )


def test_a_stack_keeps_its_parameters_whoever_deploys_next(session: boto3.Session) -> None:
    create(session, "team-a", Prices="openai", GoneSince="an older template")
    create(session, "team-b", Prices="none")

    assert parameters_of(session, "team-a")["Prices"] == "openai"
    assert "GoneSince" not in parameters_of(session, "team-a")
    assert parameters_of(session, "team-c") == {}


def test_a_stack_that_was_deleted_is_known_by_its_parameters(session: boto3.Session) -> None:
    cloudformation = session.client("cloudformation")
    for name, prices in (("gone", "the first"), ("gone", "the last"), ("other", "another's")):
        create(session, name, Prices=prices)
        cloudformation.delete_stack(StackName=name)
        cloudformation.get_waiter("stack_delete_complete").wait(
            StackName=name, WaiterConfig={"Delay": 1}
        )

    last = newest_deleted(session, "gone")
    assert last
    assert parameters_of(session, last)["Prices"] == "the last"
    assert newest_deleted(session, "never") is None


def test_nobody_deletes_or_replaces_by_a_slip(session: boto3.Session) -> None:
    create(session, "team-d")
    protect(session, "team-d")

    cloudformation = session.client("cloudformation")
    (stack,) = cloudformation.describe_stacks(StackName="team-d")["Stacks"]
    policy = cloudformation.get_stack_policy(StackName="team-d")["StackPolicyBody"]
    assert stack["EnableTerminationProtection"]
    assert json.loads(policy) == POLICY


def test_the_policy_is_about_whatever_holds_something() -> None:
    kinds = {each["Type"] for each in template()["Resources"].values()}
    retained = {
        each["Type"]
        for each in template()["Resources"].values()
        if each.get("DeletionPolicy", "Delete") != "Delete"
    }

    assert retained < set(KEPT) <= kinds
    allow, deny = POLICY["Statement"]
    assert (allow["Effect"], allow["Action"]) == ("Allow", "Update:*")
    assert (deny["Effect"], deny["Action"]) == ("Deny", ["Update:Delete", "Update:Replace"])


def test_sam_reads_each_value_as_it_was() -> None:
    """By its own parser, in its own environment."""
    code = (
        "import json, sys; from samcli.cli.types import CfnParameterOverridesType as T; "
        "print(json.dumps(T().convert(tuple(sys.argv[1:]), None, None)))"
    )
    given = overrides(ODD)
    assert given[0] == "--parameter-overrides"
    python = SAM.with_name("python")

    read = subprocess.run([python, "-c", code, *given[1:]], capture_output=True, check=True)

    assert json.loads(read.stdout) == ODD
