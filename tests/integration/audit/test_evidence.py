"""The proof in S3: whoever alters, deletes, renames or adds something is found out."""

import gzip
import json
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.ops.verify_audit import main
from shared.audit.verify import Day, verify
from tests.support.audit_logs import DAY, HOUR, event, events
from tests.support.audit_world import NOW, AuditWorld, Event, audit_aws
from tests.support.names import AUDIT

TODAY = date(2026, 11, 1)
KEYS = "events/dt=2026-11-01/"
MANIFEST = "manifests/dt=2026-11-01/organization.json"


@pytest.fixture
def world() -> Iterator[AuditWorld]:
    """A day of twenty events, which was proved."""
    with audit_aws():
        made = AuditWorld()
        made.tick()
        made.add(events(20, NOW + 100, 9 * HOUR))
        for _ in range(3):
            made.tick(4 * HOUR)
        made.tick(DAY)
        made.published()
        yield made


def put(world: AuditWorld, key: str, content: bytes) -> None:
    world.s3.put_object(Bucket=AUDIT, Key=key, Body=content)


def lines_of(world: AuditWorld, key: str) -> list[Event]:
    return [json.loads(each) for each in gzip.decompress(world.read(key)).splitlines()]


def packed(lines: list[Event]) -> bytes:
    return gzip.compress(b"\n".join(json.dumps(each).encode() for each in lines))


def alter(world: AuditWorld, key: str) -> None:
    first, *others = lines_of(world, key)
    put(world, key, packed([first | {"type": "project.created"}, *others]))


def truncate(world: AuditWorld, key: str) -> None:
    put(world, key, packed(lines_of(world, key)[1:]))


def ruin(world: AuditWorld, key: str) -> None:
    put(world, key, b"no gzip")


