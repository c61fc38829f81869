"""`make run-library`, whole: folders through S3's own messages, questions, answers that cite."""

import re

import pytest

from tests.e2e.conftest import told_and_shown

pytestmark = pytest.mark.e2e

STORY = re.compile(r"```\n(\d+ Markdown files and a broken PDF.*?)```", re.DOTALL)
QUOTED = re.compile(r"(?m)^    According to .*$")  # the documents are this project's own, and grow


def test_a_folder_is_kept_and_asked_as_the_readme_shows() -> None:
    told, shown = told_and_shown("local.demos.library_demo", STORY)

    assert QUOTED.sub("…", told).endswith(QUOTED.sub("…", shown))
    assert "    According to operations.45e7b308b7aa.md: # Operations The pager rings" in told
