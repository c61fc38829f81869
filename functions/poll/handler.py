"""The clock ticks, or a person cancels or approves a job."""

from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.poll.flow import poll
from functions.poll.sweep import sweep
from shared.jobs.approve import approve
from shared.jobs.cancel import cancel
from shared.jobs.edges import JobEdges
from shared.schedule import is_late
from shared.telemetry import logger, measured, record, traced, traced_handler

EVERY = timedelta(minutes=1)
edges = cache(JobEdges.in_lambda)


@traced
def tick(event: dict[str, Any]) -> Mapping[str, object]:
    match event:
        case {"detail-type": "Cancel Job", "detail": {"job": str(job)}}:
            return {"job": job, "outcome": cancel(edges(), job)}
        case {"detail-type": "Approve Job", "detail": {"job": str(job)}}:
            return {"job": job, "outcome": approve(edges(), job)}
        case {"sweep": True}:
            return sweep(edges())
    if is_late(event, edges().now(), EVERY):
        return {"TicksSkipped": 1}
    return poll(edges())


@logger.inject_lambda_context
@traced_handler
@measured
def handler(event: dict[str, Any], context: LambdaContext) -> Mapping[str, object]:
    found = tick(event)
    logger.info("poll has run", found=found)
    record(found)
    return found
