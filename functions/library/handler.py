"""S3 says that a document came, changed or went; poll says that a library is to be looked after."""

import json
from functools import cache

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from functions.library.flow import shelve
from shared.edges import Edges
from shared.queue_handler import count_outcome, queue_door
from shared.telemetry import logger, said_why

edges = cache(Edges.in_lambda)


def take(record: SQSRecord) -> None:
    with said_why(message=record.message_id):
        outcomes = shelve(edges(), json.loads(record.body))
    logger.info("shelved", outcomes=outcomes)
    for outcome, number in outcomes.items():
        count_outcome("shelve", outcome, number)


handler = queue_door(take)
