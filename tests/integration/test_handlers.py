"""Each function as Lambda calls it: environment, event in, partial failures out."""

import json
import logging
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError

from functions.intake import handler as intake
from functions.land import handler as land
from functions.library import handler as library
from functions.poll import flow
from functions.poll import handler as poll
from functions.submit import handler as submit
from functions.webhook import handler as webhook
from local.paths import ROOT
from shared.jobs.model import JobState
from shared.telemetry import metrics
from tests.support.aws import aws
from tests.support.batch_files import chats
from tests.support.lambda_events import Context, sqs_event
from tests.support.names import INBOX
from tests.support.webhooks import SECRET, called, event, signed
from tests.support.world import World

Failures = dict[str, list[dict[str, str]]]


def test_a_file_goes_through_all_four_handlers(deployed: World) -> None:
    job = deployed.drop("a file.jsonl", chats(3))
    deployed.clock.advance(minutes=1)

    assert intake.handler(sqs_event(deployed, "intake"), Context()) == {"batchItemFailures": []}
    assert submit.handler(sqs_event(deployed, "submit"), Context()) == {"batchItemFailures": []}
    deployed.clock.advance(hours=1)
    poll.handler({}, Context())
    assert land.handler(sqs_event(deployed, "land"), Context()) == {"batchItemFailures": []}

    assert deployed.job(job).state is JobState.COMPLETED
    assert len(deployed.results(deployed.job(job))) == 3


def test_a_documents_change_goes_through_both_handlers(deployed: World) -> None:
    event = json.loads((ROOT / "events" / "library_changed.json").read_text())
    record = event["Records"][0]["s3"]
    record["bucket"]["name"] = INBOX
    deployed.s3.put_object(Bucket=INBOX, Key="libraries/handbook/guides/first steps.md", Body=b"Go")
    deployed.sqs.send_message(QueueUrl=deployed.queues["library"], MessageBody=json.dumps(event))

    assert library.handler(sqs_event(deployed, "library"), Context()) == {"batchItemFailures": []}
    poll.handler({}, Context())
    assert library.handler(sqs_event(deployed, "library"), Context()) == {"batchItemFailures": []}

    (document,) = deployed.edges.library_table.rows("handbook")[0]
    assert document.name == "guides/first steps.md"
    assert [each.purpose for each in deployed.small.files.values()] == ["assistants"]


def test_s3s_test_event_is_answered_and_forgotten(deployed: World) -> None:
    body = json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": INBOX})
    deployed.sqs.send_message(QueueUrl=deployed.queues["intake"], MessageBody=body)

    assert intake.handler(sqs_event(deployed, "intake"), Context()) == {"batchItemFailures": []}


def test_a_message_that_could_not_be_worked_on_comes_back_alone(
    deployed: World, caplog: pytest.LogCaptureFixture
) -> None:
    deployed.drop("a.jsonl", chats(1))
    deployed.sqs.send_message(QueueUrl=deployed.queues["intake"], MessageBody="no JSON")
    event = sqs_event(deployed, "intake")

    with caplog.at_level(logging.DEBUG):
        failures = intake.handler(event, Context())["batchItemFailures"]

    assert [each["itemIdentifier"] for each in failures] == [event["Records"][1]["messageId"]]


def test_what_could_not_be_done_says_why_in_one_line(
    deployed: World, caplog: pytest.LogCaptureFixture
) -> None:
    job = deployed.drop("a.jsonl", chats(1))
    intake.handler(sqs_event(deployed, "intake"), Context())
    deployed.session.client("dynamodb").delete_table(TableName="ledger")

    with pytest.raises(BatchProcessingError):
        submit.handler(sqs_event(deployed, "submit"), Context())

    (said,) = [vars(each) for each in caplog.records if each.message == "not done"]
    assert said["job"] == job
    assert said["part"] == 1
    assert "ResourceNotFoundException" in said["reason"]


