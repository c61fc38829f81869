"""`batchdrop doctor` on the laptop's AWS: all is well, then one fault after another is planted."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from local.ops.deploy_stack import protect
from local.ops.doctor.command import diagnose
from local.ops.doctor.finding import Finding
from local.ops.doctor.stack import Standing, check_customer_keys
from local.paths import ROOT
from local.world.stack import ADMIN_KEY_PARAMETER, KEY_PARAMETER, World, aws_environment, make_world
from local.world.up_down import standing_options
from local.world.workspace import clear
from tests.support.sessions import session_at

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("doctor")]
EVERYBODY = {"AWS": "*"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Deployed and protected as `make deploy` does, with a customer's key and all topics heard."""
    home = tmp_path_factory.mktemp("doctor")
    try:
        yield make_world(home, standing_options(real=False, port=0), lambda _: None)
    finally:
        clear(home)


@pytest.fixture(scope="module")
def session(world: World) -> boto3.Session:
    session = session_at(world.endpoint)
    protect(session, world.stack)
    standing = Standing.described(session, world.stack)
    assert standing
    for topic in standing.of_type("AWS::SNS::Topic").values():
        queue = session.client("sqs").create_queue(QueueName="listener")["QueueUrl"]
        arn = "arn:aws:sqs:us-east-1:000000000000:listener"
        assert queue
        session.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return session


@pytest.fixture
def ask(session: boto3.Session, world: World) -> Callable[..., list[Finding]]:
    def ask(stack: str = "", off: timedelta = timedelta()) -> list[Finding]:
        return list(diagnose(session, stack or world.stack, datetime.now(UTC) + off))

    return ask


@pytest.fixture
def standing(session: boto3.Session, world: World) -> Standing:
    found = Standing.described(session, world.stack)
    assert found
    return found


def wrong(findings: list[Finding]) -> list[Finding]:
    return [each for each in findings if each.level != "ok"]


def only(findings: list[Finding]) -> Finding:
    (found,) = wrong(findings)
    assert found.remedy
    assert "\n" not in str(found)
    return found


def test_all_is_well(ask: Any) -> None:
    findings = ask()

    assert wrong(findings) == []
    assert {each.about for each in findings} >= {
        "admin key",
        "alarms",
        "clock",
        "concurrency",
        "credentials",
        "dead letters",
        "OpenAI key",
        "schedules",
        "stack",
        "stack name",
        "subscription",
    }


def test_a_name_that_s3_refuses(ask: Any) -> None:
    found = next(each for each in wrong(ask("Batchdrop")) if each.about == "stack name")

    assert "capital letters" in found.text


def test_a_stack_that_is_not_there_yet(ask: Any) -> None:
    *_, found = ask("team-c")

    assert (found.level, found.remedy) == ("warning", "make deploy STACK=team-c")


def test_a_clock_that_is_off(ask: Any) -> None:
    assert only(ask(off=timedelta(minutes=3))).about == "clock"


def test_an_account_with_the_room_of_a_new_one(ask: Any, world: World, standing: Standing) -> None:
    """Ten at once; here because a function has reserved the rest."""
    lambda_ = world.client("lambda")
    function = standing.of_type("AWS::Lambda::Function")["LandFunction"]
    limit = lambda_.get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    lambda_.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=limit - 10)
    try:
        found = only(ask())
    finally:
        lambda_.delete_function_concurrency(FunctionName=function)

    assert found.text.startswith("the account runs 10 functions at once, and 32 are wanted (")
    assert "--quota-code L-B99A9384" in found.remedy
    assert "lower MaximumConcurrency" in found.remedy


def test_a_key_that_is_not_there(ask: Any, world: World) -> None:
    key = stored(world, KEY_PARAMETER)
    world.client("ssm").delete_parameter(Name=KEY_PARAMETER)
    try:
        found = only(ask())
    finally:
        store(world, KEY_PARAMETER, key)

    assert (found.about, found.text) == ("OpenAI key", f"{KEY_PARAMETER} is not there")
    assert found.remedy.startswith("aws ssm put-parameter")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("no-key-of-openai", "refuses the one"),
        ("sk-copied-with-a-line\n", "blanks or a line's end"),
    ],
)
def test_a_key_that_openai_refuses(ask: Any, world: World, value: str, said: str) -> None:
    key = stored(world, KEY_PARAMETER)
    store(world, KEY_PARAMETER, value)
    try:
        found = only(ask())
    finally:
        store(world, KEY_PARAMETER, key)

    assert said in found.text
    assert value.strip() not in str(found)


def test_an_admin_key_without_its_scope(ask: Any, world: World) -> None:
    key = stored(world, ADMIN_KEY_PARAMETER)
    store(world, ADMIN_KEY_PARAMETER, stored(world, KEY_PARAMETER))
    try:
        found = only(ask())
    finally:
        store(world, ADMIN_KEY_PARAMETER, key)

    assert found.about == "admin key"
    assert found.level == "problem"


def test_a_schedule_that_is_switched_off(ask: Any, world: World) -> None:
    scheduler = world.client("scheduler")
    name = f"{world.stack}-poll"
    before = scheduler.get_schedule(Name=name)
    kept = ("FlexibleTimeWindow", "Name", "ScheduleExpression", "Target")
    same = {each: before[each] for each in kept}
    scheduler.update_schedule(**same, State="DISABLED")
    try:
        found = only(ask())
    finally:
        scheduler.update_schedule(**same, State="ENABLED")

    assert found.text == f"{name} is disabled, so its function never runs"


