"""The handler of a function behind a queue: each message on its own; failed ones come back."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from shared.telemetry import logger, measured, traced, traced_handler

Handler = Callable[[dict[str, object], Any], PartialItemFailureResponse]  # event and context


def queue_handler(take: Callable[[SQSRecord], None]) -> Handler:
    """A handler that calls `take` for each message. Raises if all of them failed."""
    processor = BatchProcessor(event_type=EventType.SQS)
    taking = traced(take)

    @logger.inject_lambda_context
    @traced_handler
    @measured
    def handler(event: dict[str, object], context: LambdaContext) -> PartialItemFailureResponse:
        return process_partial_response(event, taking, processor, context)

    function: Handler = handler
    return function
