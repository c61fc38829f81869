"""The door's logger, metrics and tracer: made once, opening nothing.

Never logged, whatever the level: requests, answers, keys.
"""

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger(service="batchdrop")
metrics = Metrics(namespace="Batchdrop", service="batchdrop")
tracer = Tracer(service="batchdrop")


def count(name: str, how_many: int = 1) -> None:
    """A metric by name; few dimensions on purpose, each costs."""
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=how_many)
