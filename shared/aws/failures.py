"""What a failed call to AWS says of itself."""

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from shared.telemetry import AWS_THROTTLES, count

BUSY = frozenset(
    {
        "500",
        "503",
        "InternalError",
        "InternalServerError",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestTimeout",
        "SlowDown",
        "ThrottlingException",
        "TransactionInProgressException",
    }
)  # S3's and DynamoDB's: the same call may work later


def code_of(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")


THROTTLED = frozenset(
    {
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "SlowDown",
        "Throttling",
        "ThrottlingError",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)  # too much is asked; the words without "Exception" stand in a cancelled transaction


def count_throttle(response: tuple[Any, Mapping[str, Any]] | None, **_: object) -> None:
    """Counts an answer that turned us away, also where the next try succeeds.

    botocore's `needs-retry` calls it with each answer, and with None if there was none.
    """
    codes = set(_codes(response[1])) if response else set()
    if codes & THROTTLED:
        count(AWS_THROTTLES)


def _codes(answer: Mapping[str, Any]) -> Iterator[str]:
    """The answer's own, and those of each write that a transaction did not make."""
    yield answer.get("Error", {}).get("Code", "")
    yield from (each.get("Code", "") for each in answer.get("CancellationReasons", ()))
