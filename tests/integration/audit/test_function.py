"""The audit function in its world: what it lands, tells and remembers, and how it fails."""

import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest

from functions.audit.backfill import BackfillRequest
from shared.audit.config import Misconfigured
from shared.audit.windows import StuckWalk
from shared.errors import ActionRequired, TryLater
from tests.support.audit_logs import DAY, HOUR, event, events
from tests.support.audit_world import ADMIN_KEY, NOW, AuditWorld, Event, audit_aws
from tests.support.aws import make_queue, queue_arn


@pytest.fixture
def aws() -> Iterator[None]:
    with audit_aws():
        yield


@pytest.fixture
def world(aws: None) -> AuditWorld:
    made = AuditWorld()
    made.tick()
    return made


@pytest.fixture
def configured(aws: None, tmp_path: Path) -> Callable[..., AuditWorld]:
    def make(config: str = "", **settings: Any) -> AuditWorld:
        path = tmp_path / "detections.yaml"
        path.write_text(config)
        made = AuditWorld(settings={"audit_config": str(path), **settings})
        made.tick()
        return made

    return make


OPENED = event(0, NOW + 70, "ip_allowlist.updated", {"id": "list_1", "allowed_ips": ["0.0.0.0/0"]})
OFF = event(1, NOW + 70, "scim.disabled", {"id": "org_1"})
UNKNOWN = event(2, NOW + 71, "tenant_ish.moon.landed", {"id": "moon"})


def test_an_alert_is_a_message_that_a_person_can_act_on(world: AuditWorld) -> None:
    world.add([OPENED])
    world.tick()

    (alert_text,) = world.published()

    assert alert_text["Subject"].startswith(
        "Alert Raised: CRITICAL D2 IP allow-list list_1 opened to the whole internet"
    )
    for told in (
        "2026-11-01 00:01:10 UTC",
        "p0@example.com",
        "203.0.113.0 (Berlin, DE, AS3320)",
        "0.0.0.0/0",
        "What to do:\n1. ",
        "May be harmless",
        OPENED["id"],
    ):
        assert told in alert_text["Message"]


def test_an_alert_is_on_the_bus_for_systems_also_as_ocsf(world: AuditWorld) -> None:
    world.add([OPENED])
    world.tick()

    (told,) = [each for each in world.bus_events() if each["detail-type"] == "Alert Raised"]

    alert, ocsf = told["detail"]["alert"], told["detail"]["ocsf"]
    assert (alert["detection"], alert["severity"]) == ("D2", "critical")
    assert alert["event_ids"] == [OPENED["id"]]
    assert 1 <= len(alert["runbook"]) <= 6
    assert (ocsf["class_uid"], ocsf["severity_id"], ocsf["metadata"]["version"]) == (
        2004,
        5,
        "1.8.0",
    )


def test_an_alert_lies_in_s3_and_in_the_table(world: AuditWorld) -> None:
    world.add([OPENED])
    world.tick()

    (stored,) = world.stored_alerts()
    (written,) = world.alerts()

    assert stored["id"] == written["id"]
    assert written["incident"]
    assert len(world.keys("alerts/dt=2026-11-01/")) == 1


def test_a_signal_is_stored_and_not_sent(world: AuditWorld) -> None:
    world.add([UNKNOWN])
    world.tick()

    assert [alert["severity"] for alert in world.stored_alerts()] == ["signal"]
    assert world.published() == []


FILTERS = [
    ({"kind": ["alert"]}, ["D3", "S2"]),
    ({"kind": ["alert"], "severity": ["high", "critical"]}, ["D3"]),
    ({"detection": ["D3"]}, ["D3"]),
    ({"detection": [{"anything-but": "D3"}]}, ["S2"]),
    ({"kind": ["closed"]}, []),
]


@pytest.mark.parametrize(("policy", "heard"), FILTERS, ids=json.dumps)
def test_a_subscription_hears_what_its_filter_policy_asks_for(
    world: AuditWorld, policy: Event, heard: list[str]
) -> None:
    url = make_queue(world.session, "chosen")
    arn = queue_arn(world.session, url)
    world.session.client("sns").subscribe(
        TopicArn=world.function_settings.topic_arn,
        Protocol="sqs",
        Endpoint=arn,
        Attributes={"FilterPolicy": json.dumps(policy)},
    )
    limit = event(7, NOW + 71, "rate_limit.deleted", {"id": "rl_1"})
    world.add([OFF, limit])
    world.tick()

    subjects = [json.loads(each)["Subject"] for each in world.messages(url)]
    assert sorted(each.split()[3] for each in subjects) == heard


