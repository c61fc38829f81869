"""Triggered by S3 through a queue: a file was dropped."""

from functools import cache

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from functions.intake.flow import take_dropped
from shared.aws.s3_events import dropped
from shared.jobs.edges import JobEdges
from shared.library.paths import LIBRARIES
from shared.queue_handler import queue_handler
from shared.telemetry import count, count_outcome, log_failure, logger

edges = cache(JobEdges.in_lambda)


def take(record: SQSRecord) -> None:
    count("Notifications")
    for source in dropped(record.body):
        with log_failure(bucket=source.bucket, key=source.key, version=source.version):
            if source.key.startswith(LIBRARIES):
                continue  # the library function hears of it
            job = take_dropped(edges(), source)
        if job is None:
            continue
        logger.info("taken in", job=job.id, state=job.state, requests=job.requests)
        count_outcome("jobs", job.state)


handler = queue_handler(take)
