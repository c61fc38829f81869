"""S3 says that an object changed, or poll asks for the sync of a library."""

import json
from functools import cache

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from functions.library.flow import keep_in_sync
from shared.library.edges import LibraryEdges
from shared.queue_handler import queue_handler
from shared.telemetry import count_outcome, log_failure, logger

edges = cache(LibraryEdges.in_lambda)


def take(record: SQSRecord) -> None:
    with log_failure(message=record.message_id):
        outcomes = keep_in_sync(edges(), json.loads(record.body))
    logger.info("library done", outcomes=outcomes)
    for outcome, number in outcomes.items():
        count_outcome("library", outcome, number)


handler = queue_handler(take)
