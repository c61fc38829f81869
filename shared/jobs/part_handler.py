"""The handler of a function whose messages name parts."""

from collections.abc import Callable

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from shared.jobs.edges import Edges
from shared.objects import PartRef
from shared.queue_handler import Handler, count_outcome, queue_handler
from shared.telemetry import count, log_failure, logger


def part_handler(
    name: str, edges: Callable[[], Edges], act: Callable[[Edges, PartRef], str]
) -> Handler:
    """A handler that lets `act` look at each part, then logs and counts the outcome."""

    def take(record: SQSRecord) -> None:
        count(f"{name.title()}Asked")
        ask = PartRef.model_validate_json(record.body)
        with log_failure(job=ask.job, part=ask.part):
            outcome = act(edges(), ask)
        part = edges().ledger.part(ask.job, ask.part)
        batch = part.batch_id if part else None
        logger.info(f"asked to {name}", job=ask.job, part=ask.part, batch=batch, outcome=outcome)
        count_outcome(name, outcome)

    return queue_handler(take)
