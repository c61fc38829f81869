"""What every function may touch; each thing is built once a process, at its first use."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Self

import boto3
import httpx
from botocore.config import Config

from shared.aws.event_bus import EventBus
from shared.aws.failures import count_throttle
from shared.aws.notifier import Notifier
from shared.aws.s3 import S3Store
from shared.aws.secrets import Secret, SecretHeaders
from shared.settings import Settings

# "adaptive" suits many callers of one account; a function runs briefly: few tries, short waits.
AWS = Config(connect_timeout=5, read_timeout=60, retries={"mode": "standard", "max_attempts": 4})


def utc_now() -> datetime:
    """The clock of deployed functions; everything else is given `now`."""
    return datetime.now(UTC)


class CommonEdges:
    """Tests pass their own session and HTTP client, nothing else."""

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
    def in_lambda(cls) -> Self:
        """As the function's environment says."""
        return cls(Settings.load(), utc_now)

    @cached_property
    def s3(self) -> S3Store:
        settings = self.settings
        return S3Store(self._client("s3"), settings.data_bucket, settings.upload_piece_bytes)

    @cached_property
    def notifier(self) -> Notifier:
        return Notifier(self.event_bus, self._client("sns"), self.settings.topic_arn)

    @cached_property
    def event_bus(self) -> EventBus:
        return EventBus(self._client("events"), self.settings.bus_name)

    def secret(self, reference: str) -> Secret:
        return Secret(reference, *self._secret_stores(), self.now)

    def secret_headers(self, reference: str) -> SecretHeaders:
        return SecretHeaders(reference, *self._secret_stores(), self.now)

    def _secret_stores(self) -> tuple[Callable[[], Any], Callable[[], Any]]:
        return lambda: self._client("ssm"), lambda: self._client("secretsmanager")

    @cached_property
    def _session(self) -> boto3.Session:
        session = self._given_session or boto3.Session()
        session.events.register("needs-retry", count_throttle)  # asked after every answer
        return session

    def _client(self, service: Any) -> Any:
        return self._session.client(service, config=AWS)

    def _plain_dynamodb(self) -> Any:
        """Takes values in DynamoDB's own form, unchecked: for writes by the hundred."""
        config = AWS.merge(Config(parameter_validation=False))
        return self._session.client("dynamodb", config=config)

    def _dynamodb(self) -> Any:
        return self._session.resource("dynamodb", config=AWS)
