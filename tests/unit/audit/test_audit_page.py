"""docs/audit.md says what is true: its table comes from the detections, its story from a run."""

import re

from local.paths import ROOT
from shared.audit.config import Config
from shared.audit.event_types import KNOWN
from shared.audit.recorded_only import RECORDED_ONLY
from tests.support import audit_page

PAGE = (ROOT / "docs" / "audit.md").read_text()


def between(mark: str) -> str:
    found = re.search(rf"<!-- {mark} -->\n(.*?)\n?<!-- /{mark} -->", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_table_of_detections_is_theirs() -> None:
    assert between("detections") == audit_page.detections()


def test_the_table_of_types_is_complete() -> None:
    looked_at = {type_ for type_ in KNOWN if audit_page.looking(type_)}

    assert between("types") == audit_page.types()
    assert looked_at | RECORDED_ONLY.keys() == KNOWN
    assert not looked_at & RECORDED_ONLY.keys()


def test_every_setting_that_is_named_exists() -> None:
    named = set(re.findall(r"`([a-z_]+)(?:: true)?`", PAGE)) & {
        "ocsf",
        "notify_from",
        "suppress_minutes",
    }
    rule = Config().rule("D1")

    assert named <= {*Config.model_fields, *type(rule).model_fields}
    assert named
