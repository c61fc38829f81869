"""The door's logger, metrics and tracer: made once, opening nothing.

Never logged, whatever the level: requests, answers, keys.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger(service="batchdrop")
metrics = Metrics(namespace="Batchdrop", service="batchdrop")
tracer = Tracer(service="batchdrop")

# At DEBUG these write whole answers, the decrypted key of Parameter Store among them.
for talkative in ("botocore", "boto3", "httpcore", "httpx", "s3transfer", "urllib3"):
    logging.getLogger(talkative).setLevel(logging.WARNING)


def count(name: str, how_many: int = 1) -> None:
    """A metric by name; few dimensions on purpose, each costs."""
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=how_many)


@contextmanager
def said_why(**ids: object) -> Iterator[None]:
    """What keeps failing ends as a dead letter: each try leaves one line that says why."""
    try:
        yield
    except Exception as error:
        logger.error("not done", reason=f"{type(error).__name__}: {error}"[:1_000], **ids)  # type: ignore[arg-type]  # the runtime logs the trace
        raise
