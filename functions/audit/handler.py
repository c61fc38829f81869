"""Reads the audit log when the schedule fires, and opens backfills on request."""

from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.audit.backfill import BackfillRequest, open_backfills
from functions.audit.flow import tick
from functions.audit.metrics import publish
from shared.audit.edges import AuditEdges
from shared.schedule import SCHEDULED, is_late
from shared.telemetry import logger, measured, traced, traced_handler

MARGIN = timedelta(seconds=15)  # for one more page, and to give the lease back
CLOCK = frozenset({"detail-type", SCHEDULED})  # of an event that asks for nothing but a tick
edges = cache(AuditEdges.in_lambda)


@traced
def run(event: dict[str, Any], left: timedelta) -> Mapping[str, int]:
    until = edges().now() + left - MARGIN
    every = timedelta(seconds=edges().settings.audit_interval_seconds)
    if is_late(event, edges().now(), every):
        return {"AuditTicksSkipped": 1}
    if event and not CLOCK & set(event):  # somebody asks for something
        open_backfills(edges(), BackfillRequest.model_validate(event))
    return tick(edges(), until)


@logger.inject_lambda_context
@traced_handler
@measured
def handler(event: dict[str, Any], context: LambdaContext) -> Mapping[str, int]:
    left = timedelta(milliseconds=context.get_remaining_time_in_millis())
    metrics = run(event, left)
    logger.info("audit log read", found=metrics)
    publish(metrics)
    return metrics