def test_a_queue_that_nobody_reads(ask: Any, world: World, standing: Standing) -> None:
    uuid = next(iter(standing.of_type("AWS::Lambda::EventSourceMapping").values()))
    lambda_ = world.client("lambda")
    lambda_.update_event_source_mapping(UUID=uuid, Enabled=False)
    try:
        found = only(ask())
    finally:
        lambda_.update_event_source_mapping(UUID=uuid, Enabled=True)

    assert found.remedy == f"aws lambda update-event-source-mapping --enabled --uuid {uuid}"


@pytest.mark.parametrize(
    ("queue", "remedy"),
    [
        ("SubmitDeadLetters", "aws sqs start-message-move-task --source-arn arn:"),
        ("EventDeadLetters", "aws sqs receive-message --queue-url http"),
    ],
)
def test_dead_letters(ask: Any, world: World, standing: Standing, queue: str, remedy: str) -> None:
    url = standing.of_type("AWS::SQS::Queue")[queue]
    sqs = world.client("sqs")
    sqs.send_message(QueueUrl=url, MessageBody="never done")
    try:
        found = only(ask())
    finally:
        sqs.purge_queue(QueueUrl=url)

    assert found.text == f"1 in {queue}"
    assert found.remedy.startswith(remedy)


def test_a_subscriber_who_never_confirmed(ask: Any, world: World) -> None:
    sns, topic = world.client("sns"), world.outputs["AlarmTopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="https", Endpoint="https://example.com/hook")
    try:
        found = only(ask())
    finally:
        for each in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]:
            if each["Protocol"] == "https":
                sns.unsubscribe(SubscriptionArn=each["SubscriptionArn"])

    assert "https://example.com/hook never confirmed AlarmTopic" in found.text


def test_an_alarm_that_is_active(ask: Any, world: World) -> None:
    cloudwatch = world.client("cloudwatch")
    name = f"{world.stack}-oldest-job"
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a test")
    try:
        found = only(ask())
    finally:
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="a test")

    assert found.remedy == "docs/operations.md, oldest-job"


def test_a_stack_that_anybody_may_delete(ask: Any, world: World, session: boto3.Session) -> None:
    world.client("cloudformation").update_termination_protection(
        StackName=world.stack, EnableTerminationProtection=False
    )
    try:
        found = only(ask())
    finally:
        protect(session, world.stack)

    assert found.about == "protection"


def test_a_table_that_anybody_may_delete(ask: Any, world: World) -> None:
    dynamodb, table = world.client("dynamodb"), world.outputs["LedgerTableName"]
    dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
    try:
        found = only(ask())
    finally:
        dynamodb.update_table(TableName=table, DeletionProtectionEnabled=True)

    assert found.text == "Ledger can be deleted by a slip"


@pytest.mark.parametrize("fault", ["policy", "disabled", "none"])
def test_a_customers_key(session: boto3.Session, world: World, fault: str) -> None:
    """Its policy, asked of KMS; the stack itself needs no key for that."""
    kms = world.client("kms")
    services = ["s3.amazonaws.com", "events.amazonaws.com", "cloudwatch.amazonaws.com"]
    services += [] if fault == "policy" else ["logs.us-east-1.amazonaws.com"]
    allowed = {"Effect": "Allow", "Principal": {"Service": services}, "Action": "kms:Decrypt"}
    everybody = {"Effect": "Allow", "Principal": EVERYBODY, "Action": "kms:*", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [everybody, allowed | {"Resource": "*"}]}
    key = kms.create_key(Policy=json.dumps(policy))["KeyMetadata"]["Arn"]
    if fault == "disabled":
        kms.disable_key(KeyId=key)
    stack = Standing(session, world.stack, parameters={"EncryptionKeyArn": key})

    found = wrong(list(check_customer_keys(stack)))

    said = {
        "policy": ["its policy does not let logs.amazonaws.com use it"],
        "disabled": ["EncryptionKeyArn is disabled"],
        "none": [],
    }
    assert [each.text for each in found] == said[fault]


@pytest.mark.parametrize("left_out", ["AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", ""])
def test_the_command_says_it_in_lines_and_by_its_status(
    world: World, session: boto3.Session, tmp_path: Path, left_out: str
) -> None:
    environment = aws_environment(world.endpoint)
    environment |= {"AWS_SHARED_CREDENTIALS_FILE": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "1"}
    environment.pop(left_out, None)
    environment.pop("AWS_SECRET_ACCESS_KEY" if left_out == "AWS_ACCESS_KEY_ID" else "", None)

    ran = subprocess.run(
        [sys.executable, "-m", "local", "doctor", "--stack", world.stack],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    lines = ran.stdout.splitlines()
    assert all(line.startswith(("ok ", "warning ", "problem ")) for line in lines), ran.stderr
    assert ran.returncode == (2 if left_out else 0)
    said = {"AWS_ACCESS_KEY_ID": "aws configure", "AWS_DEFAULT_REGION": "export AWS_DEFAULT_REGION"}
    assert said.get(left_out, "is active") in lines[-1]


def stored(world: World, name: str) -> str:
    found = world.client("ssm").get_parameter(Name=name, WithDecryption=True)
    return str(found["Parameter"]["Value"])


def store(world: World, name: str, value: str) -> None:
    world.client("ssm").put_parameter(Name=name, Value=value, Type="SecureString", Overwrite=True)
