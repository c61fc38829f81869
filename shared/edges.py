"""What the functions of jobs and libraries touch."""

from functools import cached_property

from shared.aws.sqs import Queue
from shared.common_edges import CommonEdges, utc_now
from shared.jobs.ledger import Ledger
from shared.library.tables import LibraryTable
from shared.openai.client import OpenAI, connect
from shared.openai.vector_stores import VectorStores
from shared.settings import Settings


class Edges(CommonEdges):
    """Everything a flow may touch."""

    @classmethod
    def in_lambda(cls) -> "Edges":
        """As the function's environment says."""
        return cls(Settings.load(), utc_now)

    @cached_property
    def ledger(self) -> Ledger:
        return Ledger(self._dynamodb().Table(self.settings.ledger_table))

    @cached_property
    def library_table(self) -> LibraryTable:
        return LibraryTable(self._dynamodb().Table(self.settings.ledger_table))

    @cached_property
    def intake_queue(self) -> Queue:
        return Queue(self._client("sqs"), self.settings.intake_queue_url)

    @cached_property
    def submit_queue(self) -> Queue:
        return Queue(self._client("sqs"), self.settings.submit_queue_url)

    @cached_property
    def land_queue(self) -> Queue:
        return Queue(self._client("sqs"), self.settings.land_queue_url)

    @cached_property
    def library_queue(self) -> Queue:
        return Queue(self._client("sqs"), self.settings.library_queue_url)

    @cached_property
    def openai(self) -> OpenAI:
        http = self._given_http or connect(self.settings.openai_base_url, self.openai_headers())
        return OpenAI(http, self.secret(self.settings.openai_key_secret), self._pause)

    @cached_property
    def vector_stores(self) -> VectorStores:
        return VectorStores(self.openai)

    def close(self) -> None:
        """Lets go of OpenAI's connections, for a process that is not about to end."""
        self.openai.close()

    def openai_headers(self) -> dict[str, str]:
        asked = {
            "OpenAI-Organization": self.settings.openai_organization,
            "OpenAI-Project": self.settings.openai_project,
        }
        return {name: value for name, value in asked.items() if value}
