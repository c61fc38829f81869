"""Of a batch of messages SQS and SNS may take some: who sent them has to know."""

from typing import Any

import pytest
from moto import mock_aws

from shared.aws.event_bus import EventBus
from shared.aws.notifier import Notifier
from shared.aws.sqs import Queue
from shared.errors import TryLater
from shared.jobs.notifications import accepted
from shared.objects import PartRef
from tests.support.aws import make_queue, make_topic
from tests.support.records import job
from tests.support.sessions import Session

TOLD = accepted(job())
PARTS = [PartRef(job="j", part=n) for n in range(1, 13)]


def session(call: str, entries: int = 1) -> Session:
    """Its answers to a call say that so many entries were not taken."""
    made = Session()

    def not_taken(parsed: dict[str, Any], **_: Any) -> None:
        parsed["Failed"] = [{"Id": "0", "Code": "InternalError", "SenderFault": False}] * entries

    made.events.register(f"after-call.{call}", not_taken)
    return made


@mock_aws
def test_queue_that_leaves_a_message_out_is_asked_again() -> None:
    refusing = session("sqs.SendMessageBatch")
    queue = Queue(refusing.client("sqs"), make_queue(refusing, "submit"))

    with pytest.raises(TryLater, match=r"queue: 1 of 10 not taken.*InternalError"):
        queue.send_parts(PARTS)


@mock_aws
def test_topic_that_leaves_a_message_out_is_asked_again() -> None:
    refusing = session("sns.PublishBatch")
    topic = make_topic(refusing, "t", make_queue(refusing, "published"))
    refusing.client("events").create_event_bus(Name="bus")
    bus = EventBus(refusing.client("events"), "bus")

    with pytest.raises(TryLater, match="topic: InternalError"):
        Notifier(bus, refusing.client("sns"), topic).publish_all([TOLD])


@mock_aws
def test_all_is_well_where_all_are_taken() -> None:
    kind = session("sqs.SendMessageBatch", entries=0)
    Queue(kind.client("sqs"), make_queue(kind, "submit")).send_parts(PARTS)


def test_id_is_the_same_for_the_same_and_another_for_another() -> None:
    again = TOLD.model_copy(update={"text": "Told anew."})
    other_type = TOLD.model_copy(update={"type": "Job Held"})
    other_job = TOLD.model_copy(update={"about": "2"})

    assert again.id == TOLD.id
    assert len({each.id for each in (TOLD, other_type, other_job)}) == 3
