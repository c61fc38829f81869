"""S3 says that a document came, changed or went; poll says that a library is to be looked after."""

import json
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

from functions.shelve.flow import shelve
from shared.edges import Edges
from shared.settings import Settings
from shared.telemetry import count, logger, measured, said_why, tracer

edges = cache(lambda: Edges(Settings.load(), now=lambda: datetime.now(UTC)))
processor = BatchProcessor(event_type=EventType.SQS)


@tracer.capture_method(capture_response=False)
def take(record: SQSRecord) -> None:
    with said_why(message=record.message_id):
        outcomes = shelve(edges(), json.loads(record.body))
    logger.info("shelved", outcomes=outcomes)
    for outcome, number in outcomes.items():
        count(f"Shelve{outcome.title().replace(' ', '')}", number)


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@measured
def handler(event: dict[str, object], context: LambdaContext) -> PartialItemFailureResponse:
    return process_partial_response(event, take, processor, context)
