"""SQS: one function gives the next its work."""

from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.errors import TryLater
from shared.objects import PartRef

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

AT_ONCE = 10  # SQS takes ten messages a call


class Queue:
    """A queue that a function writes to."""

    def __init__(self, sqs: "SQSClient", url: str) -> None:
        self._sqs = sqs
        self._url = url

    def send_parts(self, parts: Iterable[PartRef]) -> None:
        """One message for each part; the ledger holds what to do with it."""
        self.send([part.model_dump_json() for part in parts])

    def send(self, bodies: list[str], after: timedelta = timedelta()) -> None:
        """after: what is to pass before they are received, 15 minutes at most.

        Raises TryLater if the queue does not take every message.
        """
        delay = int(after.total_seconds())
        for start in range(0, len(bodies), AT_ONCE):
            some = bodies[start : start + AT_ONCE]
            answer = self._sqs.send_message_batch(
                QueueUrl=self._url,
                Entries=[
                    {"Id": str(n), "MessageBody": body, "DelaySeconds": delay}
                    for n, body in enumerate(some)
                ],
            )
            if failed := answer.get("Failed"):
                raise TryLater(f"queue: {len(failed)} of {len(some)} not taken: {failed[0]}")
