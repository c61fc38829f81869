"""Each alarm is made to ring: the situation it is for happens, and it hears what is published then.

Metrics of our own come out of the deployed handlers. Those that AWS publishes are made from what
happened: a run that raised is an error, a message that lies in a queue is visible. That an alarm
stays silent where all is well is asked of each, too.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from functions.audit import handler as audit
from functions.intake import handler as intake
from functions.land import handler as land
from functions.library import handler as library
from functions.poll import handler as poll
from functions.submit import handler as submit
from functions.webhook import handler as webhook
from shared.telemetry import metrics
from tests.support.alarms import Datapoint, alarms, of, published, ringing_test, rings
from tests.support.audit_logs import events
from tests.support.audit_world import AuditWorld
from tests.support.aws import queue_arn, template
from tests.support.batch_files import chats
from tests.support.lambda_events import Context, sqs_event
from tests.support.webhooks import SECRET, called, event, signed
from tests.support.world import World

TEAM = "batchdrop"  # the stack's name, which POWERTOOLS_SERVICE_NAME carries
ALARMS = alarms()
QUEUES = {"intake": intake, "land": land, "library": library, "submit": submit}
HANDLERS: dict[str, Any] = {"audit": audit, "poll": poll, "webhook": webhook, **QUEUES}


@pytest.fixture(autouse=True)
def stack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics.provider, "service", TEAM)


Run = Callable[..., list[Datapoint]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Invokes a function as Lambda does; what it publishes, and what AWS does about the run."""

    def invoke(function: str, event: Mapping[str, Any], ms_left: int = 55_000) -> list[Datapoint]:
        capsys.readouterr()
        failed = 1.0
        with suppress(Exception):
            HANDLERS[function].handler(event, Context(ms_left=ms_left))
            failed = 0.0
        of_it = ("FunctionName", of(f"{function.title()}Function"))
        return [
            *published(capsys.readouterr().out),
            Datapoint("AWS/Lambda", "Invocations", 1.0, (of_it,)),
            Datapoint("AWS/Lambda", "Errors", failed, (of_it,)),
        ]

    return invoke


def check(alarm: str, *, wrong: list[list[Datapoint]], well: list[list[Datapoint]]) -> None:
    assert rings(ALARMS[alarm], *wrong)
    assert not rings(ALARMS[alarm], *well)


def test_each_alarm_has_its_test() -> None:
    here = globals()
    made_to_ring = {name: ringing_test(name) for name in ALARMS}

    assert [name for name, test in made_to_ring.items() if test not in here] == []


# What the functions publish


@pytest.mark.parametrize("refusal", ["unauthorized", "forbidden", "quota_exhausted"])
def test_action_required(deployed: World, run: Run, refusal: str) -> None:
    deployed.drop("a.jsonl", chats(3))
    run("intake", sqs_event(deployed, "intake"))
    handed_on = sqs_event(deployed, "submit")
    deployed.small.misbehave(refusal, times=None)
    wrong = run("submit", handed_on)
    deployed.small.clear_quirks()
    well = run("submit", handed_on)

    check("action-required", wrong=[wrong, []], well=[well, well])


def test_oldest_job(deployed: World, run: Run) -> None:
    well = run("poll", {})
    deployed.drop("a.jsonl", chats(1))  # by the world's clock, long before now
    deployed.run_functions()

    check("oldest-job", wrong=[run("poll", {})], well=[well])


@pytest.mark.parametrize("route", ["list_files", "list_batches"])
def test_sweep_not_done(deployed: World, run: Run, route: str) -> None:
    well = run("poll", {"sweep": True})
    deployed.small.misbehave("error_500_before", times=None, route=route)
    wrong = run("poll", {"sweep": True})

    check("sweep-not-done", wrong=[wrong, wrong], well=[[], well])
    assert rings(ALARMS["sweep-not-done"], [], []), "its schedule is gone"


