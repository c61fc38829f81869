"""Our detections as Sigma rules: pySigma reads them, and they find what ours find."""

from pathlib import Path

import pytest
from sigma.rule import SigmaRule
from sigma.validation import SigmaValidator
from sigma.validators.core import validators

from shared.audit.catalogue import ALL
from shared.audit.detection import Detection
from shared.audit.sigma.export import EXPORTS, exported
from shared.audit.sigma.rule import read_rule
from tests.unit.audit.cases.case import Case
from tests.unit.audit.test_detections import FIRES, NEAR_MISSES
from tests.unit.audit.timelines import read

FILES = exported()
OF_THE_INTERNET = {"attacktag", "d3_fendtag"}  # pySigma fetches these frameworks when it is run
# What Sigma can't say: each is told in the rule's description, or is what a team sets.
LET_PASS = {
    "D2 wide",
    "D2 wide IPv6",
    "D2 as wide as allowed",
    "D2 not a network",
    "D2 activated",
    "P1 OrgAdmin has power",
    "P1 billing_admin has power",
    "P2 a role that nobody knows",
}


def exportable(cases: list[Case]) -> list[Case]:
    """What a team sets is not exported."""
    return [each for each in cases if each.detection in EXPORTS and not each.settings]


def test_every_detection_of_one_event_is_exported() -> None:
    ours = {each.about.id for each in ALL if isinstance(each, Detection) and each.types}

    assert EXPORTS.keys() == ours
    assert len(FILES) == len(ours)


@pytest.mark.parametrize("name", FILES)
def test_what_is_published_is_what_is_exported(name: str) -> None:
    assert Path("docs/sigma", name).read_text() == FILES[name]


def test_pysigma_reads_them_and_finds_nothing_wrong() -> None:
    rules = [SigmaRule.from_yaml(text) for text in FILES.values()]
    offline = [each for name, each in validators.items() if name not in OF_THE_INTERNET]
    found = SigmaValidator(set(offline)).validate_rules(iter(rules))

    assert [rule.errors for rule in rules] == [[]] * len(FILES)
    assert [str(issue) for issue in found] == []


@pytest.mark.parametrize("case", exportable(FIRES), ids=lambda case: case.id)
def test_an_exported_rule_finds_what_ours_finds(case: Case) -> None:
    rule = read_rule("r", FILES[f"openai_{case.detection.lower()}.yml"])
    found = any(map(rule.fits, read(case.events)))

    assert found is (case.id not in LET_PASS)


@pytest.mark.parametrize("case", exportable(NEAR_MISSES), ids=lambda case: case.id)
def test_and_is_calm_where_ours_is(case: Case) -> None:
    rule = read_rule("r", FILES[f"openai_{case.detection.lower()}.yml"])

    assert not any(map(rule.fits, read(case.events)))