def test_what_people_heard_is_stored_before_the_alerts_that_are_no_news_then(
    world: AuditWorld,
) -> None:
    """More alerts than one transaction takes: whoever dies in between leaves nobody untold."""
    bodies: list[str] = []
    world.edges.tables._plain.meta.events.register(
        "before-call.dynamodb.TransactWriteItems",
        lambda params, **_: bodies.append(str(params["body"])),
    )
    world.add(
        event(7 * n, NOW + 61 + n / 4, "api_key.created", {"id": f"k{n}"}) for n in range(150)
    )
    world.tick(120)

    incidents = [n for n, body in enumerate(bodies) if "INCIDENTS#" in body]
    alerts = [n for n, body in enumerate(bodies) if "ALERT#" in body]
    assert len(alerts) > 1
    assert incidents == [min(alerts)]


def test_a_repeat_within_the_hour_is_not_sent_again(world: AuditWorld) -> None:
    again = {**OFF, "id": "again", "effective_at": NOW + 130}
    later = {**OFF, "id": "later", "effective_at": NOW + 2 * HOUR}
    for each in (OFF, again):
        world.add([each])
        world.tick()
    world.add([later])
    world.tick(2 * HOUR)

    unmuted = [alert_text for alert_text in world.published() if " D3 " in alert_text["Subject"]]
    assert len(unmuted) == 2


@pytest.mark.parametrize("page", [1, 2, 3])
@pytest.mark.parametrize(("alerts", "written"), [("on", "alerts"), ("dry", "dry")])
def test_pages_of_any_size_give_the_same_alerts(
    aws: None, page: int, alerts: str, written: str
) -> None:
    world = AuditWorld(settings={"audit_page": page})
    old = [
        {**OFF, "id": f"off-{minute}", "effective_at": NOW - 40 * DAY + minute * 60}
        for minute in (0, 1, 60)
    ]
    world.add(old)

    world.backfill("2026-09-01", "2026-10-01", alerts)
    world.tick()

    assert len({each["id"] for each in world.alerts(written)}) == 2


def test_an_incident_that_gets_worse_is_told_again(world: AuditWorld) -> None:
    limit = {"id": "rl_1", "changes_requested": {"max_requests_per_1_minute": 500}}
    raised = {"id": "rl_1", "changes_requested": {"max_requests_per_1_minute": 5_000}}
    key = {"id": "key_1", "data": {"scopes": ["all"]}}
    world.add([event(7, NOW + 61, "rate_limit.updated", limit)])
    world.add([event(14, NOW + 70, "rate_limit.updated", raised)])
    world.tick()
    assert ["MEDIUM" in each["Subject"] for each in world.published()] == [True]

    world.add([event(21, NOW + 130, "api_key.created", key)])
    world.tick()

    subjects = [alert_text["Subject"] for alert_text in world.published()]
    assert any("HIGH S2 Limit rl_1 raised" in subject for subject in subjects)
    (limit_alert,) = [a for a in world.stored_alerts() if a["detection"] == "S2"]
    assert limit_alert["severity"] == "high"


def test_an_unknown_event_is_kept_whole(world: AuditWorld) -> None:
    odd = UNKNOWN | {"actor": None, "source": {"new": ["field"]}}
    world.add([odd])
    world.tick()

    assert world.lines() == [odd]


def test_an_unreadable_entry_is_kept_raw_and_the_rest_lands(aws: None) -> None:
    world = AuditWorld()
    strange = '{"object": "list", "data": [{"id": 7}, "text", %s], "has_more": false}'
    body = (strange % json.dumps(OFF)).encode()
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=body))
    world.clock.advance(seconds=120)

    counts = world.tick(60, world.connect(transport=transport))

    assert counts["AuditUnreadable"] > 0
    assert [line["id"] for line in world.lines()] == [OFF["id"]]
    (key,) = world.keys("unreadable/")
    assert gzip.decompress(world.read(key)) == b'{"id": 7}\n"text"\n'