@pytest.mark.parametrize(
    "code",
    ["ThrottlingException", "ProvisionedThroughputExceededException", "RequestLimitExceeded"],
)
def test_aws_throttles(
    deployed: World, run: Run, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    well = run("poll", {})
    with dynamodb_that_says(code) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", url)
        poll.edges.cache_clear()
        wrong = run("poll", {})

    check("aws-throttles", wrong=[wrong, well, wrong], well=[wrong, well, well])


def test_audit_losses(deployed_audit: AuditWorld, run: Run) -> None:
    deployed_audit.add(events(3, happened(deployed_audit), 3))
    well = run("audit", {})
    later(deployed_audit)
    odd = {"effective_at": happened(deployed_audit), "id": "odd", "type": ["no", "type"]}
    deployed_audit.add([odd])

    check("audit-losses", wrong=[run("audit", {})], well=[well])


@pytest.mark.parametrize("is_refused", [True, False])
def test_audit_behind(deployed_audit: AuditWorld, run: Run, is_refused: bool) -> None:
    """It fails and so says nothing, or it runs and does not catch up."""
    well = run("audit", {})
    later(deployed_audit)
    if is_refused:
        deployed_audit.small.misbehave("forbidden", times=None)
    else:
        later(deployed_audit, hours=2)
        deployed_audit.add(events(300, happened(deployed_audit) - 6_000, 3_000))
    wrong = run("audit", {}, ms_left=15_000)

    check("audit-behind", wrong=[wrong], well=[well])


def test_audit_no_events(deployed_audit: AuditWorld, run: Run) -> None:
    wrong = run("audit", {})
    later(deployed_audit)
    deployed_audit.add(events(1, happened(deployed_audit), 1))

    check("audit-no-events", wrong=[wrong], well=[run("audit", {})])


def happened(world: AuditWorld) -> float:
    return world.clock.seconds() - 30


def later(world: AuditWorld, **passed: float) -> None:
    """The next tick is a minute later, or so much."""
    world.clock.advance(**(passed or {"minutes": 1}))
    audit.edges().now = world.clock


# What AWS publishes about them


@pytest.mark.parametrize("function", ["intake", "land", "library", "poll", "submit"])
def test_errors(deployed: World, run: Run, function: str) -> None:
    deployed.drop("a.jsonl", chats(1))
    event = {} if function == "poll" else message(deployed, function)
    well = run("poll", {}) if function == "poll" else []
    deployed.session.client("dynamodb").delete_table(TableName="ledger")
    wrong = [point for _ in range(3) for point in run(function, event)]

    check(f"{function}-errors", wrong=[wrong], well=[well])
    assert not rings(ALARMS[f"{function}-errors"], wrong[: 2 * len(wrong) // 3])


def test_webhook_errors(deployed: World, run: Run) -> None:
    """Its secret is not stored."""
    body = event("batch.completed")
    calls = called(signed(body, datetime.now(UTC)), body)
    wrong = [point for _ in range(3) for point in run("webhook", calls)]
    deployed.store_secret(SECRET)
    webhook.receiver.cache_clear()
    well = run("webhook", calls)

    check("webhook-errors", wrong=[wrong], well=[well])


@pytest.mark.parametrize("minutes", ["1", "5", "15"])
def test_poll_errors_and_not_run_at_every_pace(deployed: World, run: Run, minutes: str) -> None:
    paced = alarms(PollEveryMinutes=minutes)
    well = run("poll", {})
    deployed.session.client("dynamodb").delete_table(TableName="ledger")
    wrong = run("poll", {})
    most = max(1, int(paced["poll-errors"]["Period"]) // (60 * int(minutes)))

    assert rings(paced["poll-errors"], wrong * most), "every tick of one period fails"
    assert not rings(paced["poll-errors"], wrong * 2 + well)
    assert rings(paced["poll-not-run"], [])
    assert not rings(paced["poll-not-run"], well)
    assert int(paced["poll-not-run"]["Period"]) >= 3 * 60 * int(minutes)


def message(world: World, function: str) -> dict[str, Any]:
    bodies = {
        "intake": None,
        "land": '{"job": "j", "part": 1}',
        "library": '{"library": "handbook"}',
        "submit": '{"job": "j", "part": 1}',
    }
    if body := bodies[function]:
        world.sqs.send_message(QueueUrl=world.queues[function], MessageBody=body)
    return sqs_event(world, function)


@pytest.mark.parametrize("minutes", ["1", "5", "15", "60"])
def test_audit_errors_and_not_run_at_every_pace(
    deployed_audit: AuditWorld, run: Run, minutes: str
) -> None:
    paced = alarms(AuditEveryMinutes=minutes)
    well = run("audit", {})
    later(deployed_audit)
    deployed_audit.small.misbehave("forbidden", times=None)
    wrong = run("audit", {})
    most = max(1, int(paced["audit-errors"]["Period"]) // (60 * int(minutes)))

    assert rings(paced["audit-errors"], wrong * most), "every tick of one period fails"
    assert not rings(paced["audit-errors"], wrong * 2 + well)
    assert rings(paced["audit-not-run"], [])
    assert not rings(paced["audit-not-run"], well)
    assert int(paced["audit-not-run"]["Period"]) >= 3 * 60 * int(minutes)
    assert int(paced["audit-behind"]["Period"]) >= 3 * 60 * int(minutes)


def test_poll_not_run(deployed: World, run: Run) -> None:
    check("poll-not-run", wrong=[[]], well=[run("poll", {})])


@pytest.mark.parametrize("seconds", ["10", "60", "120", "300", "840"])
@pytest.mark.parametrize(
    "function", ["audit", "intake", "land", "library", "poll", "submit", "webhook"]
)
def test_time_left(function: str, seconds: str) -> None:
    fixed = {"audit": "55", "poll": "300", "webhook": "15"}
    alarm = alarms(FunctionTimeoutSeconds=seconds)[f"{function}-time-left"]
    allowed = float(fixed.get(function, seconds)) * 1_000
    of_it = (("FunctionName", of(f"{function.title()}Function")),)

    wrong, well = (
        [Datapoint("AWS/Lambda", "Duration", allowed * share, of_it)] for share in (0.95, 0.8)
    )
    assert rings(alarm, wrong)
    assert not rings(alarm, well)


@pytest.mark.parametrize("name", [*QUEUES])
def test_dead_letters(deployed: World, name: str) -> None:
    queue = template()["Resources"][f"{name.title()}Queue"]["Properties"]
    sqs = deployed.sqs
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    policy = {
        "deadLetterTargetArn": queue_arn(deployed.session, dead),
        "maxReceiveCount": queue["RedrivePolicy"]["maxReceiveCount"],
    }
    attributes: Any = {"RedrivePolicy": json.dumps(policy), "VisibilityTimeout": "0"}
    url = sqs.create_queue(QueueName="queue", Attributes=attributes)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="never done")
    seen = []
    for _ in range(6):
        sqs.receive_message(QueueUrl=url)
        seen.append(visible(deployed, dead, f"{name.title()}DeadLetters"))

    check(f"{name}-dead-letters", wrong=[seen[-1]], well=[seen[0]])


def visible(world: World, url: str, resource: str) -> list[Datapoint]:
    name: Any = "ApproximateNumberOfMessages"
    found = world.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])
    count = float(found["Attributes"][name])
    of_it = (("QueueName", of(resource, "QueueName")),)
    return [Datapoint("AWS/SQS", "ApproximateNumberOfMessagesVisible", count, of_it)]


def test_event_dead_letters(deployed: World) -> None:
    """EventBridge or Lambda puts it there: that they may is the template's, and tested there."""
    url = deployed.sqs.create_queue(QueueName="events")["QueueUrl"]
    well = visible(deployed, url, "EventDeadLetters")
    deployed.sqs.send_message(QueueUrl=url, MessageBody='{"detail-type": "Cancel Job"}')

    check("event-dead-letters", wrong=[visible(deployed, url, "EventDeadLetters")], well=[well])


@pytest.mark.parametrize("name", [*QUEUES])
def test_oldest_message(name: str) -> None:
    of_it = (("QueueName", of(f"{name.title()}Queue", "QueueName")),)
    wrong, well = (
        [Datapoint("AWS/SQS", "ApproximateAgeOfOldestMessage", age, of_it, "Seconds")]
        for age in (7_300.0, 7_000.0)
    )

    check(f"{name}-oldest-message", wrong=[wrong], well=[well])


@pytest.mark.parametrize(
    ("alarm", "topic"),
    [("alerts-undelivered", "AlertTopic"), ("notifications-undelivered", "Topic")],
)
def test_undelivered(alarm: str, topic: str) -> None:
    of_it = (("TopicName", of(topic, "TopicName")),)
    wrong = [Datapoint("AWS/SNS", "NumberOfNotificationsFailed", 1.0, of_it)]
    well = [Datapoint("AWS/SNS", "NumberOfNotificationsDelivered", 1.0, of_it)]

    check(alarm, wrong=[wrong], well=[well])


def test_throttles() -> None:
    wrong = [Datapoint("AWS/Lambda", "Throttles", 1.0)]
    of_one = (("FunctionName", of("PollFunction")),)

    check("throttles", wrong=[wrong], well=[[Datapoint("AWS/Lambda", "Throttles", 1.0, of_one)]])


@contextmanager
def dynamodb_that_says(code: str) -> Iterator[str]:
    """A DynamoDB over a socket that turns every call away."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}"}).encode()
            self.send_response(400)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