def scratch(world: AuditWorld, key: str) -> None:
    content = bytearray(world.read(key))
    content[len(content) // 2] ^= 0xFF
    put(world, key, bytes(content))


def cut_off(world: AuditWorld, key: str) -> None:
    put(world, key, world.read(key)[:-9])


def delete(world: AuditWorld, key: str) -> None:
    world.s3.delete_object(Bucket=AUDIT, Key=key)


def rename(world: AuditWorld, key: str) -> None:
    put(world, key.replace("organization-", "organization-0"), world.read(key))
    delete(world, key)


def add(world: AuditWorld, key: str) -> None:
    """Beside what is there, and in a folder of another hour."""
    forged = event(999, NOW + 100, "user.added", {"id": "user-forged"})
    put(world, f"{KEYS}hour=23/organization-0123456789abcdef.jsonl.gz", packed([forged]))


TAMPERED = [
    (alter, {"altered"}),
    (truncate, {"altered", "missing"}),
    (ruin, {"altered", "missing"}),
    (scratch, {"altered", "missing"}),
    (cut_off, {"altered", "missing"}),
    (delete, {"missing"}),
    (rename, {"moved"}),
    (add, {"added"}),
]
Tamper = Callable[[AuditWorld, str], None]


def looked_at(world: AuditWorld, first: date = TODAY, last: date = TODAY) -> list[Day]:
    return list(verify(world.edges.s3, first, last))


def kinds(world: AuditWorld) -> set[str]:
    return {flaw.kind for day in looked_at(world) for flaw in day.flaws}


def subjects(world: AuditWorld) -> list[str]:
    return [each["Subject"] for each in world.published() if " O4 " in each["Subject"]]


def test_a_day_that_nobody_touched_is_proved(world: AuditWorld) -> None:
    (day,) = looked_at(world)

    assert (day.flaws, day.events) == ([], 20)
    assert day.objects == len(world.keys(KEYS)) > 1
    world.tick(DAY)
    assert subjects(world) == []


@pytest.mark.parametrize(("tamper", "found"), TAMPERED, ids=[t.__name__ for t, _ in TAMPERED])
def test_whoever_tampers_is_found_by_verify_and_by_the_next_check(
    world: AuditWorld, tamper: Tamper, found: set[str]
) -> None:
    tamper(world, world.keys(KEYS)[1])

    assert kinds(world) == found
    world.tick(DAY)
    assert subjects(world) != []
    assert kinds(world) == found  # a check does not make it right


@pytest.mark.parametrize("tamper", [alter, truncate, ruin, scratch, cut_off, delete])
def test_what_was_tampered_with_before_the_first_proof_is_found_all_the_same(
    tamper: Tamper,
) -> None:
    with audit_aws():
        world = AuditWorld()
        world.tick()
        world.add(events(20, NOW + 100, 9 * HOUR))
        for _ in range(3):
            world.tick(4 * HOUR)
        tamper(world, world.keys(KEYS)[1])

        world.tick(DAY)

        assert subjects(world) != []
        assert kinds(world) != set()


def test_a_late_event_changes_the_proof_and_breaks_no_chain(world: AuditWorld) -> None:
    proof = looked_at(world)[0].proofs
    world.add([event(777, NOW + 5 * HOUR, "project.updated")])

    for _ in range(2):
        world.tick(DAY)

    days = looked_at(world, TODAY, date(2026, 11, 2))
    assert [day.flaws for day in days] == [[], []]
    assert days[0].proofs != proof


@pytest.mark.parametrize("change", [{"count": 19}, {"digest": "0" * 64}, {"objects": []}])
def test_a_manifest_that_is_rewritten_breaks_the_chain(
    world: AuditWorld, change: dict[str, Any]
) -> None:
    world.tick(DAY)
    content = json.loads(world.read(MANIFEST))
    put(world, MANIFEST, json.dumps(content | change).encode())

    first, second = looked_at(world, TODAY, date(2026, 11, 2))

    assert first.flaws
    assert [flaw.kind for flaw in second.flaws] == ["chain"]


def test_a_manifest_that_is_gone_is_missed(world: AuditWorld) -> None:
    world.tick(DAY)
    delete(world, MANIFEST)

    first, second = looked_at(world, TODAY, date(2026, 11, 2))

    assert [flaw.kind for flaw in first.flaws] == ["unproved"]
    assert [flaw.kind for flaw in second.flaws] == ["chain"]


def test_the_first_reading_and_backfills_are_proved_too() -> None:
    with audit_aws():
        world = AuditWorld(settings={"audit_first_days": 3})
        world.add(events(30, NOW - 3 * DAY, 3 * DAY))
        world.add(events(10, NOW - 40 * DAY, HOUR, first=500))
        world.tick()
        world.backfill("2026-09-20", "2026-09-24", "off")
        for _ in range(3):
            world.tick(7 * HOUR)

        read = looked_at(world, date(2026, 10, 29), date(2026, 10, 31))
        filled = looked_at(world, date(2026, 9, 20), date(2026, 9, 24))

        assert [day.flaws for day in [*read, *filled]] == [[]] * 8
        assert (sum(day.events for day in read), sum(day.events for day in filled)) == (30, 10)


def test_a_day_is_proved_by_whichever_listing_fits(world: AuditWorld) -> None:
    """A backfill lists it again, then something of it shows late."""
    world.backfill("2026-11-01", "2026-11-01", "off")
    world.tick()
    world.add([event(778, NOW + 6 * HOUR, "project.updated")])
    for _ in range(2):
        world.tick(DAY)

    (day,) = looked_at(world)

    assert [manifest.count for manifest in day.manifests] == [21, 20]
    assert (day.flaws, day.events) == ([], 21)


def test_a_day_is_proved_by_a_backfill_of_what_showed_after_the_last_check(
    world: AuditWorld,
) -> None:
    for _ in range(9):
        world.tick(DAY)
    world.add([event(779, NOW + 6 * HOUR, "project.updated")])
    world.tick(DAY)
    world.backfill("2026-11-01", "2026-11-01", "off")
    world.tick()

    (day,) = looked_at(world)

    assert [manifest.count for manifest in day.manifests] == [20, 21]
    assert day.flaws == []


def test_a_forged_object_never_becomes_part_of_the_proof(world: AuditWorld) -> None:
    proved = {each["key"] for each in json.loads(world.read(MANIFEST))["objects"]}
    add(world, "")

    world.tick(DAY)

    assert {each["key"] for each in json.loads(world.read(MANIFEST))["objects"]} == proved


def test_the_tenants_days_and_the_organizations_are_proved_beside_each_other() -> None:
    with audit_aws():
        world = AuditWorld(settings={"audit_tenant": True})
        world.tick()
        world.add(events(5, NOW + 100, HOUR))
        world.add([event(n, NOW + 100 + n, "tenant.project.updated") for n in range(900, 903)])
        world.tick(2 * HOUR)
        world.tick(30 * HOUR)

        (day,) = looked_at(world)

        assert {each.stream: each.count for each in day.manifests} == {
            "organization": 5,
            "tenant": 3,
        }
        assert (day.flaws, day.events, subjects(world)) == ([], 8, [])


def test_a_locked_bucket_loses_nothing() -> None:
    with audit_aws():
        world = AuditWorld(lock_days=30)
        world.tick()
        world.add(events(5, NOW + 100, HOUR))
        world.tick(2 * HOUR)
        key = world.keys(KEYS)[0]
        (version,) = world.s3.list_object_versions(Bucket=AUDIT, Prefix=key)["Versions"]

        for bypass in (False, True):
            with pytest.raises(ClientError, match="AccessDenied"):
                world.s3.delete_object(
                    Bucket=AUDIT,
                    Key=key,
                    VersionId=version["VersionId"],
                    BypassGovernanceRetention=bypass,
                )


def test_the_command_says_which_days_are_proved(
    world: AuditWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    session = world.session

    assert main("2026-11-01", "2026-11-01", "", AUDIT, session) == 0
    assert "2026-11-01  proved: 20 events in" in capsys.readouterr().out

    add(world, "")
    assert main("2026-11-01", "2026-11-01", "", AUDIT, session) == 1
    assert "2026-11-01  ADDED: events/dt=2026-11-01/hour=23/" in capsys.readouterr().out

    assert main("2026-11-32", "2026-11-01", "", AUDIT, session) == 2
    assert main("2026-11-01", "2026-11-01", "", "no-such-bucket", session) == 2
