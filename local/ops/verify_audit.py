"""`batchdrop verify`: proves days of the audit log from the audit bucket alone."""

import sys
from datetime import UTC, date, datetime

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from local.ops.stack_outputs import output_of
from shared.audit.verify import Day, verify
from shared.aws.s3 import S3Store
from shared.errors import EdgeError
from shared.settings import Settings


def main(
    first: str, last: str, stack: str, bucket: str | None, session: boto3.Session | None = None
) -> int:
    """A line a day, and a line for each thing that does not fit.

    0: every day is proved. 1: some are not. 2: it could not be looked at.
    """
    session = session or boto3.Session()
    try:
        days = (date.fromisoformat(first), date.fromisoformat(last))
        name = bucket or output_of(session, stack, "AuditBucketName")
        store = S3Store(session.client("s3"), name, Settings().upload_piece_bytes)
        found = [_shown(day) for day in verify(store, *days)]
    except (BotoCoreError, ClientError, EdgeError, LookupError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    flawed = sum(not holds for holds in found)
    print(_summary(len(found), flawed, name))
    return 1 if flawed else 0


def _shown(day: Day) -> bool:
    if not day.flaws:
        checked = max(each.checked_at for each in day.manifests)
        when = datetime.fromtimestamp(checked, UTC).strftime("%Y-%m-%d %H:%M UTC")
        held = f"{day.events:,} events in {day.objects:,} objects"
        print(f"{day.day}  proved: {held}, last checked {when}")
        for stream, proof in day.proofs.items():
            print(f"            {stream} {proof}")
    for flaw in day.flaws:
        print(f"{day.day}  {flaw.kind.upper()}: {flaw.text}")
    return not day.flaws


def _summary(days: int, flawed: int, bucket: str) -> str:
    counted = "1 day" if days == 1 else f"{days} days"
    if flawed:
        return (
            f"\nOf {counted} in s3://{bucket} {flawed} not as proved. "
            "What an object was before: aws s3api list-object-versions --bucket … --prefix …"
        )
    return (
        f"\n{counted} in s3://{bucket}: every event that OpenAI listed is there, as it was "
        "listed, and nothing else.\nThe proof of the last day stands for all days before it: noted "
        "outside of AWS, it shows later that nobody has rewritten the chain."
    )
