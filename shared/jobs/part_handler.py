"""The handler of a function whose messages name parts."""

from collections.abc import Callable

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from shared.jobs.edges import JobEdges
from shared.objects import PartRef
from shared.queue_handler import Handler, queue_handler
from shared.telemetry import count, count_outcome, log_failure, logger

Act = Callable[[JobEdges, PartRef], str]


def part_handler(name: str, edges: Callable[[], JobEdges], act: Act) -> Handler:
    return queue_handler(part_taker(name, edges, act))


def part_taker(name: str, edges: Callable[[], JobEdges], act: Act) -> Callable[[SQSRecord], None]:
    """Lets `act` look at the part that a message names, then logs and counts the outcome."""

    def take(record: SQSRecord) -> None:
        count(f"{name.title()}Messages")
        ref = PartRef.model_validate_json(record.body)
        with log_failure(job=ref.job, part=ref.part):
            outcome = act(edges(), ref)
        part = edges().ledger.part(ref.job, ref.part)
        batch = part.batch_id if part else None
        logger.info(f"{name} has run", job=ref.job, part=ref.part, batch=batch, outcome=outcome)
        count_outcome(name, outcome)

    return take
