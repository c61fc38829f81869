"""What pip-audit's answers mean: silence is no all-clear."""

import json

import pytest

from local.build.check_advisories import judged

GOOD = {"name": "httpx", "version": "1", "vulns": []}
SKIPPED = {"name": "boto3", "skip_reason": "not found"}
HOLE = {"name": "pydantic", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3"]}]}


@pytest.mark.parametrize(
    ("packages", "status", "said"),
    [
        ([GOOD], 0, "1 shipped packages, none with a known hole"),
        ([GOOD, SKIPPED], 0, "NOT AUDITED: no data for 1 of 2 packages"),
        ([HOLE, SKIPPED], 1, "pydantic 2: PYSEC-1, mended in 3"),
    ],
)
def test_only_a_package_that_was_looked_up_counts_as_sound(
    packages: list[object], status: int, said: str
) -> None:
    verdict = judged(json.dumps({"dependencies": packages}), "")

    assert verdict.status == status
    assert verdict.text.startswith(said)


def test_an_audit_that_could_not_be_made_says_so() -> None:
    verdict = judged("", "a trace\nConnectionError: no way out\n")

    assert verdict.status == 0
    assert verdict.text.startswith("NOT AUDITED: ConnectionError: no way out.")
