"""Worlds and packages for the tests that use real processes and real sockets."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

import pytest

from local.paths import ROOT
from tests.support.batch_files import chat

PATIENCE = 240  # seconds for anything; on an idle machine a run takes twenty

Run = Callable[..., "Ran"]


@dataclass(frozen=True)
class Ran:
    """A command that ended."""

    status: int
    text: str
    out: Path

    def lines(self, name: str) -> list[str]:
        return (self.out / name).read_text().splitlines()


@pytest.fixture
def out(tmp_path: Path) -> Path:
    path = tmp_path / "out"
    path.mkdir()
    return path


@pytest.fixture
def run(out: Path) -> Run:
    """`python -m local run FILE …`, as `make run` calls it, to its end."""

    def run(file: Path, *arguments: str) -> Ran:
        command = [sys.executable, "-m", "local", "run", str(file), "--out", str(out)]
        return _ended([*command, *arguments], out)

    return run


@pytest.fixture
def make(out: Path) -> Run:
    """`make TARGET NAME=VALUE …`, to its end."""

    def make(*arguments: str) -> Ran:
        return _ended(["make", *arguments, f"OUT={out}", f"PYTHON={sys.executable}"], out)

    return make


def printed_and_shown(command: str, page: str, story: re.Pattern[str]) -> tuple[str, str]:
    """What a demo prints, run to its end, and what its page in docs/ shows of it."""
    ran = _ended([sys.executable, "-m", "local", command], ROOT)
    assert ran.status == 0, ran.text
    shown = story.search((ROOT / "docs" / page).read_text())
    assert shown is not None
    return ran.text, shown[1]


def _ended(command: list[str], out: Path) -> Ran:
    done = subprocess.run(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return Ran(done.returncode, done.stdout, out)


@dataclass(frozen=True)
class Running:
    """A run under way, in a process group of its own as in a terminal."""

    process: subprocess.Popen[str]

    def read_until(self, text: str) -> str:
        """All it said, up to the line with that text."""
        assert self.process.stdout
        said = ""
        for line in self.process.stdout:
            said += line
            if text in line:
                return said
        raise AssertionError(f"it ended without saying {text!r}: {said}")

    def signal(self, number: signal.Signals) -> int:
        os.killpg(self.process.pid, number)
        return self.process.wait(PATIENCE / 2)  # else the timer ends it, and nobody would notice


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[[], Running]]:
    """Begins a run whose batch never gets done."""
    with ExitStack() as begun:
        yield lambda: _begin(tmp_path, begun)


def _begin(tmp_path: Path, begun: ExitStack) -> Running:
    command = [sys.executable, "-m", "local", "run", "events/sample.jsonl"]
    process = subprocess.Popen(
        [*command, "--out", str(tmp_path), "--quirk", "stuck_in_progress"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    too_long = Timer(PATIENCE, process.terminate)
    too_long.start()
    begun.enter_context(process)
    begun.callback(process.terminate)
    begun.callback(too_long.cancel)
    return Running(process)


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    """One good line and twenty different faults, on lines 2 to 21."""
    path = tmp_path / "faulty.jsonl"
    path.write_bytes(b"\n".join(map(_line, [chat("good"), *FAULTS])) + b"\n")
    return path


def _line(request: object) -> bytes:
    return request if isinstance(request, bytes) else json.dumps(request).encode()


def _without(field: str) -> dict[str, object]:
    return {name: value for name, value in chat(f"no {field}").items() if name != field}


FAULTS = [
    b'{"custom_id": "cut off',
    b"[1, 2]",
    b'"a text"',
    b'{"custom_id": "\xff\xfe"}',
    chat("good"),
    chat("") | {"custom_id": 7},
    chat("") | {"custom_id": None},
    chat(""),
    chat("get") | {"method": "GET"},
    chat("number") | {"method": 1},
    chat("nowhere") | {"url": "/v1/nowhere"},
    chat("url") | {"url": 5},
    chat("list") | {"body": []},
    chat("model") | {"body": {"messages": []}},
    chat("number model", model=5),
    chat("stream", stream=True),
    _without("custom_id"),
    _without("method"),
    _without("url"),
    _without("body"),
]
