"""Calls to the simulated AWS, its answers, and the errors that each service says its own way."""

from dataclasses import dataclass, field
from typing import Any

Parsed = dict[str, Any]


@dataclass
class Status:
    """The little of an HTTP answer that boto3 looks at."""

    status_code: int = 200
    headers: dict[str, str] = field(default_factory=dict)


Answer = tuple[Status, Parsed]
Error = tuple[str, str, int]

THROTTLED: dict[str, Error] = {
    "dynamodb": ("ProvisionedThroughputExceededException", "Rate of requests exceeds", 400),
    "events": ("ThrottlingException", "Rate exceeded", 400),
    "s3": ("SlowDown", "Please reduce your request rate.", 503),
    "sns": ("Throttling", "Rate exceeded", 400),
    "sqs": ("RequestThrottled", "Rate exceeded", 400),
    "ssm": ("ThrottlingException", "Rate exceeded", 400),
}
BROKEN: dict[str, Error] = {
    "dynamodb": ("InternalServerError", "Internal server error", 500),
    "events": ("InternalException", "An internal failure", 500),
    "s3": ("InternalError", "We encountered an internal error. Please try again.", 500),
    "sns": ("InternalError", "Internal service error", 500),
    "sqs": ("InternalError", "Internal service error", 500),
    "ssm": ("InternalServerError", "An error occurred on the server side.", 500),
}
FORBIDDEN: dict[str, Error] = {
    "dynamodb": ("AccessDeniedException", "not authorized, for a moment", 400),
    "events": ("AccessDeniedException", "not authorized, for a moment", 400),
    "s3": ("AccessDenied", "Access Denied", 403),
    "sns": ("AuthorizationError", "not authorized, for a moment", 403),
    "sqs": ("AccessDenied", "not authorized, for a moment", 403),
    "ssm": ("AccessDeniedException", "not authorized, for a moment", 400),
}
IN_PROGRESS: Error = ("TransactionInProgressException", "The same transaction is under way", 400)
CONFLICT: Error = ("TransactionConflictException", "Transaction is ongoing for the item", 400)


@dataclass(frozen=True)
class Call:
    """One call of a function: the SDK may make several attempts of it."""

    name: str  # service.Operation
    asked: Parsed

    @property
    def service(self) -> str:
        return self.name.partition(".")[0]

    @property
    def operation(self) -> str:
        return self.name.partition(".")[2]

    @property
    def what(self) -> str:
        """What it is about, for calls that come in no certain order."""
        number = self.asked.get("PartNumber", self.asked.get("Range", ""))
        return f"{self.operation} {self.asked.get('Key', '')} {number}"


def failure(error: Error) -> Answer:
    code, message, status = error
    metadata = {"HTTPStatusCode": status}
    return Status(status), {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": metadata,
    }


def transaction_conflict(writes: int, at: int) -> Answer:
    """What a transaction is told while another one is at one of its rows."""
    reasons: list[Parsed] = [{"Code": "None"} for _ in range(writes)]
    reasons[at] = {"Code": "TransactionConflict", "Message": CONFLICT[1]}
    status, parsed = failure(("TransactionCanceledException", "Transaction cancelled", 400))
    return status, parsed | {"CancellationReasons": reasons}


def partly_put(entries: list[Parsed], refused: set[int]) -> Answer:
    """What EventBridge says of events of which it took some."""
    failed = {"ErrorCode": "InternalFailure", "ErrorMessage": "try again"}
    answers = [failed if n in refused else {"EventId": "1"} for n in range(len(entries))]
    return Status(), {"FailedEntryCount": len(refused), "Entries": answers}


def partly_sent(entries: list[Parsed], refused: set[int]) -> Answer:
    """What SQS and SNS say of messages of which they took some."""
    ids = [each["Id"] for each in entries]
    failed = [{"Id": ids[n], "Code": "InternalError", "SenderFault": False} for n in refused]
    taken = [{"Id": id_} for n, id_ in enumerate(ids) if n not in refused]
    return Status(), {"Successful": taken, "Failed": failed}
