"""`make run-audit`, whole: the template deployed, the function a process, alerts by topic."""

import re

import pytest

from tests.e2e.conftest import printed_and_shown

pytestmark = pytest.mark.e2e

STORY = re.compile(r"```(?:text)?\n(\d+ events of twenty quiet days\n.*?)```", re.DOTALL)


def test_the_audit_demo_prints_what_its_page_shows() -> None:
    printed, shown = printed_and_shown("audit", "audit.md", STORY)

    assert printed.endswith(shown)
