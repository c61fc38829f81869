"""The audit function as Lambda calls it: environment and event in, numbers and metrics out."""

import json
import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from functions.audit import handler as audit
from local.paths import ROOT
from tests.support.audit_logs import event, events
from tests.support.audit_world import ADMIN_KEY, AuditWorld
from tests.support.lambda_events import Context


def wish(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "events" / name).read_text())
    return found


def now() -> float:
    return datetime.now(UTC).timestamp()


def test_a_tick_lands_what_is_new_and_says_how_much(
    deployed_audit: AuditWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    deployed_audit.add(events(30, now() - 60, 30))

    found = audit.handler(wish("audit_tick.json"), Context())

    assert found["AuditEventsLanded"] == len(deployed_audit.rows()) == 30
    metrics = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert metrics["AuditEventsLanded"] == [30.0]
    units = {
        each["Name"]: each["Unit"] for each in metrics["_aws"]["CloudWatchMetrics"][0]["Metrics"]
    }
    assert units["AuditLagSeconds"] == "Seconds"


def test_the_past_is_landed_when_asked_for(deployed_audit: AuditWorld) -> None:
    deployed_audit.add([event(1, 1_767_400_000, "scim.disabled", {"id": "org_1"})])

    audit.handler(wish("audit_backfill.json"), Context())

    assert len(deployed_audit.rows()) == 1
    assert deployed_audit.stored_alerts() == []


def test_neither_key_nor_event_is_logged(
    deployed_audit: AuditWorld, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO)
    deployed_audit.small.misbehave("unauthorized", times=1)
    deployed_audit.add(events(3, now() - 60, 30))

    with pytest.raises(ExceptionGroup) as failure:
        audit.handler(wish("audit_tick.json"), Context())
    audit.handler(wish("audit_tick.json"), Context())

    assert len(deployed_audit.rows()) == 3
    captured = capsys.readouterr()
    written = caplog.text + captured.out + captured.err + str(failure.value.exceptions)
    assert "Audit Logs: Read" in written
    assert ADMIN_KEY not in written
    assert ADMIN_KEY[-6:] not in written
    assert "@example.com" not in written


def test_a_backfill_that_is_not_understood_is_refused(deployed_audit: AuditWorld) -> None:
    with pytest.raises(ValueError, match="from"):
        audit.handler({"backfill": {"to": "2026-01-01"}}, Context())

    assert deployed_audit.rows() == []
