"""Builds what the audit door touches, each thing when it is first used."""

import time
from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from pathlib import Path

import boto3  # noqa: TID251  # this door's place where edges are built
import httpx  # noqa: TID251

from shared.audit.config import Config, read_config
from shared.audit.watch import Watch
from shared.audit_api import AuditApi
from shared.audit_bus import AuditBus
from shared.audit_settings import AuditSettings
from shared.audit_tables import AuditTables
from shared.edges import AWS, Edges
from shared.landing import Landing
from shared.openai import connect
from shared.pager import Pager

CONFIG = Path(__file__).parent / "audit" / "detections.yaml"


class AuditEdges:
    """Everything the audit flow may touch. Tests give their own session and HTTP client."""

    def __init__(
        self,
        settings: AuditSettings,
        now: Callable[[], datetime],
        session: boto3.Session | None = None,
        http: httpx.Client | None = None,
        pause: Callable[[float], None] = time.sleep,  # noqa: TID251
    ) -> None:
        self.settings = settings
        self.now = now
        self._session = session or boto3.Session()
        self._http = http
        self._pause = pause
        self._common = Edges(settings, now, self._session, http, pause)

    def seconds(self) -> int:
        return int(self.now().timestamp())

    @cached_property
    def watch(self) -> Watch:
        return Watch(self.config)

    @cached_property
    def config(self) -> Config:
        path = Path(self.settings.audit_config) if self.settings.audit_config else CONFIG
        return read_config(path.read_text())

    @cached_property
    def api(self) -> AuditApi:
        http = self._http or connect(self.settings.openai_base_url, {})
        key = self._common.secret(self.settings.openai_admin_key_secret)
        return AuditApi(http, key, self._pause)

    @cached_property
    def tables(self) -> AuditTables:
        client = self._session.resource("dynamodb", config=AWS).meta.client
        return AuditTables(
            client, self.settings.audit_events_table, self.settings.audit_state_table
        )

    @cached_property
    def bus(self) -> AuditBus:
        return AuditBus(self._session.client("events", config=AWS), self.settings.bus_name)

    def close(self) -> None:
        """Lets go of OpenAI's connections, for a process that is not about to end."""
        self.api.close()

    @property
    def landing(self) -> Landing:
        return self._common.landing

    @property
    def pager(self) -> Pager:
        return self._common.pager
