"""Tables in the documents say what the files they are made from say."""

import re

from local.build.update_reference import PAGE, TABLE, table
from local.paths import ROOT

WORKFLOW = (ROOT / ".github" / "workflows" / "ci.yml").read_text()


def test_the_reference_explains_every_parameter_as_the_template_does() -> None:
    (found,) = TABLE.findall(PAGE.read_text())

    assert found == table(), "renew it: python -m local parameters"


def test_every_action_is_pinned_by_commit_with_its_version_beside() -> None:
    used = re.findall(r"uses: (.*)", WORKFLOW)

    assert used
    assert [each for each in used if not re.fullmatch(r"\S+@[0-9a-f]{40} # v[\d.]+", each)] == []
