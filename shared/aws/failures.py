"""What a failed call to AWS says of itself."""

from botocore.exceptions import ClientError

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
