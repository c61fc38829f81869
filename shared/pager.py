"""Tells what happened: an event on the bus for systems, a message on the topic for people."""

import hashlib
import json
from typing import TYPE_CHECKING

from pydantic import JsonValue

from shared.errors import TryLater
from shared.model import Ours

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_sns import SNSClient

SOURCE = "batchdrop"
LONGEST_SUBJECT = 100  # characters, SNS's limit


class Fact(Ours):
    """Something that happened; said twice, its id is the same."""

    type: str  # the bus event's detail-type, such as "Job Completed"
    about: str  # what it happened to: a job's id, a part's name
    text: str  # for a person
    detail: dict[str, JsonValue]

    @property
    def id(self) -> str:
        content = json.dumps([self.type, self.about], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:32]


class Pager:
    """Both ways or neither counts: who can't tell tries again."""

    def __init__(self, events: "EventBridgeClient", sns: "SNSClient", bus: str, topic: str) -> None:
        self._events = events
        self._sns = sns
        self._bus = bus
        self._topic = topic

    def tell(self, fact: Fact) -> None:
        detail = json.dumps({"id": fact.id, **fact.detail})
        answer = self._events.put_events(
            Entries=[
                {
                    "Source": SOURCE,
                    "DetailType": fact.type,
                    "Detail": detail,
                    "EventBusName": self._bus,
                }
            ]
        )
        if answer["FailedEntryCount"]:
            raise TryLater(f"bus: {answer['Entries'][0].get('ErrorCode')}")
        self._sns.publish(
            TopicArn=self._topic,
            Subject=_subject(fact),
            Message=f"{fact.text}\n\nid {fact.id}",
            MessageAttributes={"type": {"DataType": "String", "StringValue": fact.type}},
        )


def _subject(fact: Fact) -> str:
    """SNS takes printable ASCII only."""
    line = f"{fact.type}: {fact.about}"
    return "".join(c if " " <= c <= "~" else "?" for c in line)[:LONGEST_SUBJECT]
