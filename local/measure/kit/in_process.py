"""AWS by moto and the small OpenAI in this very process, for functions whose calls are counted."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import boto3
import httpx
from moto import mock_aws

from local.measure.kit.moto_speed import quick_transactions
from local.measure.kit.tables import create_table
from local.openai import SmallOpenAI
from shared.audit.edges import AuditEdges, AuditSettings

KEY = "/key"  # the parameter that holds the OpenAI key
START = datetime(2026, 11, 1, tzinfo=UTC)
AUDIT_TABLES = {"AuditEvents": "AuditEvents", "AuditState": "AuditState"}


@contextmanager
def aws_in_process(
    tables: Mapping[str, str], buckets: Sequence[str] = ("data",)
) -> Iterator[boto3.Session]:
    """Tables by the template's name for each; the buckets are versioned, as the template's are."""
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        os.environ.pop(name, None)  # an earlier measurement's testbed is gone
    with mock_aws(), quick_transactions():
        session = boto3.Session("test", "test", region_name="us-east-1")
        for resource, name in tables.items():
            create_table(session, resource, name)
        s3 = session.client("s3")
        for bucket in buckets:
            s3.create_bucket(Bucket=bucket)
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        session.client("events").create_event_bus(Name="bus")
        session.client("ssm").put_parameter(Name=KEY, Value="sk-admin-bench", Type="SecureString")
        yield session


def topic(session: boto3.Session) -> str:
    arn: str = session.client("sns").create_topic(Name="published")["TopicArn"]
    return arn


def audit_edges(session: boto3.Session, small: SmallOpenAI) -> AuditEdges:
    """An hour after START, with `AUDIT_TABLES`."""
    settings = AuditSettings(
        audit_events_table="AuditEvents",
        audit_state_table="AuditState",
        audit_first_days=1,
        audit_tenant=False,
        audit_bucket="data",
        bus_name="bus",
        topic_arn=topic(session),
        openai_admin_key_secret=KEY,
    )
    http = httpx.Client(transport=small.transport(), base_url="http://small.test/v1")
    return AuditEdges(settings, lambda: START + timedelta(hours=1), session, http)
