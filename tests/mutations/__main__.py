"""Puts each deliberate mistake in, one at a time, and looks whether the named tests notice.

python -m tests.mutations [--only REGEX]: in a copy of the tree, so nothing here changes but
noticed_by.json, which makes the next run short: the test that noticed a mistake is tried first.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.mutations import memory
from tests.mutations.row import Row
from tests.mutations.table import ROWS

ROOT = Path(__file__).parents[2]
LEFT_OUT = shutil.ignore_patterns(".git", ".venv*", ".world", ".aws-sam", "__pycache__", ".*_cache")
WANTED = 0.97  # of the rows are noticed, or the run fails
FAILED = re.compile(r"^FAILED (tests/[^\s\[]+)", re.MULTILINE)
LONGEST = 240  # seconds; a test that hangs has noticed
WORKERS = 2


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", metavar="REGEX", help="of a row's file or what")
    only = re.compile(parser.parse_args(arguments).only)
    rows = [row for row in ROWS if only.search(f"{row.file} {row.what}")]
    begun = time.monotonic()
    with ThreadPoolExecutor(WORKERS) as workers:
        outcomes = list(workers.map(_tried, [rows[n::WORKERS] for n in range(WORKERS)]))
    found = [each for outcome in outcomes for each in outcome]
    noticed = sum(each == "noticed" for each in found)
    print(f"{noticed} of {len(rows)} noticed, {time.monotonic() - begun:,.0f} s")
    return 0 if noticed >= WANTED * len(rows) else 1


def _tried(rows: list[Row]) -> list[str]:
    """In one copy of the tree, row after row."""
    outcomes: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "tree"
        shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
        for row in rows:
            outcome = _outcome(copy, row)
            outcomes.append(outcome)
            print(f"{outcome:9} {row.file}: {row.what}", flush=True)
    return outcomes


def _outcome(copy: Path, row: Row) -> str:
    place = copy / row.file
    right = place.read_text()
    wrong = row.applied(right)
    if wrong is None:
        return "STALE"
    place.write_text(wrong)
    try:
        return _seen(copy, row)
    finally:
        place.write_text(right)


def _seen(copy: Path, row: Row) -> str:
    """By the test that noticed it before, or else by all that should."""
    name = f"{row.file}: {row.what}"
    if (known := memory.noticed_by(name)) and _ran(copy, [known])[0] == "noticed":
        return "noticed"
    outcome, by = _ran(copy, row.tests.split())
    if by:
        memory.remember(name, by)
    return outcome


def _ran(copy: Path, tests: Sequence[str]) -> tuple[str, str]:
    """INVALID: no test could run, so that nothing was shown. And the test that failed."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-n", "0", "-p", "no:cacheprovider"]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    try:
        ran = subprocess.run(  # rows of our own
            [*command, *tests],
            cwd=copy,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "noticed", ""
    outcome = {0: "SURVIVED", 1: "noticed"}.get(ran.returncode, "INVALID")
    failed = FAILED.search(ran.stdout)
    return outcome, failed[1] if failed and outcome == "noticed" else ""


if __name__ == "__main__":
    sys.exit(main())
