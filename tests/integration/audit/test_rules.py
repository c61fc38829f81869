"""Rules of a team's own in the audit bucket: in force within minutes, and never half."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.ops.audit_rules import export
from local.ops.audit_rules import test as try_rules
from local.ops.replay_audit import main as replay
from shared.audit.sigma.folder import READ_EVERY
from shared.errors import TryLater
from tests.support.audit_logs import event
from tests.support.audit_world import AuditWorld, audit_aws
from tests.support.names import AUDIT
from tests.support.refusing_s3 import Refusal, RefusingSession

RULE = """\
title: Project {payload.name} made
level: high
detection: {made: {type: project.created}, condition: made}
"""
BROKEN = RULE + "threshold: many\n"


@pytest.fixture
def world() -> Iterator[AuditWorld]:
    with audit_aws():
        made = AuditWorld()
        made.tick()
        made.published()
        yield made


def put(world: AuditWorld, text: str | bytes, name: str = "projects.yaml") -> None:
    body = text.encode() if isinstance(text, str) else text
    world.s3.put_object(Bucket=AUDIT, Key=f"rules/{name}", Body=body)


def told(world: AuditWorld, seconds: float = READ_EVERY) -> list[tuple[str, str]]:
    """Detections and titles of the alerts that one more project makes, minutes later."""
    known = {each["id"] for each in world.alerts()}
    number = int(world.clock().timestamp()) + int(seconds)
    made = event(number, number, "project.created", {"id": f"proj_{number}", "name": f"{number}"})
    world.add([made])
    world.tick(seconds)
    known |= {each["id"] for each in world.alerts() if each["detection"] == "O1"}  # it was long
    new = [each for each in world.alerts() if each["id"] not in known]
    return [(each["detection"], each["title"]) for each in new]


def detections(found: list[tuple[str, str]]) -> list[str]:
    return [detection for detection, _ in found]


def test_a_rule_in_the_bucket_is_in_force_within_minutes(world: AuditWorld) -> None:
    assert told(world) == []

    put(world, RULE)

    (found,) = told(world)
    assert found[0] == "projects"
    assert found[1].startswith("Project 1")
    mail = world.published()[-1]
    assert "HIGH projects Project" in mail["Subject"]


def test_until_then_s3_is_not_asked_again(world: AuditWorld) -> None:
    put(world, RULE)

    assert told(world, 60) == []
    assert detections(told(world)) == ["projects"]


def test_rules_that_did_not_change_are_not_made_again(world: AuditWorld) -> None:
    put(world, RULE)
    told(world)
    before = world.edges.engine

    told(world)

    assert world.edges.engine is before


def test_a_change_that_is_broken_is_told_and_leaves_the_old_rule_and_the_others(
    world: AuditWorld,
) -> None:
    put(world, RULE)
    put(world, RULE.replace("Project", "Another"), "others.yaml")
    assert sorted(detections(told(world))) == ["others", "projects"]

    put(world, BROKEN)

    found = dict(told(world))
    assert found.keys() == {"O5", "others", "projects"}
    assert found["O5"].startswith("rules/projects.yaml:4: threshold: Input should be a valid int")
    assert "in force instead: its version" in found["O5"]
    world.edges = world.connect()  # a process that never knew the old one
    assert sorted(detections(told(world))) == ["others", "projects"]


def test_it_is_told_once_a_day_until_it_is_mended(world: AuditWorld) -> None:
    put(world, BROKEN)
    assert detections(told(world)) == ["O5"]
    assert detections(told(world)) == []
    assert "O5" in detections(told(world, 24 * 3_600))

    put(world, BROKEN.replace("many", "some"))
    assert "O5" not in detections(told(world)), "it is wrong in the same way"
    put(world, BROKEN.replace("threshold", "window"))
    assert "O5" in detections(told(world)), "it is wrong in another way"

    put(world, RULE)
    assert detections(told(world)) == ["projects"]


def test_of_several_broken_versions_the_last_that_was_whole_is_used(world: AuditWorld) -> None:
    put(world, RULE.replace("high", "critical"))
    for _ in range(3):
        put(world, BROKEN)

    assert sorted(detections(told(world))) == ["O5", "projects"]


def test_a_rule_that_is_deleted_is_gone(world: AuditWorld) -> None:
    put(world, RULE)
    assert detections(told(world)) == ["projects"]

    world.s3.delete_object(Bucket=AUDIT, Key="rules/projects.yaml")

    assert told(world) == []


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("D1.yaml", RULE, "a rule is named by its file"),
        ("big.yaml", "#" * 200_000, "more than 100,000 bytes"),
        ("bytes.yaml", b"\xff\xfe", "not UTF-8"),
        ("empty.yaml", "", "a rule has at least title and detection"),
        ("more/projects.yaml", RULE, "another rule of the name projects"),
        ("failing.yaml", RULE + "tests: [{event: {type: user.added}}]", "0 alerts instead of 1"),
    ],
)
def test_what_is_no_rule_is_told_and_stops_nothing(
    world: AuditWorld, name: str, content: str | bytes, said: str
) -> None:
    put(world, RULE)
    put(world, content, name)

    found = dict(told(world))

    assert said in found["O5"]
    assert "projects" in found


def test_other_files_beside_rules_are_left_alone(world: AuditWorld) -> None:
    put(world, "how we write rules", "README.md")

    assert told(world) == []


def test_a_folder_that_s3_will_not_list_blinds_nobody(world: AuditWorld) -> None:
    put(world, RULE)
    assert detections(told(world)) == ["projects"]
    refusing = RefusingSession(
        Refusal(403, "AccessDenied"), "ListObjectVersions", while_=lambda: True
    )
    world.edges = world.connect(refusing)
    world.add([event(1, world.clock().timestamp(), "ip_allowlist.deleted", {"id": "list_1"})])

    found = dict(told(world))

    assert found["O5"].startswith("the folder can't be read")
    assert "D1" in found, "our own detections go on"
    assert "projects" not in found

    world.edges = world.connect()
    assert detections(told(world, 60)) == ["projects"], "it is asked again at once"


def test_a_process_that_knows_the_rules_keeps_them(world: AuditWorld) -> None:
    put(world, RULE)
    refuses = False
    world.edges = world.connect(
        RefusingSession(Refusal(403, "AccessDenied"), "ListObjectVersions", while_=lambda: refuses)
    )
    assert detections(told(world)) == ["projects"]

    refuses = True

    found = dict(told(world))
    assert found.keys() == {"O5", "projects"}
    assert "in force instead: what was known" in found["O5"]


def test_a_rule_that_s3_does_not_give_is_asked_for_again_at_once(world: AuditWorld) -> None:
    put(world, RULE)
    refuses = True
    session = RefusingSession(Refusal(403, "AccessDenied"), "GetObject", while_=lambda: refuses)
    world.edges = world.connect(session)
    assert "rules/projects.yaml: can't be read" in dict(told(world, 60))["O5"]

    refuses = False
    assert detections(told(world, 60)) == ["projects"]


def test_what_s3_can_not_say_for_the_moment_is_told_to_nobody(world: AuditWorld) -> None:
    put(world, RULE)
    refuses = True
    session = RefusingSession(
        Refusal(503, "SlowDown"), "ListObjectVersions", while_=lambda: refuses
    )
    world.edges = world.connect(session)
    with pytest.raises(TryLater):
        told(world)

    refuses = False
    assert detections(told(world, 60)) == ["projects", "projects"]

    refuses = True
    assert detections(told(world)) == ["projects"]


def test_of_a_burst_that_two_pages_cut_an_alert_is_made_once(world: AuditWorld) -> None:
    put(world, RULE + "threshold: 3\nwindow: 2h\ngroup-by: actor.type\n")
    found = [detections(told(world)) for _ in range(4)]

    assert found == [[], [], ["projects"], []]


def test_rules_can_be_packaged_beside_the_settings(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "projects.yaml").write_text(RULE)
    (tmp_path / "rules" / "broken.yaml").write_text(BROKEN)
    (tmp_path / "detections.yaml").write_text("")
    with audit_aws():
        world = AuditWorld({"audit_config": str(tmp_path / "detections.yaml")})
        world.tick()
        assert sorted(detections(told(world))) == ["projects"]
        assert [each["detection"] for each in world.alerts()].count("O5") == 1

        put(world, RULE.replace("Project", "In the bucket"))
        ((_, title),) = told(world)
        assert title.startswith("In the bucket")


def test_rules_are_tried_on_events_of_the_past(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "projects.yaml").write_text(RULE)
    events = tmp_path / "events.jsonl"
    events.write_text(json.dumps(event(1, 1_760_000_000, "project.created", {"name": "x"})))

    assert replay([str(events)], None, tmp_path) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "Project x made"

    (tmp_path / "broken.yaml").write_text(BROKEN)
    assert replay([str(events)], None, tmp_path) == 2
    assert "broken.yaml:4: threshold" in capsys.readouterr().err


def test_the_command_prints_each_rule_its_tests_and_its_mistakes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert try_rules(tmp_path) == 2
    assert "no rules here" in capsys.readouterr().err

    tests = "tests: [{name: made, event: {type: project.created, project.created: {name: x}}}]"
    (tmp_path / "mine.yaml").write_text(RULE + tests)
    (tmp_path / "bare.yml").write_text(RULE)
    assert try_rules(tmp_path) == 0
    out = capsys.readouterr().out
    assert "ok      made: Project x made" in out
    assert "it has no tests" in out
    assert "2 of 2 rules can be used" in out

    (tmp_path / "broken.yaml").write_text(BROKEN)
    assert try_rules(tmp_path) == 1
    out = capsys.readouterr().out
    assert "FAILED  broken.yaml\n        broken.yaml:4: threshold: " in out
    assert "2 of 3 rules can be used; 1 can't" in out


def test_our_detections_are_exported_into_a_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(tmp_path / "sigma") == 0
    assert try_rules(tmp_path / "sigma") == 0
    assert "17 of 17 rules can be used" in capsys.readouterr().out
