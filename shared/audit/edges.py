"""Builds what the audit function touches, each thing when it is first used."""

from functools import cached_property
from pathlib import Path

from shared.audit.api import AuditApi
from shared.audit.bus import AuditBus
from shared.audit.config import Config, read_config
from shared.audit.engine import Engine
from shared.audit.sigma.folder import RuleBucket, Unused, read_folder
from shared.audit.tables import AuditTables
from shared.aws.s3 import S3Store
from shared.edges import CommonEdges, utc_now
from shared.openai.client import connect
from shared.settings import Settings

CONFIG = Path(__file__).with_name("detections.yaml")
RULES = "rules"  # a folder beside it


class AuditSettings(Settings):
    """A variable's name is the field's in capitals."""

    audit_bucket: str = ""  # evidence: events, alerts, manifests
    audit_events_table: str = ""
    audit_state_table: str = ""
    openai_admin_key_secret: str = ""  # an SSM parameter's name or a Secrets Manager ARN
    audit_config: str = ""  # the detections' YAML; empty: the one that is packaged
    audit_kept_days: int = 400  # of events and alerts in DynamoDB; S3 keeps them for good
    audit_first_days: int = 365  # how far back the first run asks
    audit_calls_at_once: int = 16  # to AWS, of those that do not depend on each other
    audit_interval_seconds: int = 60  # between two ticks
    audit_lease_seconds: int = 90  # longer than the function may run
    audit_page: int = 100  # events OpenAI lists at a time, at most
    audit_tenant: bool = True  # ask for the tenant's events too


class AuditEdges(CommonEdges):
    """Everything the audit flow may touch."""

    settings: AuditSettings

    @classmethod
    def in_lambda(cls) -> "AuditEdges":
        """Built from the environment."""
        return cls(AuditSettings.load(), utc_now)

    @cached_property
    def s3(self) -> S3Store:
        """The audit bucket; the functions' data is another's."""
        settings = self.settings
        return S3Store(self._client("s3"), settings.audit_bucket, settings.upload_piece_bytes)

    def seconds(self) -> int:
        return int(self.now().timestamp())

    @cached_property
    def engine(self) -> Engine:
        return Engine(self.config)

    @cached_property
    def config(self) -> Config:
        return read_config(self._config_file.read_text())

    @property
    def _config_file(self) -> Path:
        return Path(self.settings.audit_config) if self.settings.audit_config else CONFIG

    @cached_property
    def _rules(self) -> RuleBucket:
        return RuleBucket(self.s3, read_folder(self._config_file.with_name(RULES)))

    def load_rules(self) -> tuple[Unused, ...]:
        """Puts the team's own rules in force as they are now; returns those that can't be."""
        loaded = self._rules.read(self.seconds())
        if loaded.own != self.config.own:
            self.config = self.config.with_own(loaded.own)
            self.engine = Engine(self.config)
        return loaded.unused

    @cached_property
    def api(self) -> AuditApi:
        http = self._given_http or connect(self.settings.openai_base_url, {})
        key = self.secret(self.settings.openai_admin_key_secret)
        return AuditApi(http, key, self._pause)

    @cached_property
    def tables(self) -> AuditTables:
        return AuditTables(
            self._dynamodb().meta.client,
            self._plain_dynamodb(),
            self.settings.audit_events_table,
            self.settings.audit_state_table,
            self.settings.audit_calls_at_once,
        )

    @cached_property
    def bus(self) -> AuditBus:
        return AuditBus(self.event_bus, self.settings.audit_calls_at_once)

    def close(self) -> None:
        """Lets go of OpenAI's connections, for a process that is not about to end."""
        self.api.close()
