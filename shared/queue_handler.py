"""The frame of a function behind a queue: each message by itself, and what failed comes back."""

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

from shared.edges import Edges
from shared.jobs.model import Ask
from shared.telemetry import count, log_failure, logger, measured, tracer

Handler = Callable[[dict[str, object], Any], PartialItemFailureResponse]  # event and context


def queue_handler(take: Callable[[SQSRecord], None]) -> Handler:
    """A handler that lets `take` do each message. Raises where all of them failed."""
    processor = BatchProcessor(event_type=EventType.SQS)
    taking = tracer.capture_method(capture_response=False)(take)

    @logger.inject_lambda_context
    @tracer.capture_lambda_handler(capture_response=False)
    @measured
    def handler(event: dict[str, object], context: LambdaContext) -> PartialItemFailureResponse:
        return process_partial_response(event, taking, processor, context)

    function: Handler = handler
    return function


def part_handler(
    name: str, edges: Callable[[], Edges], act: Callable[[Edges, Ask], str]
) -> Handler:
    """One that lets `act` look at a part; what came of it is logged and counted."""

    def take(record: SQSRecord) -> None:
        count(f"{name.title()}Asked")
        ask = Ask.model_validate_json(record.body)
        with log_failure(job=ask.job, part=ask.part):
            outcome = act(edges(), ask)
        part = edges().ledger.part(ask.job, ask.part)
        batch = part.batch_id if part else None
        logger.info(f"asked to {name}", job=ask.job, part=ask.part, batch=batch, outcome=outcome)
        count_outcome(name, outcome)

    return queue_handler(take)


def count_outcome(prefix: str, outcome: str, how_many: int = 1) -> None:
    """A metric made of both, such as SubmitNotNow."""
    count(f"{prefix.title()}{outcome.title().replace(' ', '')}", how_many)
