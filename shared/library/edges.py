"""What the function of libraries touches."""

from functools import cached_property

from shared.aws.sqs import Queue
from shared.edges import CommonEdges
from shared.library.tables import LibraryTable
from shared.openai.client import OpenAI, connect
from shared.openai.vector_stores import VectorStores


class LibraryEdges(CommonEdges):
    """Everything a sync may touch."""

    @cached_property
    def library_table(self) -> LibraryTable:
        return LibraryTable(self._dynamodb().Table(self.settings.ledger_table))

    @cached_property
    def openai(self) -> OpenAI:
        http = self._given_http or connect(self.settings.openai_base_url, self.openai_headers())
        key = self.secret(self.settings.openai_key_secret)
        headers = self.secret_headers(self.settings.extra_headers).headers
        return OpenAI(http, key, self._pause, headers)

    @cached_property
    def vector_stores(self) -> VectorStores:
        return VectorStores(self.openai)

    @cached_property
    def intake_queue(self) -> Queue:
        return Queue(self._client("sqs"), self.settings.intake_queue_url)

    @cached_property
    def submit_queue(self) -> Queue:
        return Queue(self._client("sqs"), self.settings.submit_queue_url)

    def queue(self, name: str) -> Queue:
        """Where a job or a part is asked for that waited for a library."""
        return {"intake": self.intake_queue, "submit": self.submit_queue}[name]

    def close(self) -> None:
        """Lets go of OpenAI's connections, for a process that is not about to end."""
        self.openai.close()

    def openai_headers(self) -> dict[str, str]:
        asked = {
            "OpenAI-Organization": self.settings.openai_organization,
            "OpenAI-Project": self.settings.openai_project,
        }
        return {name: value for name, value in asked.items() if value}
