"""A stack that stands: whether what should move it is there, and nothing lies where it ended."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.exceptions import ClientError

from local.ops.doctor.finding import Finding
from shared.aws.failures import code_of

OF_KEY = ("s3", "events", "cloudwatch", "logs")  # services that use a customer's key by themselves
AT_ONCE = 100  # alarms a call


@dataclass(frozen=True)
class Standing:
    """A stack as CloudFormation describes it."""

    session: boto3.Session
    name: str
    status: str = ""
    is_protected: bool = False
    parameters: Mapping[str, str] = field(default_factory=dict)
    resources: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # type and physical id
    outputs: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def described(cls, session: boto3.Session, name: str) -> "Standing | None":
        """None, if there is no such stack."""
        cloudformation = session.client("cloudformation")
        try:
            (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
        except ClientError as error:
            if code_of(error) != "ValidationError":
                raise
            return None
        pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
        return cls(
            session,
            name,
            stack["StackStatus"],
            stack.get("EnableTerminationProtection", False),
            {
                each["ParameterKey"]: each.get("ParameterValue", "")
                for each in stack.get("Parameters", [])
            },
            {
                each["LogicalResourceId"]: (each["ResourceType"], each["PhysicalResourceId"])
                for page in pages
                for each in page["StackResourceSummaries"]
            },
            {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])},
        )

    def of_type(self, kind: str) -> dict[str, str]:
        """Physical ids by logical names."""
        return {name: id_ for name, (each, id_) in self.resources.items() if each == kind}


def check_status(stack: Standing) -> Iterator[Finding]:
    if stack.status == "ROLLBACK_COMPLETE":
        text = "the first deployment failed, and nothing else can be done to it"
        yield Finding("problem", "stack", text, f"sam delete --stack-name {stack.name}")
    elif stack.status.endswith("FAILED"):
        remedy = f"aws cloudformation describe-stack-events --stack-name {stack.name}"
        yield Finding("problem", "stack", f"it is {stack.status}", remedy)
    else:
        yield Finding("ok", "stack", f"{stack.name} is {stack.status}")
    if not stack.is_protected:
        remedy = (
            f"aws cloudformation update-termination-protection --enable-termination-protection "
            f"--stack-name {stack.name}"
        )
        yield Finding("warning", "protection", "anybody may delete the stack by a slip", remedy)


def check_tables(stack: Standing) -> Iterator[Finding]:
    dynamodb = stack.session.client("dynamodb")
    for logical, table in stack.of_type("AWS::DynamoDB::Table").items():
        described = dynamodb.describe_table(TableName=table)["Table"]
        if not described.get("DeletionProtectionEnabled"):
            remedy = f"aws dynamodb update-table --deletion-protection-enabled --table-name {table}"
            yield Finding("warning", "protection", f"{logical} can be deleted by a slip", remedy)


def check_schedules(stack: Standing) -> Iterator[Finding]:
    """Without them nothing moves."""
    scheduler = stack.session.client("scheduler")
    names = stack.of_type("AWS::Scheduler::Schedule").values()
    standing = 0
    for name in names:
        try:
            state = scheduler.get_schedule(Name=name)["State"]
        except ClientError as error:
            if code_of(error) != "ResourceNotFoundException":
                raise
            state = "gone"
        if state == "ENABLED":
            standing += 1
            continue
        text = f"{name} is {state.lower()}, so its function never runs"
        yield Finding("problem", "schedule", text, f"make deploy STACK={stack.name}")
    if standing == len(names):
        yield Finding("ok", "schedules", f"{standing} are enabled")


def check_mappings(stack: Standing) -> Iterator[Finding]:
    """A queue's function is called only while its mapping is enabled."""
    client = stack.session.client("lambda")
    for logical, uuid in stack.of_type("AWS::Lambda::EventSourceMapping").items():
        state = client.get_event_source_mapping(UUID=uuid)["State"]
        if state not in {"Enabled", "Enabling", "Creating", "Updating"}:
            remedy = f"aws lambda update-event-source-mapping --enabled --uuid {uuid}"
            yield Finding("problem", "queue", f"{logical} is {state.lower()}", remedy)


