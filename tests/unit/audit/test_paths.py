"""Names in S3 and rows in the table: from content and event time alone."""

import gzip
import json

import pytest

from shared.audit.alerts import Alert
from shared.audit.catalogue import ABOUT
from shared.audit.paths import (
    alerts_key,
    by_day,
    by_hour,
    events_key,
    manifest_key,
    packed,
    unreadable_key,
)
from shared.audit.rows import row_of
from shared.audit.tables import EVENT_BYTES
from tests.unit.audit.test_alerts import finding
from tests.unit.audit.timelines import START, at, key, read

SOME = read([at(70, "project.created", {"id": "b"}), at(0, "project.created", {"id": "a"})])


def test_events_lie_by_their_hour_in_order() -> None:
    hours = by_hour([*SOME, *read([at(1, "project.created", {"id": "c"})])])

    assert {hour: [event.time - START for event in some] for hour, some in hours.items()} == {
        "dt=2025-10-09/hour=08": [0, 60],
        "dt=2025-10-09/hour=10": [4_200],
    }


def test_the_same_events_have_the_same_name_in_any_order() -> None:
    hour = "dt=2025-10-09/hour=08"
    name = events_key(hour, "organization", SOME)

    assert name == events_key(hour, "organization", SOME[::-1])
    assert name != events_key(hour, "organization", SOME[:1])
    assert name.startswith("events/dt=2025-10-09/hour=08/organization-")
    assert name.endswith(".jsonl.gz")
    assert events_key(hour, "a#b/c", SOME, "ocsf").startswith(f"ocsf/{hour}/a-b-c-")


def test_the_same_lines_are_the_same_bytes() -> None:
    assert packed([b"a", b"b"]) == packed([b"a", b"b"])
    assert gzip.decompress(packed([b"a", b"b"])) == b"a\nb\n"


def test_other_things_lie_by_their_day() -> None:
    alert = Alert.of(finding(0), 60, ABOUT["D2"])

    assert list(by_day([alert])) == ["dt=2025-10-09"]
    assert alerts_key("dt=2025-10-09", [b"x"]).startswith("alerts/dt=2025-10-09/")
    assert alerts_key("dt=2025-10-09", [b"x"], "dry/x").startswith("dry/x/dt=2025-10-09/")
    assert manifest_key("tenant", START) == "manifests/dt=2025-10-09/tenant.json"
    assert unreadable_key("tenant", START, [b"x"]).startswith("unreadable/dt=2025-10-09/")


def test_a_row_tells_who_did_what_when() -> None:
    event = read([at(0, "project.created", {"id": "p"}, key(), project={"id": "proj_1"})])[0]

    row = row_of(event, "organization", "events/x", START + 9, kept_days=1)

    assert row.at == f"001760000000#{event.id}"
    assert (row.actor, row.key, row.project, row.email) == ("sa_ci", "key_ci", "proj_1", None)
    assert (row.object, row.seen_at, row.expires_at) == (
        "events/x",
        START + 9,
        START + 86_409,
    )
    assert row.raw == event.line.decode()


def test_a_long_event_lies_in_s3_alone() -> None:
    event = read([at(0, "certificate.deleted", {"id": "c", "certificate": "x" * 9_000})])[0]

    assert row_of(event, "organization", "events/x", START, kept_days=1).raw is None


@pytest.mark.parametrize("letter", ["x", "ü", "\U0001f511"])
def test_whatever_an_event_says_its_row_is_small(letter: str) -> None:
    long = letter * 100_000
    by = {"type": "session", "session": {"ip_address": long, "user": {"id": long, "email": long}}}
    some = at(0, "x." + long, {"id": "p"}, by, project={"id": long}, id=long)
    of_a_key = at(0, "x.y", {"id": "p"}, key(long, account=long))

    for event in read([some, of_a_key]):
        row = row_of(event, "organization", "k", START, kept_days=1)
        assert len(json.dumps(row.item, ensure_ascii=False).encode()) < EVENT_BYTES


def test_nobody_is_in_no_index() -> None:
    event = read([at(0, "project.created") | {"actor": None}])[0]

    row = row_of(event, "organization", "k", START, kept_days=1)

    assert row.item.keys().isdisjoint({"actor", "key", "project", "address"})
