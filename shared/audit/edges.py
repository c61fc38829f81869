"""Builds what the audit function touches, each thing when it is first used."""

from functools import cached_property
from pathlib import Path

from shared.audit.api import AuditApi
from shared.audit.bus import AuditBus
from shared.audit.config import Config, read_config
from shared.audit.engine import Engine
from shared.audit.settings import AuditSettings
from shared.audit.tables import AuditTables
from shared.edges import CommonEdges, utc_now
from shared.openai.client import connect

CONFIG = Path(__file__).with_name("detections.yaml")


class AuditEdges(CommonEdges):
    """Everything the audit flow may touch."""

    settings: AuditSettings

    @classmethod
    def in_lambda(cls) -> "AuditEdges":
        """As the function's environment says."""
        return cls(AuditSettings.load(), utc_now)

    def seconds(self) -> int:
        return int(self.now().timestamp())

    @cached_property
    def engine(self) -> Engine:
        return Engine(self.config)

    @cached_property
    def config(self) -> Config:
        path = Path(self.settings.audit_config) if self.settings.audit_config else CONFIG
        return read_config(path.read_text())

    @cached_property
    def api(self) -> AuditApi:
        http = self._given_http or connect(self.settings.openai_base_url, {})
        key = self.secret(self.settings.openai_admin_key_secret)
        return AuditApi(http, key, self._pause)

    @cached_property
    def tables(self) -> AuditTables:
        client = self._dynamodb().meta.client
        return AuditTables(
            client, self.settings.audit_events_table, self.settings.audit_state_table
        )

    @cached_property
    def bus(self) -> AuditBus:
        return AuditBus(self._client("events"), self.settings.bus_name)

    def close(self) -> None:
        """Lets go of OpenAI's connections, for a process that is not about to end."""
        self.api.close()
