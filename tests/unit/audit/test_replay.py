"""`batchdrop replay FILE`: what goes in, what comes out."""

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest

from local.ops.replay_audit import main
from tests.unit.audit.timelines import START, at

OPENED = at(0, "ip_allowlist.updated", {"id": "list_1", "allowed_ips": ["0.0.0.0/0"]})
KEY = at(1, "api_key.created", {"id": "key_1", "data": {"scopes": ["all"]}})
HARMLESS = at(2, "project.created", {"id": "proj_1"})
LIST = {"object": "list", "data": [OPENED, KEY], "has_more": False}
EXPECTED = [("D2", START, "critical"), ("K1", START + 60, "high")]


def lines(*documents: Any) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in documents)


def replayed(
    tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str], config: Path | None = None
) -> tuple[int, list[dict[str, Any]], str]:
    path = tmp_path / "events.jsonl"
    path.write_bytes(content)
    status = main([str(path)], config)
    out, err = capsys.readouterr()
    return status, [json.loads(line) for line in out.splitlines()], err


@pytest.mark.parametrize(
    "content",
    [
        lines(OPENED, HARMLESS, KEY),
        lines(KEY, OPENED, KEY),
        lines(LIST),
        lines(LIST, HARMLESS),
        lines([OPENED, KEY]),
        lines(OPENED, KEY).replace(b"\n", b"\r\n"),
        b"\n\n" + lines(OPENED) + b"   \n" + lines(KEY),
        json.dumps(LIST, indent=2).encode(),
        json.dumps([OPENED, KEY], indent=2).encode(),
        b'{"data": [' + json.dumps(OPENED).encode() + b"," + json.dumps(KEY).encode() + b",]}",
        gzip.compress(lines(OPENED, KEY), mtime=0),
        b"\xef\xbb\xbf" + lines(OPENED, KEY),
    ],
    ids=[
        "lines",
        "another order, one twice",
        "a list answer",
        "a list answer and a line",
        "an array",
        "carriage returns",
        "empty lines",
        "an answer over many lines",
        "an array over many lines",
        "a trailing comma",
        "gzip",
        "a BOM",
    ],
)
def test_events_in_any_shape_give_the_same_alerts(
    tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    status, alerts, err = replayed(tmp_path, content, capsys)

    assert [(a["detection"], a["time"], a["severity"]) for a in alerts] == EXPECTED
    assert (status, err) == (0, "")


def test_an_alert_has_the_fields_that_are_promised(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, (alert,), _ = replayed(tmp_path, lines(OPENED), capsys)

    assert {"time", "detection", "severity", "title", "dedup", "event_ids"} <= alert.keys()
    assert alert["event_ids"] == [OPENED["id"]]
    assert alert["dedup"] == "D2|user-owner|list_1"


def test_an_unreadable_line_is_reported_and_the_rest_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = lines(OPENED) + b"{broken\n" + lines({"id": "x"}, None) + b"\xff\n" + lines(KEY)

    status, alerts, err = replayed(tmp_path, content, capsys)

    assert [(a["detection"], a["time"], a["severity"]) for a in alerts] == EXPECTED
    assert status == 1
    assert [line.split(":")[0] for line in err.splitlines()] == [
        "line 2",
        "line 3",
        "line 4",
        "line 5",
    ]


def test_a_broken_first_line_does_not_hide_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, alerts, err = replayed(tmp_path, b"{broken\n" + lines(OPENED, KEY), capsys)

    assert len(alerts) == 2
    assert (status, err.split(":")[0]) == (1, "line 1")


def test_an_empty_file_has_no_alerts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert replayed(tmp_path, b"", capsys) == (0, [], "")


def test_the_teams_configuration_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "detections.yaml"
    config.write_text("detections: {D2: {enabled: false}}")

    _, alerts, _ = replayed(tmp_path, lines(LIST), capsys, config)

    assert [alert["detection"] for alert in alerts] == ["K1"]


@pytest.mark.parametrize("config", ["detections: {D99: {}}", None])
def test_a_configuration_that_is_wrong_stops_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], config: str | None
) -> None:
    path = tmp_path / "detections.yaml"
    if config is not None:
        path.write_text(config)

    status, alerts, err = replayed(tmp_path, lines(LIST), capsys, path)

    assert (status, alerts) == (2, [])
    assert err


def test_a_missing_file_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["/nowhere/events.jsonl"], None) == 2
    assert "/nowhere/events.jsonl" in capsys.readouterr().err


def test_a_cut_gzip_file_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = replayed(tmp_path, gzip.compress(lines(LIST))[:-9], capsys)

    assert status == 2
    assert err


def test_standard_input_is_a_file_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(lines(LIST))))

    assert main(["-"], None) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