def test_events_are_stored_by_hour_under_names_from_their_content(world: AuditWorld) -> None:
    before = event(8, NOW - 10, "project.updated", {"id": "p"})
    world.add([OFF, before])
    world.tick()

    hours = [key.rpartition("/")[0] for key in world.keys("events/")]

    assert hours == ["events/dt=2026-10-31/hour=23", "events/dt=2026-11-01/hour=00"]


@pytest.mark.parametrize(
    ("index", "value"),
    [("actor", "user-p1"), ("type", "scim.disabled"), ("project", "proj_1"), ("key", "key_1")],
)
def test_the_table_tells_what_somebody_did_and_when(
    world: AuditWorld, index: str, value: str
) -> None:
    by_key = {"type": "api_key", "api_key": {"id": "key_1", "type": "user"}}
    first = OFF | {"project": {"id": "proj_1"}}
    second = {**OFF, "id": "second", "actor": by_key, "effective_at": NOW + 80}
    world.add([first, second])
    world.tick()

    found = (
        world.session.resource("dynamodb")
        .Table("AuditEvents")
        .query(
            IndexName=index,
            KeyConditionExpression="#i = :v",
            ExpressionAttributeNames={"#i": index},
            ExpressionAttributeValues={":v": value},
        )
    )

    times = [int(str(row["time"])) for row in found["Items"]]
    assert times == sorted(times)
    assert len(times) == (2 if index == "type" else 1)


def test_events_on_the_bus_have_their_types_beside_them(world: AuditWorld) -> None:
    some = events(160, NOW + 70, 20)
    world.add(some)
    world.tick()

    told = [each for each in world.bus_events() if each["detail-type"] == "Audit Events"]

    found = [each for message in told for each in message["detail"]["events"]]
    assert sorted(each["id"] for each in found) == sorted(each["id"] for each in some)
    for message in told:
        detail = message["detail"]
        assert detail["types"] == sorted({each["type"] for each in detail["events"]})
        assert detail["count"] == len(detail["events"])
        assert len(json.dumps(message)) < 64_000


def test_events_stored_before_are_neither_written_nor_published(world: AuditWorld) -> None:
    world.add(events(5, NOW + 70, 5))
    world.tick()
    world.bus_events()
    written = world.keys("events/")

    counts = world.tick()

    assert (counts["AuditEventsLanded"], counts["AuditEventsSeenBefore"]) == (0, 5)
    assert world.bus_events() == []
    assert world.keys("events/") == written


def test_a_rule_on_the_bus_can_ask_for_a_type(world: AuditWorld) -> None:
    queue = world.subscribe({"detail": {"types": ["scim.disabled"]}})
    world.add(events(5, NOW + 70, 5))
    world.tick()
    assert world.messages(queue) == []

    world.add([{**OFF, "id": "off", "effective_at": NOW + 130}])
    world.tick()

    (body,) = world.messages(queue)
    assert "off" in body


def test_an_event_too_long_for_the_bus_is_named_there_and_kept_in_s3(world: AuditWorld) -> None:
    long = event(8, NOW + 70, "certificate.deleted", {"id": "c", "certificate": "x" * 70_000})
    world.add([long])
    world.tick()

    (told,) = [each for each in world.bus_events() if each["detail-type"] == "Audit Events"]
    (line,) = world.lines()
    assert line == long
    (named,) = told["detail"]["events"]
    assert named == {"id": long["id"], "type": long["type"], "object": told["detail"]["object"]}


def test_events_can_be_kept_off_the_bus(configured: Callable[..., AuditWorld]) -> None:
    world = configured("bus: alerts")
    world.add([OFF])
    world.tick()

    assert [each["detail-type"] for each in world.bus_events()] == ["Alert Raised"]


def test_events_land_as_ocsf_too_if_asked_for(configured: Callable[..., AuditWorld]) -> None:
    world = configured("ocsf: true")
    world.add([OFF])
    world.tick()

    (line,) = world.lines("ocsf/")
    assert (line["class_uid"], line["activity_name"]) == (3004, "Disable")
    assert json.loads(line["raw_data"]) == OFF


