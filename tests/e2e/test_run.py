"""`make run`: the whole path on a local AWS, from a dropped file to what became of it."""

import json
import re
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from local.paths import ROOT
from tests.e2e.conftest import Run, Running

pytestmark = pytest.mark.e2e

SAMPLE = ROOT / "events" / "sample.jsonl"


def test_the_sample_comes_back_whole_and_in_the_order_of_the_input(make: Run) -> None:
    ran = make("run")

    assert ran.status == 0, ran.text
    asked = [json.loads(line)["custom_id"] for line in SAMPLE.read_text().splitlines()]
    results = [json.loads(line) for line in ran.lines("results.jsonl")]
    assert [each["custom_id"] for each in results] == asked
    assert {each["response"]["status_code"] for each in results} == {200}
    report = json.loads((ran.out / "report.json").read_text())
    assert report["state"] == "completed"
    assert report["requests"]["succeeded"] == len(asked)
    assert report["cost"]["usd"] > 0
    assert "in_progress" in ran.text
    (shown,) = re.findall(r'"content": "(Small answer \w+)', (ROOT / "README.md").read_text())
    assert shown in ran.lines("results.jsonl")[0]


def test_every_fault_of_a_refused_file_stands_on_a_line_of_its_own(
    make: Run, faulty: Path, out: Path
) -> None:
    (out / "results.jsonl").write_text("of an earlier run")

    ran = make("run", f"FILE={faulty}")

    assert "Error 3" in ran.text  # the command's status; make's own is 2, whatever failed
    assert ran.status == 2
    report = json.loads((out / "report.json").read_text())
    assert {problem["line"] for problem in report["problems"]} == set(range(2, 22))
    told = re.findall(r"(?m)^line (\d+): .+ → .+$", ran.text)
    assert [int(line) for line in told] == [problem["line"] for problem in report["problems"]]
    assert not (out / "results.jsonl").exists()


def test_a_batch_that_openai_refuses_makes_a_failed_job(run: Run) -> None:
    ran = run(SAMPLE, "--quirk", "validation_fails,code=model_not_found")

    assert ran.status == 5, ran.text
    assert json.loads((ran.out / "report.json").read_text())["state"] == "failed"
    assert len(ran.lines("results.jsonl")) == 20
    assert ran.lines("retry.jsonl") == SAMPLE.read_text().splitlines()
    assert "20 × model_not_found" in ran.text


@pytest.mark.parametrize(
    ("number", "moment"), [(signal.SIGINT, "Dropped"), (signal.SIGTERM, "A small OpenAI")]
)
def test_a_run_that_is_stopped_leaves_nothing_running(
    begin: Callable[[], Running], number: signal.Signals, moment: str
) -> None:
    running = begin()
    aws, openai = _ports(running.read_until(moment))
    assert _listens(aws)
    assert _listens(openai)

    status = running.signal(number)

    assert status == 130
    assert not _listens(aws)
    assert not _listens(openai)


def test_a_run_sweeps_what_a_killed_one_left_and_disturbs_no_living_one(
    begin: Callable[[], Running], run: Run
) -> None:
    killed, living = begin(), begin()
    left = _ports(killed.read_until("A small OpenAI"))
    kept = _ports(living.read_until("A small OpenAI"))
    killed.signal(signal.SIGKILL)
    assert all(map(_listens, left))

    assert run(SAMPLE).status == 0

    assert not any(map(_listens, left))
    assert all(map(_listens, kept))
    assert living.process.poll() is None


def _ports(said: str) -> list[int]:
    return [int(port) for port in re.findall(r"is at http://127\.0\.0\.1:(\d+)", said)]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
