"""What the environment says to the audit function, beside what every function is told."""

from shared.settings import Settings


class AuditSettings(Settings):
    """A variable's name is the field's in capitals."""

    audit_events_table: str = ""
    audit_state_table: str = ""
    openai_admin_key_secret: str = ""  # an SSM parameter's name or a Secrets Manager ARN
    audit_config: str = ""  # the detections' YAML; empty: the one that is packaged
    audit_kept_days: int = 400  # of events and alerts in DynamoDB; S3 keeps them for good
    audit_first_days: int = 365  # how far back the first run asks
    audit_interval_seconds: int = 60  # between two ticks
    audit_lease_seconds: int = 90  # longer than the function may run
    audit_page: int = 100  # events OpenAI lists at a time, at most
    audit_tenant: bool = True  # ask for the tenant's events too