def test_a_mistake_in_the_configuration_stops_the_function_and_names_its_place(
    configured: Callable[..., AuditWorld],
) -> None:
    with pytest.raises(Misconfigured) as failure:
        configured("detections: {D2: {widest_v5: 8}}").tick()

    assert "detections.D2.widest_v5" in str(failure.value)
    assert "widest_v6" in str(failure.value)


@pytest.mark.parametrize("quirk", ["unauthorized", "forbidden"])
def test_a_refused_key_alerts_with_a_remedy_and_fails_the_run(
    world: AuditWorld, quirk: str
) -> None:
    before = world.cursor()
    world.small.misbehave(quirk, times=None)

    for _ in range(3):
        with pytest.raises(ExceptionGroup) as failure:
            world.tick()

    assert failure.group_contains(ActionRequired)
    (alert_text,) = [each for each in world.published() if "refuses" in each["Subject"]]
    assert "HIGH O1" in alert_text["Subject"]
    assert "Audit Logs: Read" in alert_text["Message"]
    assert world.cursor().high == before.high


def test_after_a_refusal_nothing_is_missing(world: AuditWorld) -> None:
    world.small.misbehave("unauthorized", times=None)
    world.add([OFF])
    with pytest.raises(ExceptionGroup):
        world.tick()
    world.small.clear_quirks()

    world.tick()

    assert world.row_ids() == [OFF["id"]]


def test_a_log_that_was_never_switched_on_is_noticed(aws: None) -> None:
    world = AuditWorld(settings={"audit_interval_seconds": DAY})
    world.small.misbehave("audit_off", times=None)

    for _ in range(6):
        world.tick(13 * HOUR)

    (alert_text,) = world.published()
    assert "is the audit log switched on?" in alert_text["Message"]


def test_a_log_not_read_for_long_alerts(world: AuditWorld) -> None:
    world.tick(10 * 60)

    (alert_text,) = world.published()
    assert "HIGH O1 The audit log was not read for 10 minutes" in alert_text["Subject"]


def test_an_unusual_silence_alerts_once_a_day_at_most(
    configured: Callable[..., AuditWorld],
) -> None:
    world = configured("detections: {O1: {suppress_minutes: 1440}}", audit_interval_seconds=HOUR)
    world.add([OFF])

    for _ in range(30):
        world.tick(HOUR)

    quiet = [
        alert_text for alert_text in world.published() if "No audit event" in alert_text["Subject"]
    ]
    assert len(quiet) == 1


def test_the_tenants_events_land_from_a_stream_of_their_own(aws: None) -> None:
    world = AuditWorld(settings={"audit_tenant": True})
    world.tick()
    tenant = event(5, NOW + 70, "tenant.admin_api_key.created", {"id": "ak_1"})
    world.add([OFF, tenant])
    world.tick()

    assert {row["id"]: row["stream"] for row in world.rows()} == {
        OFF["id"]: "organization",
        tenant["id"]: "tenant",
    }
    assert {alert["detection"] for alert in world.stored_alerts()} == {"D3", "K2"}


def test_a_key_refused_the_tenants_events_is_reported_and_tried_the_next_day(
    aws: None,
) -> None:
    world = AuditWorld(settings={"audit_tenant": True, "audit_interval_seconds": DAY})
    world.small.misbehave("audit_tenant_refused", times=None)

    world.tick()
    world.add([OFF])
    world.tick()

    assert world.row_ids() == [OFF["id"]]
    (told,) = [alert for alert in world.stored_alerts() if alert["detection"] == "O1"]
    assert told["severity"] == "info"
    world.small.clear_quirks()
    tenant = event(5, NOW + 70, "tenant.admin_api_key.created", {"id": "ak_1"})
    world.add([tenant])
    world.tick(DAY)
    assert world.row_ids() == [OFF["id"], tenant["id"]]


@pytest.mark.parametrize(
    "quirk", ["audit_cursor_ignored", "audit_empty_page", "audit_cursor_refused"]
)
def test_a_list_that_leads_nowhere_fails_the_run_and_loses_nothing(
    world: AuditWorld, quirk: str
) -> None:
    some = events(250, NOW + 70, 20)
    world.add(some)
    world.small.misbehave(quirk, times=None)

    with pytest.raises(ExceptionGroup) as failure:
        world.tick()
    world.small.clear_quirks()
    world.tick()

    assert failure.group_contains(StuckWalk)
    assert world.row_ids() == sorted(each["id"] for each in some)


