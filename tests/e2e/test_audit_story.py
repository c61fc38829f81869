"""`make run-audit`, whole: the template deployed, the door a process, letters through the topic."""

import subprocess
import sys

import pytest

from tests.e2e.conftest import ROOT

pytestmark = pytest.mark.e2e

TOLD = (
    "CRITICAL D2  IP allow-list ipallow_office opened to the whole internet",
    "HIGH     A5  owner@example.com: 5,196 km in 1 min",
    "HIGH     K1  API key key_backup may do everything",
    "HIGH     S2  Limit rl_gpt5 raised",
    "signal   K4 API key key_backup lived 6 min",
    "110 events landed",
)


def test_a_theft_rings_and_quiet_days_do_not() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "local.audit_story"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    quiet, _, theft = done.stdout.partition("an owner signs in")
    assert "nothing rings" in quiet
    for line in TOLD:
        assert line in theft
