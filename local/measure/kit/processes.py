"""Starts a helper process, which prints its address when it is ready."""

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from local.paths import ROOT
from local.world import processes

TIMEOUT = 30.0  # seconds


def start_helper(home: Path, name: str, module: str, arguments: Sequence[str]) -> str:
    """The first line that the helper prints."""
    command = [sys.executable, "-m", module, *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    processes.start(home, name, command, environment)
    log, until = home / f"{name}.log", time.monotonic() + TIMEOUT
    while b"\n" not in log.read_bytes():
        if time.monotonic() > until or not processes.is_running(home, name):
            raise SystemExit(f"{name} did not start:\n{processes.log_tail(home, name)}")
        time.sleep(0.02)
    return log.read_text().splitlines()[0]
