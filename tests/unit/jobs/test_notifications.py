"""What we tell: small whatever the job, and recognisable when told twice."""

import json

import pytest

from shared.aws.notifier import Notification
from shared.jobs import notifications
from shared.openai.models import File
from tests.support.records import SOURCE, batch, job, part

LARGEST = 256 * 1_024  # bytes of a message; ours stay below a quarter of it
HUGE = SOURCE.model_copy(update={"key": "inbox/" + "ü" * 500})
PART = part(reason="r" * 300, batch_id="batch_1", batch_status="finalizing", done=3)


def every_notification() -> list[Notification]:
    huge = job(source=HUGE, requests=5, parts=2, tokens=9)
    return [
        notifications.accepted(huge),
        notifications.waiting(huge, PART),
        notifications.retried(huge, PART),
        notifications.second_batch(PART, batch(), "batch_2"),
        notifications.stuck(huge, PART),
        notifications.orphan_deleted(PART, File(id="file-1", filename="f" * 300)),
    ]


@pytest.mark.parametrize("notification", every_notification(), ids=lambda each: each.type)
def test_notification_is_small_for_the_largest_job(notification: Notification) -> None:
    assert len(notification.text.encode()) + len(json.dumps(notification.detail)) < LARGEST // 16


@pytest.mark.parametrize(
    ("one", "two"),
    list(zip(every_notification(), every_notification(), strict=True)),
    ids=lambda each: each.type,
)
def test_notification_published_twice_has_one_id(one: Notification, two: Notification) -> None:
    assert one.id == two.id


def test_notifications_of_different_things_have_different_ids() -> None:
    assert len({each.id for each in every_notification()}) == len(every_notification())


def test_notification_holds_counts_and_where_to_look() -> None:
    accepted, *_ = every_notification()

    assert "5 requests in 2 part(s), about 9 prompt tokens" in accepted.text


def test_second_batch_notification_says_what_was_paid_twice() -> None:
    notification = notifications.second_batch(
        PART, batch(request_counts={"completed": 1_234}), "batch_0"
    )

    assert (
        "1,234 requests of the cancelled one were done by then, and are billed twice"
        in notification.text
    )
    assert notification.detail == {
        "job": "j1",
        "part": 1,
        "cancelled": "batch_1",
        "kept": "batch_0",
        "billed_twice": 1_234,
    }
