"""S3 says that a file was dropped."""

from datetime import UTC, datetime
from functools import cache

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.intake.flow import take_in
from shared.edges import Edges
from shared.notices import dropped
from shared.settings import Settings
from shared.telemetry import count, logger, measured, said_why, tracer

edges = cache(lambda: Edges(Settings.load(), now=lambda: datetime.now(UTC)))
processor = BatchProcessor(event_type=EventType.SQS)


@tracer.capture_method(capture_response=False)
def take(record: SQSRecord) -> None:
    count("Notifications")
    for source in dropped(record.body):
        with said_why(bucket=source.bucket, key=source.key, version=source.version):
            job = take_in(edges(), source)
        logger.info("taken in", job=job.id, state=job.state, requests=job.requests)
        count(f"Jobs{job.state.capitalize()}")


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@measured
def handler(event: dict[str, object], context: LambdaContext) -> PartialItemFailureResponse:
    return process_partial_response(event, take, processor, context)
