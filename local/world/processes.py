"""Processes that are found again, and stopped, by the lock they hold while they live."""

import fcntl
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


def start(home: Path, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
    """The child writes to `name.log` and holds a lock on `name.pid`, which no other process can.

    So a process id is only trusted while its owner is proven to live, whoever started it.
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
            start_new_session=True,  # a group of its own: Ctrl-C is ours to hand on
            pass_fds=[held.fileno()],
        )
        held.write(str(child.pid))
        child.returncode = 0  # it may outlive us; nobody waits for it by its id


def lives(home: Path, name: str) -> bool:
    try:
        with (home / f"{name}.pid").open() as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def stop(home: Path, name: str) -> None:
    """Ends the child and what it started; there is no state in it that is worth a farewell."""
    if lives(home, name):
        with (home / f"{name}.pid").open() as held:
            os.killpg(int(held.read()), signal.SIGKILL)
            fcntl.flock(held, fcntl.LOCK_EX)  # returns when the child is gone


def stop_all(home: Path) -> None:
    for held in home.glob("*.pid"):
        stop(home, held.stem)


def last_words(home: Path, name: str, lines: int = 20) -> str:
    return "\n".join((home / f"{name}.log").read_text(errors="replace").splitlines()[-lines:])