def test_a_cursor_that_is_refused_once_is_walked_again(world: AuditWorld) -> None:
    world.add(events(250, NOW + 70, 20))
    world.small.misbehave("audit_cursor_refused", times=1)

    world.tick()

    assert len(world.rows()) == 250


@pytest.mark.parametrize("quirk", ["rate_limited", "error_500_before", "error_502_before"])
def test_a_busy_openai_is_retried_and_then_left_to_the_next_run(
    world: AuditWorld, quirk: str
) -> None:
    world.add([OFF])
    world.small.misbehave(quirk, times=2)
    world.tick()
    assert len(world.rows()) == 1

    world.small.misbehave(quirk, times=None)
    with pytest.raises(ExceptionGroup) as failure:
        world.tick()

    assert failure.group_contains(TryLater)


def test_two_runs_at_once_do_the_work_once(world: AuditWorld) -> None:
    held = world.cursor().replaced(leased_until=NOW + 1_000)
    world.edges.tables.replace_cursor(held, held.rev - 1)
    world.add([OFF])

    assert world.tick()["AuditStreamsBusy"] == 1
    assert world.rows() == []

    world.tick(1_000)
    assert len(world.rows()) == 1


@pytest.mark.parametrize(
    ("alerts", "stored", "rung", "dry"), [("off", 0, 0, 0), ("dry", 0, 0, 1), ("on", 1, 1, 0)]
)
def test_a_backfill_does_with_alerts_what_was_asked(
    world: AuditWorld, alerts: str, stored: int, rung: int, dry: int
) -> None:
    old = OFF | {"effective_at": NOW - 40 * DAY}
    world.add([old])

    world.backfill("2026-09-01", "2026-10-01", alerts)
    world.tick()

    assert world.row_ids() == [old["id"]]
    assert len(world.stored_alerts()) == stored
    assert len(world.published()) == rung
    assert len(world.keys("dry/")) == dry


def test_alerts_about_what_was_long_ago_are_stored_and_not_told(aws: None) -> None:
    world = AuditWorld(settings={"audit_first_days": 60})
    world.add([OFF | {"effective_at": NOW - 40 * DAY}])

    world.tick()

    assert len(world.stored_alerts()) == len(world.alerts()) == 1
    assert world.published() == []


def burst(start: int) -> list[Event]:
    """A detection of one event, and one that remembers."""
    keys = [event(70 + 7 * n, start + n, "api_key.created", {"id": f"k{n}"}) for n in range(5)]
    return [OFF | {"effective_at": start}, *keys]


def hold_back(world: AuditWorld) -> None:
    """The live stream is another run's for now."""
    held = world.cursor().replaced(leased_until=NOW + 500)
    world.edges.tables.replace_cursor(held, held.rev - 1)


def detections(world: AuditWorld) -> set[str]:
    return {each["detection"] for each in world.stored_alerts()}


@pytest.mark.parametrize("alerts", ["off", "dry"])
def test_what_a_backfill_without_alerts_landed_first_is_told_all_the_same(
    world: AuditWorld, alerts: str
) -> None:
    hold_back(world)
    world.add(burst(NOW + 70))
    world.clock.advance(seconds=200)
    world.backfill("2026-11-01", "2026-11-01", alerts)
    world.tick()
    assert (len(world.rows()), detections(world), world.published()) == (6, set(), [])

    world.tick(500)
    told = [each for each in world.published() if " O1 " not in each["Subject"]]
    world.tick()

    assert detections(world) >= {"D3", "K3"}
    assert (len(told), world.published()) == (2, [])
    assert len(world.rows()) == len(world.lines()) == 6


def test_a_dry_run_takes_no_alert_from_the_backfill_that_follows(world: AuditWorld) -> None:
    world.add(burst(NOW - 40 * DAY))

    for alerts, found in (("dry", set()), ("on", {"D3", "K3"})):
        world.backfill("2026-09-01", "2026-10-01", alerts)
        world.tick()
        assert detections(world) >= found

    assert len(world.alerts("dry")) == len(world.stored_alerts())


