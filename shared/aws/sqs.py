"""SQS: one function asks the next to look at a part; the ledger says what is to be done."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from shared.errors import TryLater
from shared.jobs.model import Ask, Part

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

AT_ONCE = 10  # SQS takes ten messages a call


class Queue:
    """A queue that a function writes to."""

    def __init__(self, sqs: "SQSClient", url: str) -> None:
        self._sqs = sqs
        self._url = url

    def ask(self, parts: Iterable[Part]) -> None:
        """One message a part. Raises TryLater if any was not taken."""
        bodies = [Ask(job=each.job, part=each.number).model_dump_json() for each in parts]
        self.send(bodies)

    def send(self, bodies: list[str]) -> None:
        for start in range(0, len(bodies), AT_ONCE):
            some = bodies[start : start + AT_ONCE]
            answer = self._sqs.send_message_batch(
                QueueUrl=self._url,
                Entries=[{"Id": str(n), "MessageBody": body} for n, body in enumerate(some)],
            )
            if failed := answer.get("Failed"):
                raise TryLater(f"queue: {len(failed)} of {len(some)} not taken: {failed[0]}")
