"""The function's logger, metrics and tracer: made once, opening nothing.

Never logged, whatever the level: requests, answers, keys. The one dimension of our metrics is the
stack's name, which POWERTOOLS_SERVICE_NAME says: each further one costs.
"""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial, wraps
from typing import TypeVar

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from shared.text import REASON, sanitize

Answer = TypeVar("Answer")
Event = TypeVar("Event")

# ASCII alone, so that no name in a line can move a terminal's cursor, or end the line.
logger = Logger(json_serializer=partial(json.dumps, default=str, separators=(",", ":")))
metrics = Metrics(namespace="Batchdrop")
tracer = Tracer()

# At DEBUG these write whole answers, the decrypted key of Parameter Store among them.
for talkative in ("botocore", "boto3", "httpcore", "httpx", "s3transfer", "urllib3"):
    logging.getLogger(talkative).setLevel(logging.WARNING)


def measured(
    handler: Callable[[Event, LambdaContext], Answer],
) -> Callable[[Event, LambdaContext], Answer]:
    """Publishes what was counted, if anything was: a metric costs by the hour it is heard in."""

    @wraps(handler)
    def measuring(event: Event, context: LambdaContext) -> Answer:
        try:
            return handler(event, context)
        finally:
            if metrics.provider.metric_set:
                metrics.flush_metrics()

    return measuring


def count(name: str, how_many: int = 1) -> None:
    """A metric by name; nothing where there was nothing to count."""
    if how_many:
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=how_many)


def record(found: Mapping[str, object]) -> None:
    """What a run found: seconds, which may be none, and counts."""
    for name, number in found.items():
        if not isinstance(number, int):
            continue
        if name.endswith("Seconds"):
            metrics.add_metric(name=name, unit=MetricUnit.Seconds, value=number)
        else:
            count(name, number)


@contextmanager
def log_failure(**ids: object) -> Iterator[None]:
    """What keeps failing ends as a dead letter: each try leaves one line that says why."""
    try:
        yield
    except Exception as error:
        notes = getattr(error, "__notes__", ())  # such as OpenAI's id of a request
        said = sanitize(f"{type(error).__name__}: {error}", REASON)
        reason = "; ".join((said, *map(sanitize, notes)))
        logger.error("not done", reason=reason, **ids)  # type: ignore[arg-type]  # the runtime logs the trace
        raise