@pytest.mark.parametrize("alerts", ["off", "dry", "on"])
def test_a_backfill_that_is_refused_says_so(world: AuditWorld, alerts: str) -> None:
    hold_back(world)
    world.backfill("2026-09-01", "2026-10-01", alerts)
    world.small.misbehave("forbidden", times=None, route="list_audit_logs")

    with pytest.raises(ExceptionGroup):
        world.tick()
    subjects = [each["Subject"] for each in world.published()]

    assert [" O1 " in each for each in subjects] == [True]


def test_each_way_of_being_blind_is_told_though_another_is_open(world: AuditWorld) -> None:
    world.small.misbehave("unauthorized", times=1)
    with pytest.raises(ExceptionGroup):
        world.tick()
    world.add(
        event(7 * n, NOW + 70 + 20 * n, "api_key.created", {"id": f"{n}" + "x" * 2_000})
        for n in range(100)
    )
    world.tick(2_200)

    told = [each["Subject"] for each in world.published()]
    assert sum("O1" in each and "refuses" in each for each in told) == 1
    assert sum("O1" in each and "not read for" in each for each in told) == 1
    assert sum("O3" in each for each in told) == 1


def test_events_landed_without_alerts_can_be_evaluated_later(world: AuditWorld) -> None:
    world.add([OFF | {"effective_at": NOW - 40 * DAY}])
    world.backfill("2026-09-01", "2026-10-01", "off")
    world.tick()

    world.backfill("2026-09-01", "2026-10-01", "on")
    world.tick()

    assert len(world.rows()) == len(world.stored_alerts()) == len(world.lines()) == 1


def test_a_backfill_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="before"):
        BackfillRequest.model_validate({"backfill": {"from": "2026-02-01", "to": "2026-01-01"}})


def test_the_admin_key_is_in_nothing_that_a_run_wrote(
    aws: None, capsys: pytest.CaptureFixture[str]
) -> None:
    world = AuditWorld(settings={"audit_tenant": True})
    world.add([OPENED, OFF, UNKNOWN])
    world.tick()
    world.small.misbehave("unauthorized", times=None)
    with pytest.raises(ExceptionGroup) as failure:
        world.tick()

    written = [
        str(failure.getrepr(style="long")),
        capsys.readouterr().out,
        str(world.published()),
        str(world.bus_events()),
        str(world.rows()),
        str(world.stored_alerts()),
        str(world.edges.tables.cursors()),
        *(world.read(key).decode(errors="replace") for key in world.keys("")),
        *(str(line) for line in world.lines()),
    ]

    assert all(ADMIN_KEY not in text for text in written)
    assert all(ADMIN_KEY[-6:] not in text for text in written)


def test_a_hundred_events_land_with_six_calls_to_aws(world: AuditWorld) -> None:
    session, calls = counted(world)
    edges = world.connect(session)
    world.add(harmless(1_000))
    world.tick(60, edges)

    assert len(world.row_ids()) == 1_000
    assert sum(calls.values()) <= 60, calls


def harmless(count: int) -> list[dict[str, Any]]:
    found = events(count, NOW + 70, 20)
    return [each | {"type": "project.updated"} for each in found]


def counted(world: AuditWorld) -> tuple[Any, Counter[str]]:
    calls: Counter[str] = Counter()
    session = boto3.Session(region_name="us-east-1")

    def count(event_name: str, **_: Any) -> None:
        calls[event_name.removeprefix("before-send.")] += 1

    session.events.register_first("before-send", count)
    return session, calls


def test_a_set_that_outgrows_its_space_is_thinned_and_alerted_of(world: AuditWorld) -> None:
    def asked(first: int) -> str:
        return ",".join(f"proj_{first}_{n:03d}" for n in range(280))

    world.add(
        event(
            n,
            NOW + 61 + n,
            "organization.updated",
            {"id": "org_1", "changes_requested": {"api_call_logging_project_ids": asked(n)}},
        )
        for n in range(40)
    )

    metrics = world.tick(120)

    assert metrics["AuditObservationsDropped"] > 0
    (alert,) = [each for each in world.stored_alerts() if each["detection"] == "O3"]
    assert alert["title"].startswith("D5 forgot")
    assert world.tick()["AuditObservationsDropped"] == 0
