"""`make run-library`, whole: folders through S3's own messages, questions, answers that cite."""

import re

import pytest

from tests.e2e.conftest import printed_and_shown

pytestmark = pytest.mark.e2e

STORY = re.compile(r"```(?:text)?\n(\d+ Markdown files and a broken PDF.*?)```", re.DOTALL)
QUOTED = re.compile(r"(?m)^    According to .*$")  # the documents are this project's own, and grow


def test_library_demo_prints_what_its_page_shows() -> None:
    printed, shown = printed_and_shown("library", "libraries.md", STORY)

    assert QUOTED.sub("…", printed).endswith(QUOTED.sub("…", shown))
    assert "    According to operations.42654ba4f6d7.md: # Operations The siren sounds" in printed
