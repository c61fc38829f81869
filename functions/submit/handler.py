"""The queue asks for a part by its name."""

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

from functions.submit.flow import submit
from shared.edges import Edges
from shared.jobs import Ask
from shared.settings import Settings
from shared.telemetry import count, logger, measured, said_why, tracer

edges = cache(lambda: Edges(Settings.load(), now=lambda: datetime.now(UTC)))
processor = BatchProcessor(event_type=EventType.SQS)


@tracer.capture_method(capture_response=False)
def take(record: SQSRecord) -> None:
    count("SubmitAsked")
    ask = Ask.model_validate_json(record.body)
    with said_why(job=ask.job, part=ask.part):
        outcome = submit(edges(), ask)
    part = edges().ledger.part(ask.job, ask.part)
    batch = part.batch_id if part else None
    logger.info("asked to submit", job=ask.job, part=ask.part, batch=batch, outcome=outcome)
    count(f"Submit{outcome.title().replace(' ', '')}")


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@measured
def handler(event: dict[str, object], context: LambdaContext) -> PartialItemFailureResponse:
    return process_partial_response(event, take, processor, context)
