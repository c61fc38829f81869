"""The clock ticks, a person cancels or approves a job, or OpenAI said something about safety."""

from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.poll.flow import poll
from functions.poll.safety import tell_of_safety
from functions.poll.sweep import sweep
from shared.jobs.approve import approve
from shared.jobs.cancel import cancel
from shared.jobs.edges import JobEdges
from shared.schedule import is_late
from shared.telemetry import logger, measured, record, traced, traced_handler

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
        case {"detail-type": "Safety Event", "detail": dict(detail)}:
            return {"outcome": tell_of_safety(edges(), detail)}
    every = timedelta(minutes=edges().settings.poll_every_minutes)
    if is_late(event, edges().now(), every):
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