def test_what_openai_refused_is_said_with_the_id_its_support_asks_for(
    deployed: World, caplog: pytest.LogCaptureFixture
) -> None:
    deployed.drop("a.jsonl", chats(1))
    deployed.run_functions()
    deployed.clock.advance(hours=1)
    flow.poll(deployed.edges)
    deployed.small.misbehave("forbidden", times=None)

    land.handler(sqs_event(deployed, "land"), Context())

    (said,) = [vars(each) for each in caplog.records if each.message == "waits"]
    assert "missing" in said["reason"].lower()
    assert re.search(r"OpenAI request req_[0-9a-f]{32}$", said["reason"])


def test_cancelling_approving_and_sweeping_come_through_polls_handler(deployed: World) -> None:
    job = deployed.drop("a.jsonl", chats(1))
    intake.handler(sqs_event(deployed, "intake"), Context())
    event = json.loads((ROOT / "events" / "cancel_job.json").read_text())
    event["detail"]["job"] = job

    assert poll.handler(event, Context()) == {"job": job, "outcome": "cancelling"}
    event = json.loads((ROOT / "events" / "approve_job.json").read_text())
    event["detail"]["job"] = job
    assert poll.handler(event, Context()) == {"job": job, "outcome": "accepted"}
    found = poll.handler({"sweep": True}, Context())
    assert found == {
        "LibrariesReconciled": 0,
        "FilesReplayed": 0,
        "UploadsDeleted": 0,
        "SecondBatches": 0,
        "SweepsDone": 1,
    }


def test_a_tick_that_comes_late_leaves_the_work_to_the_next_and_a_word_does_not(
    deployed: World,
) -> None:
    job = deployed.drop("a.jsonl", chats(1))
    intake.handler(sqs_event(deployed, "intake"), Context())
    event = json.loads((ROOT / "events" / "cancel_job.json").read_text())
    event["detail"]["job"], event["time"] = job, "2020-01-01T00:00:00Z"

    assert poll.handler({"scheduled": "2020-01-01T00:00:00Z"}, Context()) == {"TicksSkipped": 1}
    assert poll.handler(event, Context()) == {"job": job, "outcome": "cancelling"}


@pytest.mark.parametrize(("minutes", "skipped"), [(1, True), (5, False), (15, False)])
def test_a_tick_of_a_slower_clock_is_late_later(
    deployed: World, monkeypatch: pytest.MonkeyPatch, minutes: int, skipped: bool
) -> None:
    monkeypatch.setenv("POLL_EVERY_MINUTES", str(minutes))
    poll.edges.cache_clear()
    due = datetime.now(UTC) - timedelta(minutes=3)

    found = poll.handler({"scheduled": due.isoformat()}, Context())

    assert ("TicksSkipped" in found) is skipped


@pytest.mark.parametrize("encoded", [False, True])
def test_a_webhook_comes_through_its_url_and_a_batch_lands(deployed: World, encoded: bool) -> None:
    job = deployed.drop("a.jsonl", chats(2))
    intake.handler(sqs_event(deployed, "intake"), Context())
    submit.handler(sqs_event(deployed, "submit"), Context())
    deployed.clock.advance(hours=1)
    deployed.store_secret(SECRET)
    body = event("batch.completed", next(iter(deployed.small.batches)))
    headers = signed(body, datetime.now(UTC))
    titled = {name.title(): value for name, value in headers.items()}

    answer = webhook.handler(called(titled, body, encoded=encoded), Context())
    land.handler(sqs_event(deployed, "land"), Context())

    assert answer == {"statusCode": 200}
    assert deployed.job(job).state is JobState.COMPLETED


@pytest.mark.parametrize("body", ["", "no Base64 at all!", "é"])
def test_a_webhook_of_a_stranger_gets_401_and_no_word(deployed: World, body: str) -> None:
    deployed.store_secret(SECRET)
    headers = signed(b"something else", datetime.now(UTC))
    found = {
        webhook.handler({"headers": each, "body": body, "isBase64Encoded": coded}, Context())[
            "statusCode"
        ]
        for each in ({}, headers)
        for coded in (False, True)
    }

    assert found == {401}


