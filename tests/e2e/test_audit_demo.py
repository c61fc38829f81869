"""`make run-audit`, whole: the template deployed, the function a process, alerts by topic."""

import re

import pytest

from tests.e2e.conftest import told_and_shown

pytestmark = pytest.mark.e2e

STORY = re.compile(r"```\n(\d+ events of twenty quiet days\n.*?)```", re.DOTALL)


def test_a_theft_rings_and_quiet_days_do_not_as_the_readme_shows() -> None:
    told, shown = told_and_shown("local.demos.audit_demo", STORY)

    assert told.endswith(shown)
