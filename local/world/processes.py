"""Processes that any run can find and stop by the lock they hold while they run."""

import fcntl
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


def start(home: Path, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
    """The child writes to `name.log` and holds a lock on `name.pid` as long as it runs.

    So a process id is trusted only while its process is known to run, whoever started it.
    """
    with (home / f"{name}.pid").open("w") as held, (home / f"{name}.log").open("wb") as log:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        child = subprocess.Popen(
            command,
            cwd=home,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # its own process group, so that Ctrl-C does not reach it
            pass_fds=[held.fileno()],
        )
        held.write(str(child.pid))
        child.returncode = 0  # it may outlive this process, which never waits for it


def is_running(home: Path, name: str) -> bool:
    try:
        with (home / f"{name}.pid").open() as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def stop(home: Path, name: str) -> None:
    """Kills the child and the processes it started; they have no state to save."""
    if is_running(home, name):
        with (home / f"{name}.pid").open() as held:
            os.killpg(int(held.read()), signal.SIGKILL)
            fcntl.flock(held, fcntl.LOCK_EX)  # returns when the child has ended


def stop_all(home: Path) -> None:
    for held in home.glob("*.pid"):
        stop(home, held.stem)


def log_tail(home: Path, name: str, lines: int = 20) -> str:
    return "\n".join((home / f"{name}.log").read_text(errors="replace").splitlines()[-lines:])
