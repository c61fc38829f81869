"""The door's logger, metrics and tracer: made once, opening nothing.

Never logged, whatever the level: requests, answers, keys.
"""

import logging

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
