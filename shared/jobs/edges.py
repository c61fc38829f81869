"""What the functions of jobs touch; a file may ask libraries, so those are within reach too."""

from functools import cached_property

from shared.aws.notifier import Notifier
from shared.aws.sqs import Queue
from shared.jobs.ledger import Ledger
from shared.library.edges import LibraryEdges


class JobEdges(LibraryEdges):
    """Everything a flow of jobs may touch."""

    @cached_property
    def ledger(self) -> Ledger:
        return Ledger(self._dynamodb().Table(self.settings.ledger_table))

    @cached_property
    def alert_notifier(self) -> Notifier:
        """For whoever hears of audit alerts, where there are such people."""
        topic = self.settings.alert_topic_arn or self.settings.topic_arn
        return Notifier(self.event_bus, self._client("sns"), topic)

    @cached_property
    def land_queue(self) -> Queue:
        return Queue(self._client("sqs"), self.settings.land_queue_url)

    @cached_property
    def library_queue(self) -> Queue:
        return Queue(self._client("sqs"), self.settings.library_queue_url)
