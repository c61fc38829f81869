"""The clock ticked, or somebody wants the past."""

from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.audit.backfill import Wish, ask_for
from functions.audit.flow import tick
from shared.audit.edges import AuditEdges
from shared.telemetry import logger, measured, record, tracer

MARGIN = timedelta(seconds=15)  # a page, and time to put the lease down
edges = cache(AuditEdges.in_lambda)


@tracer.capture_method(capture_response=False)
def answer(event: dict[str, Any], left: timedelta) -> Mapping[str, int]:
    until = edges().now() + left - MARGIN
    if "backfill" in event:
        ask_for(edges(), Wish.model_validate(event))
    return tick(edges(), until)


@logger.inject_lambda_context
@tracer.capture_lambda_handler(capture_response=False)
@measured
def handler(event: dict[str, Any], context: LambdaContext) -> Mapping[str, int]:
    left = timedelta(milliseconds=context.get_remaining_time_in_millis())
    found = answer(event, left)
    logger.info("listened", found=found)
    record(found)
    return found
