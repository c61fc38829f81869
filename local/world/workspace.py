"""A directory for each world: locked while in use, removed when its process has died."""

import fcntl
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.paths import ROOT
from local.world import processes

WORLDS = ROOT / ".world"
STANDING = WORLDS / "standing"  # the world of `make up`
FAILED = WORLDS / "failed"  # the logs of the last run that failed


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Waits for the lock, which is released however the process that holds it ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


@contextmanager
def temporary_home() -> Iterator[Path]:
    """A directory that is removed at the end, with every process started in it."""
    with locked(WORLDS / "homes.lock"):
        _clear_abandoned()
        home = Path(tempfile.mkdtemp(prefix="run-", dir=WORLDS))
        owner = (home / "owner").open("w")
        fcntl.flock(owner, fcntl.LOCK_EX)
    try:
        yield home
    finally:
        clear(home)
        owner.close()


def clear(home: Path) -> None:
    processes.stop_all(home)
    shutil.rmtree(home, ignore_errors=True)


@contextmanager
def logs_kept_on_failure(home: Path) -> Iterator[None]:
    """Only of what failed: not of what ended well, and not of what somebody stopped."""
    shutil.rmtree(FAILED, ignore_errors=True)
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException:
        print(f"the logs are in {_keep_logs(home)}", file=sys.stderr)
        raise


def _keep_logs(home: Path) -> Path:
    FAILED.mkdir(parents=True, exist_ok=True)
    for log in home.glob("*.log"):
        shutil.copy(log, FAILED)
    return FAILED


def _clear_abandoned() -> None:
    """Stops and removes what killed runs left behind."""
    for home in WORLDS.glob("run-*"):
        if not _owned(home):
            clear(home)


def _owned(home: Path) -> bool:
    try:
        with (home / "owner").open() as owner:
            fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False
