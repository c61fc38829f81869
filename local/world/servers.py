"""Starts the servers of a local world: a local AWS (MiniStack) and the small OpenAI."""

import os
import re
import socket
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx

from local.paths import ROOT
from local.world import processes

# It runs the functions with its own Python, so there is one for each version.
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
MINISTACK = ROOT / ".venvs" / f"ministack{VERSION}" / "bin" / "ministack"
TIMEOUT = 60.0  # seconds for a server to start
ATTEMPTS = 3  # another program may take the free port first
PASSED_ON = ("HTTPS_PROXY", "https_proxy", "SSL_CERT_DIR", "SSL_CERT_FILE")


def start_aws(home: Path, port: int, real: bool) -> str:
    """The address: at `port` if that is free, else at another one."""
    for _ in range(ATTEMPTS):
        port = port if port and _is_free(port) else _free_port()
        processes.start(home, "aws", [str(MINISTACK)], _environment(home, port, real))
        health = f"http://127.0.0.1:{port}/_ministack/health"
        _wait(home, "aws", lambda url=health: _answers(url))  # type: ignore[misc]
        if processes.is_running(home, "aws"):  # and no other program answered
            return f"http://127.0.0.1:{port}"
        port = 0
    raise SystemExit(f"the local AWS did not start:\n{processes.log_tail(home, 'aws')}")


def start_openai(home: Path, arguments: Sequence[str]) -> str:
    """The address that the server prints."""
    command = [sys.executable, "-m", "local", "openai", "--port", "0", *arguments]
    environment = _environment(home, 0, real=False) | {"PYTHONPATH": str(ROOT)}
    processes.start(home, "openai", command, environment)
    log = home / "openai.log"
    _wait(home, "openai", lambda: b"\n" in log.read_bytes())
    printed = re.match(r"small OpenAI at (\S+)\n", log.read_text())
    if not printed:
        raise SystemExit(f"the small OpenAI did not start:\n{log.read_text()}")
    return printed[1]


def _environment(home: Path, port: int, real: bool) -> dict[str, str]:
    """Without the user's profiles, keys and proxies, except what reaches the real OpenAI."""
    names = ("HOME", "LANG", "LC_ALL", "PATH", *(PASSED_ON if real else ()))
    kept = {name: os.environ[name] for name in names if name in os.environ}
    scratch = home / "tmp"
    scratch.mkdir(exist_ok=True)
    return kept | {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "NO_PROXY": "127.0.0.1,localhost",
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(scratch),
    }


def _wait(home: Path, name: str, ready: Callable[[], bool]) -> None:
    until = time.monotonic() + TIMEOUT
    while processes.is_running(home, name) and not ready():
        if time.monotonic() > until:
            raise SystemExit(f"{name} does not answer:\n{processes.log_tail(home, name)}")
        time.sleep(0.05)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).is_success
    except httpx.TransportError:
        return False


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
