"""The function's logger, metrics and tracer: made once, opening nothing.

Never log requests, answers or keys, whatever the level. The only dimension of our metrics is the
stack's name, from POWERTOOLS_SERVICE_NAME: each further dimension costs.
"""

import json
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import TypeVar

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from shared.startup import is_ready
from shared.text import REASON, masked, sanitize

Answer = TypeVar("Answer")
Event = TypeVar("Event")


def _as_line(fields: Mapping[str, object]) -> str:
    """ASCII alone, so that no name can move a terminal's cursor or end the line; and no key."""
    return json.dumps(_masked(fields), default=str, separators=(",", ":"))


def _masked(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: _masked(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(each) for each in value]
    return value if isinstance(value, bool | int | float | None) else masked(str(value))


AWS_THROTTLES = "AwsThrottles"  # AWS turned a call away: too much was asked
ACTIONS_REQUIRED = "ActionsRequired"  # OpenAI refused a key or a quota, or there was no key
logger = Logger(json_serializer=_as_line)
metrics = Metrics(namespace="Batchdrop")
# X-Ray's SDK takes an eighth of a start's processor time: it is loaded only where there are traces.
tracer = Tracer() if os.environ.get("POWERTOOLS_TRACE_DISABLED") == "false" else None

# At DEBUG these write whole answers, the decrypted key of Parameter Store among them.
for verbose in ("botocore", "boto3", "httpcore", "httpx", "s3transfer", "urllib3"):
    logging.getLogger(verbose).setLevel(logging.WARNING)


def traced(work: Callable[..., Answer]) -> Callable[..., Answer]:
    """A part of a trace of its own."""
    if tracer is None:
        return work
    return tracer.capture_method(capture_response=False)(work)


def traced_handler(handler: Callable[..., Answer]) -> Callable[..., Answer]:
    """A trace for each invocation."""
    if tracer is None:
        return handler
    tracing: Callable[..., Answer] = tracer.capture_lambda_handler(capture_response=False)(handler)
    return tracing


def measured(
    handler: Callable[[Event, LambdaContext], Answer],
) -> Callable[[Event, LambdaContext], Answer]:
    """Publishes only what was counted: CloudWatch bills a metric for each hour it receives data.

    Each handler is wrapped in it, as the last thing that its module does.
    """
    is_ready()

    @wraps(handler)
    def measuring(event: Event, context: LambdaContext) -> Answer:
        try:
            return handler(event, context)
        finally:
            if metrics.provider.metric_set:
                metrics.flush_metrics()

    return measuring


def count(name: str, how_many: int = 1) -> None:
    """Adds to a metric; zero adds nothing."""
    if how_many:
        metrics.add_metric(name=name, unit=MetricUnit.Count, value=how_many)


def count_outcome(prefix: str, outcome: str, how_many: int = 1) -> None:
    count(metric_name(prefix, outcome), how_many)


def metric_name(prefix: str, outcome: str) -> str:
    """After both, such as SubmitNotNow."""
    return f"{prefix.title()}{outcome.replace('_', ' ').title().replace(' ', '')}"


def record(found: Mapping[str, object]) -> None:
    """Adds what a run found: whole seconds, and counts."""
    for name, number in found.items():
        if not isinstance(number, int):
            continue
        if name.endswith("Seconds"):
            metrics.add_metric(name=name, unit=MetricUnit.Seconds, value=number)
        else:
            count(name, number)


@contextmanager
def log_failure(**ids: object) -> Iterator[None]:
    """Logs why it failed, once for each try, before the message ends in the dead-letter queue."""
    try:
        yield
    except Exception as error:
        logger.error("not done", reason=_reason(error), **ids)  # type: ignore[arg-type]  # the runtime logs the trace
        raise


def log_wait(error: BaseException, **ids: object) -> None:
    """Logs what is waited for, where the message itself is done."""
    logger.warning("waits", reason=_reason(error), **ids)  # type: ignore[arg-type]  # a line's fields


def _reason(error: BaseException) -> str:
    notes = getattr(error, "__notes__", ())  # such as OpenAI's id of a request
    failure = sanitize(f"{type(error).__name__}: {error}", REASON)
    return "; ".join((failure, *map(sanitize, notes)))
