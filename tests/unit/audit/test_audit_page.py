"""docs/audit.md says what is true: its table comes from the detections, its story from a run."""

import re

from local.paths import ROOT
from shared.audit.catalogue import ABOUT
from shared.audit.config import Config

PAGE = (ROOT / "docs" / "audit.md").read_text()


def table() -> str:
    """Every detection in a row; what it looks for is its name."""
    rows = [
        f"| {about.id} | {about.name} | {', '.join(about.attack)} |" for about in ABOUT.values()
    ]
    return "\n".join(["| id | what it looks for | ATT&CK |", "|---|---|---|", *rows])


def between(mark: str) -> str:
    found = re.search(rf"<!-- {mark} -->\n(.*?)\n?<!-- /{mark} -->", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_table_of_detections_is_theirs() -> None:
    assert between("detections") == table()


def test_every_setting_that_is_named_exists() -> None:
    named = set(re.findall(r"`([a-z_]+)(?:: true)?`", PAGE)) & {
        "ocsf",
        "notify_from",
        "suppress_minutes",
    }
    rule = Config().rule("D1")

    assert named <= {*Config.model_fields, *type(rule).model_fields}
    assert named
