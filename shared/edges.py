"""Builds what touches the outside, once a process and each thing when it is first used."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import boto3
import httpx
from botocore.config import Config

from shared.landing import Landing
from shared.ledger import Ledger
from shared.openai import OpenAI, connect
from shared.pager import Pager
from shared.queues import Queue
from shared.secrets import Secret
from shared.settings import Settings
from shared.shelves import Shelves
from shared.vector_stores import VectorStores

# Adaptive is for many callers of one account; a door is short: few tries, short waits.
AWS = Config(connect_timeout=5, read_timeout=60, retries={"mode": "standard", "max_attempts": 4})


class Edges:
    """Everything a flow may touch. Tests give their own session and HTTP client, nothing else."""

    def __init__(
        self,
        settings: Settings,
        now: Callable[[], datetime],
        session: boto3.Session | None = None,
        http: httpx.Client | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.settings = settings
        self.now = now
        self._given_session = session
        self._given_http = http
        self._pause = pause

    @classmethod
    def in_lambda(cls) -> "Edges":
        """As the function's environment says, on the clock everybody has."""
        return cls(Settings.load(), now=lambda: datetime.now(UTC))

    @cached_property
    def ledger(self) -> Ledger:
        resource = self._session.resource("dynamodb", config=AWS)
        return Ledger(resource.Table(self.settings.ledger_table))

    @cached_property
    def landing(self) -> Landing:
        return Landing(self._client("s3"), self.settings.data_bucket)

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
    def shelve_queue(self) -> Queue:
        return Queue(self._client("sqs"), self.settings.shelve_queue_url)

    @cached_property
    def shelves(self) -> Shelves:
        resource = self._session.resource("dynamodb", config=AWS)
        return Shelves(resource.Table(self.settings.ledger_table))

    @cached_property
    def vector_stores(self) -> VectorStores:
        return VectorStores(self.openai)

    @cached_property
    def pager(self) -> Pager:
        return Pager(
            self._client("events"),
            self._client("sns"),
            self.settings.bus_name,
            self.settings.topic_arn,
        )

    @cached_property
    def openai(self) -> OpenAI:
        http = self._given_http or connect(self.settings.openai_base_url, self.openai_headers())
        return OpenAI(http, self.secret(self.settings.openai_key_secret), self._pause)

    def secret(self, reference: str) -> Secret:
        return Secret(
            reference,
            lambda: self._client("ssm"),
            lambda: self._client("secretsmanager"),
            self.now,
        )

    def close(self) -> None:
        """Lets go of OpenAI's connections, for a process that is not about to end."""
        self.openai.close()

    @cached_property
    def _session(self) -> boto3.Session:
        return self._given_session or boto3.Session()

    def _client(self, service: Any) -> Any:
        return self._session.client(service, config=AWS)

    def openai_headers(self) -> dict[str, str]:
        asked = {
            "OpenAI-Organization": self.settings.openai_organization,
            "OpenAI-Project": self.settings.openai_project,
        }
        return {name: value for name, value in asked.items() if value}