def check_dead_letters(stack: Standing) -> Iterator[Finding]:
    sqs = stack.session.client("sqs")
    queues = stack.of_type("AWS::SQS::Queue")
    letters = {name: url for name, url in queues.items() if name.endswith("DeadLetters")}
    lying = 0
    for name, url in letters.items():
        asked = sqs.get_queue_attributes(
            QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages", "QueueArn"]
        )["Attributes"]
        if count := int(asked["ApproximateNumberOfMessages"]):
            lying += count
            yield Finding(
                "problem", "dead letters", f"{count} in {name}", _redrive(name, url, asked)
            )
    if not lying:
        yield Finding("ok", "dead letters", "there are none")


def _redrive(name: str, url: str, asked: Mapping[Any, str]) -> str:
    if name == "EventDeadLetters":  # SQS moves back only what lay in another queue
        return f"aws sqs receive-message --queue-url {url} --max-number-of-messages 10"
    return f"aws sqs start-message-move-task --source-arn {asked['QueueArn']}"


def check_subscriptions(stack: Standing) -> Iterator[Finding]:
    sns = stack.session.client("sns")
    for logical, topic in stack.of_type("AWS::SNS::Topic").items():
        pages = sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
        found = [each for page in pages for each in page["Subscriptions"]]
        pending = [
            each["Endpoint"] for each in found if not _is_confirmed(sns, each["SubscriptionArn"])
        ]
        remedy = (
            f"aws sns subscribe --topic-arn {topic} --protocol email "
            f"--notification-endpoint you@example.com"
        )
        if pending:
            text = f"{', '.join(pending)} never confirmed {logical}'s first message"
            yield Finding("warning", "subscription", text, remedy)
        elif not found:
            yield Finding("warning", "subscription", f"nobody listens to {logical}", remedy)
        else:
            yield Finding("ok", "subscription", f"{len(found)} listen to {logical}")


def _is_confirmed(sns: Any, arn: str) -> bool:
    """AWS lists those that are not under another word than an ARN; other servers under one."""
    if not arn.startswith("arn:"):
        return False
    attributes = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    return bool(attributes.get("PendingConfirmation") != "true")


def check_alarms(stack: Standing) -> Iterator[Finding]:
    cloudwatch = stack.session.client("cloudwatch")
    names = list(stack.of_type("AWS::CloudWatch::Alarm").values())
    active: list[str] = []
    for start in range(0, len(names), AT_ONCE):
        some = names[start : start + AT_ONCE]
        found = cloudwatch.describe_alarms(AlarmNames=some, StateValue="ALARM")["MetricAlarms"]
        active += [each["AlarmName"] for each in found]
    for name in active:
        runbook = name.removeprefix(f"{stack.name}-")
        yield Finding("problem", "alarm", f"{name} is active", f"docs/operations.md, {runbook}")
    if names and not active:
        yield Finding("ok", "alarms", f"none of {len(names)} is active")


def check_customer_keys(stack: Standing) -> Iterator[Finding]:
    """A key that a service may not use shows no error: messages simply don't arrive."""
    kms = stack.session.client("kms")
    for parameter in ("EncryptionKeyArn", "KeyParameterKmsKeyArn"):
        if key := stack.parameters.get(parameter):
            state = kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"]
            if state != "Enabled":
                remedy = f"aws kms enable-key --key-id {key}"
                yield Finding("problem", "KMS key", f"{parameter} is {state.lower()}", remedy)
    if key := stack.parameters.get("EncryptionKeyArn"):
        policy = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
        missing = [each for each in OF_KEY if not _lets(json.loads(policy), each)]
        for service in missing:
            text = f"its policy does not let {service}.amazonaws.com use it"
            remedy = (
                f"aws kms put-key-policy --key-id {key}, see docs/operations.md, A key of your own"
            )
            yield Finding("problem", "KMS key", text, remedy)
        if not missing:
            yield Finding("ok", "KMS key", "S3, EventBridge, CloudWatch and its logs may use it")


def _lets(policy: Mapping[str, Any], service: str) -> bool:
    principals = [
        each["Principal"].get("Service", [])
        for each in policy["Statement"]
        if each["Effect"] == "Allow" and isinstance(each["Principal"], dict)
    ]
    named = [one for each in principals for one in ([each] if isinstance(each, str) else each)]
    return any(name.partition(".")[0] == service for name in named)
