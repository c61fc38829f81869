"""`make run-library`, whole: folders through S3's own messages, questions, answers that cite."""

import re
import subprocess
import sys

import pytest

from tests.e2e.conftest import ROOT

pytestmark = pytest.mark.e2e

STORY = re.compile(r"```\n(\d+ Markdown files and a broken PDF.*?)```", re.DOTALL)
QUOTED = re.compile(r"(?m)^    According to .*$")  # the documents are this project's own, and grow


def test_a_folder_is_kept_and_asked_as_the_readme_shows() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "local.library_story"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    shown = STORY.search((ROOT / "README.md").read_text())
    assert shown is not None
    assert QUOTED.sub("…", done.stdout).endswith(QUOTED.sub("…", shown[1]))
    assert (
        "    According to operations.45e7b308b7aa.md: # Operations The pager rings" in done.stdout
    )
