"""Each message names a part whose batch has ended, or a batch that is said to have."""

from functools import cache

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from functions.land.flow import land
from functions.land.look import asked_look, look
from shared.jobs.edges import JobEdges
from shared.jobs.part_handler import part_taker
from shared.queue_handler import queue_handler
from shared.telemetry import count_outcome, log_failure, logger

edges = cache(JobEdges.in_lambda)
take_part = part_taker("land", edges, land)


def take(record: SQSRecord) -> None:
    ref = asked_look(record.body)
    if ref is None:
        take_part(record)
        return
    with log_failure(batch=ref.batch):
        outcome = look(edges(), ref)
    logger.info("land has looked", batch=ref.batch, outcome=outcome)
    count_outcome("looks", outcome)


handler = queue_handler(take)
