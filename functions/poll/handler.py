"""The clock ticked."""

from datetime import UTC, datetime
from functools import cache

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.poll.flow import poll
from shared.edges import Edges
from shared.settings import Settings
from shared.telemetry import count, logger, metrics, tracer

edges = cache(lambda: Edges(Settings.load(), now=lambda: datetime.now(UTC)))


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@metrics.log_metrics
def handler(event: dict[str, object], context: LambdaContext) -> dict[str, int]:
    tick = poll(edges())
    logger.info("looked", parts=tick)
    for name, number in tick.items():
        count(f"Parts{name.capitalize()}", number)
    return tick
