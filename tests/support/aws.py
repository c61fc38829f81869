"""moto's AWS as the template describes it: a session, tables, queues, a topic that fills one."""

import json
from functools import cache
from typing import Any

import boto3

from local.template import read_template
from tests.support.sessions import Session

DESCRIBED = ("AttributeDefinitions", "BillingMode", "GlobalSecondaryIndexes", "KeySchema")


@cache
def aws() -> Session:
    """One for all tests."""
    return Session()


@cache
def template() -> Any:
    return read_template()


def make_table(session: boto3.Session, name: str, resource: str) -> None:
    """A table as the template has it under that name."""
    wanted = template()["Resources"][resource]["Properties"]
    described: Any = {each: wanted[each] for each in DESCRIBED if each in wanted}
    session.client("dynamodb").create_table(TableName=name, **described)


def make_queue(session: boto3.Session, name: str) -> str:
    return session.client("sqs").create_queue(QueueName=name)["QueueUrl"]


def queue_arn(session: boto3.Session, url: str) -> str:
    asked = session.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return asked["Attributes"]["QueueArn"]


def make_topic(session: boto3.Session, name: str, queue: str) -> str:
    """A topic whose messages lie in a queue."""
    sns = session.client("sns")
    topic = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn(session, queue))
    return topic


def subscribe(session: boto3.Session, bus: str, pattern: dict[str, Any]) -> str:
    """A queue for what matches on a bus."""
    events, name = session.client("events"), f"rule-{len(json.dumps(pattern))}"
    url = make_queue(session, name)
    events.put_rule(Name=name, EventBusName=bus, EventPattern=json.dumps(pattern))
    target: Any = {"Id": "queue", "Arn": queue_arn(session, url)}
    events.put_targets(Rule=name, EventBusName=bus, Targets=[target])
    return url


def receive(session: boto3.Session, url: str) -> list[Any]:
    """Up to ten messages, which are taken out."""
    sqs = session.client("sqs")
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    for message in found:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return list(found)


def drain(session: boto3.Session, url: str) -> list[str]:
    """The bodies of all messages, oldest first."""
    bodies: list[str] = []
    while found := receive(session, url):
        bodies += [each["Body"] for each in found]
    return bodies
