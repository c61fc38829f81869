"""Events on the bus: all of a call are taken, or it is tried again later."""

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from shared.aws.event_bus import EventBus
from shared.errors import TryLater

TAKEN = {"EventId": "e"}
REFUSED = {"ErrorCode": "ThrottlingException", "ErrorMessage": "slow down"}


@pytest.fixture
def events() -> Any:
    return boto3.client("events", "us-east-1", aws_access_key_id="a", aws_secret_access_key="b")


@pytest.mark.parametrize("entries", [[REFUSED, TAKEN], [TAKEN, REFUSED], [REFUSED, REFUSED]])
def test_refused_entry_raises_try_later(events: Any, entries: list[Any]) -> None:
    with Stubber(events) as stub:
        stub.add_response("put_events", {"FailedEntryCount": 1, "Entries": entries})

        with pytest.raises(TryLater, match="bus: ThrottlingException"):
            EventBus(events, "bus").put([("Job Completed", "{}"), ("Job Failed", "{}")])


def test_accepted_entries_are_sent_once(events: Any) -> None:
    entry = {"Source": "batchdrop", "DetailType": "T", "Detail": "{}", "EventBusName": "bus"}
    with Stubber(events) as stub:
        answer = {"FailedEntryCount": 0, "Entries": [TAKEN]}
        stub.add_response("put_events", answer, {"Entries": [entry]})

        EventBus(events, "bus").put([("T", "{}")])

        stub.assert_no_pending_responses()