def test_what_openai_says_about_safety_is_looked_up_and_told(deployed: World) -> None:
    alert = {
        "id": "alert_1",
        "object": "safety.alert",
        "created_at": 1,
        "error_type": "potentially_unintended_data_access",
        "model": "gpt-5",
        "reason": "It read more than it was asked to.",
        "request_id": "req_1",
        "request_paused": True,
        "response_id": "resp_1",
    }
    deployed.small.organization.webhooks.safety_alerts["alert_1"] = alert
    detail = {"type": "safety.alert.created", "event": "evt_1", "object": "alert_1"}
    unknown = {"type": "safety.warning_issued", "event": "evt_2", "object": "case_1"}

    told = [
        poll.handler({"detail-type": "Safety Event", "detail": each}, Context())
        for each in (detail, unknown)
    ]

    assert told == [{"outcome": "looked up"}, {"outcome": "told"}]
    first, second = deployed.published()
    assert first["Subject"] == "Safety Alert: evt_1"
    assert "potentially unintended data access (It read more" in first["Message"]
    assert "The request was paused." in first["Message"]
    assert "dashboard" in second["Message"]


def test_a_sweep_of_which_one_step_fails_does_the_others(deployed: World) -> None:
    deployed.s3.put_object(Bucket=INBOX, Key="libraries/handbook/a.md", Body=b"Go")
    deployed.small.misbehave("error_500_before", times=None, route="list_files")

    with pytest.raises(ExceptionGroup, match="some of the daily sweep"):
        poll.handler({"sweep": True}, Context())

    assert len(sqs_event(deployed, "library")["Records"]) == 1


@pytest.mark.parametrize("secret", ["sk-test-123456", "Say hello"])
def test_neither_keys_nor_prompts_reach_a_log(
    deployed: World,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    secret: str,
) -> None:
    deployed.small.misbehave("unauthorized", route="upload")
    deployed.drop("a.jsonl", chats(3))
    deployed.drop("b.jsonl", chats(1).replace(b"POST", b"PUT"))
    with caplog.at_level(logging.DEBUG):
        intake.handler(sqs_event(deployed, "intake"), Context())
        submit.handler(sqs_event(deployed, "submit"), Context())
        poll.handler({}, Context())

    written = str([vars(record) for record in caplog.records]) + str(capsys.readouterr())
    assert "taken in" in written
    assert secret not in written


@pytest.mark.parametrize("quirk", ["unauthorized", "quota_exhausted", ""])
def test_a_key_that_nobody_can_use_is_a_metric_at_once_whoever_meets_it(
    deployed: World,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    quirk: str,
) -> None:
    deployed.drop("a.jsonl", chats(3))
    intake.handler(sqs_event(deployed, "intake"), Context())
    if quirk:
        deployed.small.misbehave(quirk, times=None)
    else:
        aws().client("ssm").delete_parameter(Name=deployed.edges.settings.openai_key_secret)
    monkeypatch.setattr(metrics.provider, "service", "team-b")  # as POWERTOOLS_SERVICE_NAME says
    capsys.readouterr()

    submit.handler(sqs_event(deployed, "submit"), Context())

    (sent,) = published(capsys.readouterr().out, "ActionsRequired")
    assert sent["ActionsRequired"] >= [1.0]
    assert (sent["service"], sent["_aws"]["CloudWatchMetrics"][0]["Namespace"]) == (
        "team-b",
        "Batchdrop",
    )
    assert sent["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service"]]


def published(out: str, metric: str) -> list[dict[str, Any]]:
    """What CloudWatch would make metrics of, in a function's output."""
    lines = [json.loads(line) for line in out.splitlines() if line.startswith('{"_aws"')]
    return [each for each in lines if metric in each]


@pytest.mark.parametrize(("disabled", "is_loaded"), [("true", False), ("false", True)])
@pytest.mark.parametrize("function", ["audit", "poll", "submit"])
def test_the_sdk_of_traces_is_loaded_only_where_there_are_traces(
    function: str, disabled: str, is_loaded: bool
) -> None:
    code = f"import sys, functions.{function}.handler; print('aws_xray_sdk' in sys.modules)"
    environment = {"POWERTOOLS_TRACE_DISABLED": disabled, "PATH": os.defpath}
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert run.stdout.strip() == str(is_loaded)
