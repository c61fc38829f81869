"""Publishes what happened: an event on the bus for systems, a message on the topic for people."""

import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from shared.aws.event_bus import AT_ONCE, EventBus
from shared.errors import TryLater
from shared.model import FrozenModel
from shared.text import sanitize_lines

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

LONGEST_SUBJECT = 100  # characters, SNS's limit


class Detail(FrozenModel):
    """What an event on the bus holds beside its id: a field that does not apply is left out."""

    def fields(self) -> dict[str, JsonValue]:
        return self.model_dump(mode="json", exclude_unset=True)


class Notification(FrozenModel):
    """Something that happened; published twice, its id is the same."""

    type: str  # the bus event's detail-type, such as "Job Completed"
    about: str  # what it is about: a job's id, a part's name
    text: str  # for a person
    detail: dict[str, JsonValue]
    attributes: dict[str, str] = {}  # of the message, for a subscription's filter policy

    @property
    def id(self) -> str:
        content = json.dumps([self.type, self.about], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:32]


class Notifier:
    """Sent only if EventBridge and SNS both accept it; otherwise the caller tries both again."""

    def __init__(self, bus: EventBus, sns: "SNSClient", topic: str) -> None:
        self._bus = bus
        self._sns = sns
        self._topic = topic

    def publish(self, notification: Notification) -> None:
        self._put_on_bus([notification])
        self._sns.publish(
            TopicArn=self._topic,
            Subject=_subject(notification),
            Message=_message(notification),
            MessageAttributes=_attributes(notification),
        )

    def publish_all(self, notifications: Sequence[Notification]) -> None:
        """In as few calls as possible."""
        for start in range(0, len(notifications), AT_ONCE):
            chunk = notifications[start : start + AT_ONCE]
            self._put_on_bus(chunk)
            answer = self._sns.publish_batch(
                TopicArn=self._topic,
                PublishBatchRequestEntries=[
                    {
                        "Id": str(number),
                        "Subject": _subject(notification),
                        "Message": _message(notification),
                        "MessageAttributes": _attributes(notification),
                    }
                    for number, notification in enumerate(chunk)
                ],
            )
            if failed := answer.get("Failed"):
                raise TryLater(f"topic: {failed[0].get('Code')}")

    def _put_on_bus(self, notifications: Sequence[Notification]) -> None:
        self._bus.put(
            [(each.type, json.dumps({"id": each.id, **each.detail})) for each in notifications]
        )


def _subject(notification: Notification) -> str:
    """SNS takes printable ASCII only."""
    line = f"{notification.type}: {notification.about}"
    return "".join(c if " " <= c <= "~" else "?" for c in line)[:LONGEST_SUBJECT]


def _message(notification: Notification) -> str:
    return f"{sanitize_lines(notification.text)}\n\nid {notification.id}"


def _attributes(notification: Notification) -> Any:
    """A subscription may filter by them."""
    told = {"type": notification.type, "state": notification.detail.get("state")}
    told |= notification.attributes
    return {
        name: {"DataType": "String", "StringValue": value}
        for name, value in told.items()
        if isinstance(value, str)
    }
