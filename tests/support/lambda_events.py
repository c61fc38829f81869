"""What Lambda gives a handler: its context, and a queue's messages as an event."""

from dataclasses import dataclass
from typing import Any

from tests.support.world import World


@dataclass
class Context:
    """What Powertools and the handlers read of Lambda's context."""

    function_name: str = "function"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:function"
    aws_request_id: str = "52fdfc07-2182-154f-163f-5f0f9a621d72"
    ms_left: int = 55_000

    def get_remaining_time_in_millis(self) -> int:
        return self.ms_left


def sqs_event(world: World, queue: str) -> dict[str, Any]:
    """What lies in a queue, as the event Lambda makes of it."""
    found = world.sqs.receive_message(QueueUrl=world.queues[queue], MaxNumberOfMessages=10)
    return {
        "Records": [
            {
                "messageId": each["MessageId"],
                "receiptHandle": each["ReceiptHandle"],
                "body": each["Body"],
                "attributes": {},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:us-east-1:123456789012:{queue}",
                "awsRegion": "us-east-1",
            }
            for each in found["Messages"]
        ]
    }
