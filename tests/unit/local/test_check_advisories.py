"""What pip-audit's answers mean: no answer proves nothing."""

import json

import pytest

from local.build.check_advisories import verdict_on

GOOD = {"name": "httpx", "version": "1", "vulns": []}
SKIPPED = {"name": "boto3", "skip_reason": "not found"}
VULNERABLE = {
    "name": "pydantic",
    "version": "2",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["3"]}],
}


@pytest.mark.parametrize(
    ("packages", "status", "text"),
    [
        ([GOOD], 0, "1 shipped packages, none with a known vulnerability"),
        ([GOOD, SKIPPED], 0, "NOT AUDITED: no data for 1 of 2 packages"),
        ([VULNERABLE, SKIPPED], 1, "pydantic 2: PYSEC-1, fixed in 3"),
    ],
)
def test_only_a_package_with_data_counts_as_safe(
    packages: list[object], status: int, text: str
) -> None:
    verdict = verdict_on(json.dumps({"dependencies": packages}), "")

    assert verdict.status == status
    assert verdict.text.startswith(text)


def test_a_failed_audit_says_that_it_failed() -> None:
    verdict = verdict_on("", "a trace\nConnectionError: no way out\n")

    assert verdict.status == 0
    assert verdict.text.startswith("NOT AUDITED: ConnectionError: no way out.")


@pytest.mark.parametrize(
    ("found", "status"),
    [
        ("", 1),
        (json.dumps({"dependencies": [GOOD, SKIPPED]}), 1),
        (json.dumps({"dependencies": [GOOD]}), 0),
    ],
)
def test_in_ci_no_answer_is_a_failure(found: str, status: int) -> None:
    """Nobody reads what a green run says."""
    assert verdict_on(found, "no way out", in_ci=True).status == status
