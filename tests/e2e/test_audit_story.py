"""`make run-audit`, whole: the template deployed, the door a process, letters through the topic."""

import re
import subprocess
import sys

import pytest

from tests.e2e.conftest import ROOT

pytestmark = pytest.mark.e2e

STORY = re.compile(r"```\n(\d+ events of twenty quiet days\n.*?)```", re.DOTALL)


def test_a_theft_rings_and_quiet_days_do_not_as_the_readme_shows() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "local.audit_story"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    shown = STORY.search((ROOT / "README.md").read_text())
    assert shown is not None
    assert done.stdout.endswith(shown[1])
