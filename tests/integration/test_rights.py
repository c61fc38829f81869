"""Least rights: what the template lets a function do is what it does, no more and no less.

The needs come from calls that were made: every function runs all its scenarios, and a call in the
code that no scenario makes fails. A function without scenarios fails.
"""

import ast
from collections.abc import Iterator
from functools import cache

import botocore.session
import pytest
from botocore import xform_name

from local.paths import ROOT
from tests.support.rights import (
    WITH_PARAMETERS,
    Call,
    functions,
    granted,
    in_scenario,
    needed,
    of_the_platform,
    or_more,
)
from tests.support.rights_scenarios import Traced, run_scenarios
from tests.tools.update_rights import PAGE, filled

SCENARIOS = {
    "parameters": WITH_PARAMETERS,
    "secrets and a key of one's own": {
        "KeyIsSecret": True,
        "AdminKeyIsSecret": True,
        "HasExtraHeaders": True,
        "OwnKey": True,
        "KeysHaveAKey": True,
        "TracingIsOn": True,
        "AuditIsOn": True,
    },
}
SERVICES = ("dynamodb", "events", "s3", "secretsmanager", "sns", "sqs", "ssm")

pytestmark = pytest.mark.xdist_group("rights")


@cache
def once() -> Traced:
    """All scenarios take half a minute."""
    return run_scenarios()


@pytest.fixture
def traced(made_up_account: None) -> Traced:
    return once()


@pytest.fixture
def calls(traced: Traced) -> dict[str, list[Call]]:
    if traced.failures:
        pytest.skip("a scenario failed: test_every_scenario_ends_as_expected says which")
    return traced.calls


def test_every_scenario_ends_as_expected(traced: Traced) -> None:
    assert traced.failures == {}


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("function", functions())
def test_a_function_may_do_what_it_does_and_nothing_else(
    calls: dict[str, list[Call]], function: str, scenario: str
) -> None:
    assert calls.get(function), f"rights_scenarios.py has no scenario for {function}"
    does = {right for call in calls[function] for right in needed(call)} | set(
        of_the_platform(function)
    )
    may = granted(function, SCENARIOS[scenario])
    needs = {or_more(right, may) for right in in_scenario(does, SCENARIOS[scenario])}

    assert {"missing": needs - may, "unused": may - needs} == {"missing": set(), "unused": set()}


def test_every_call_in_the_code_is_made_in_a_scenario(calls: dict[str, list[Call]]) -> None:
    made = {xform_name(call.operation) for each in calls.values() for call in each}

    assert set(_written()) - made - {"abort_multipart_upload", "get_secret_value"} == set()


def _written() -> Iterator[str]:
    """The names of the AWS operations that shipped code calls, or asks a paginator for."""
    session = botocore.session.get_session()
    known = {
        xform_name(operation)
        for service in SERVICES
        for operation in session.get_service_model(service).operation_names
    }
    for path in [*(ROOT / "shared").rglob("*.py"), *(ROOT / "functions").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                asked = [each.value for each in node.args if isinstance(each, ast.Constant)]
                yield from (str(name) for name in (node.func.attr, *asked) if name in known)


def test_a_right_is_never_a_star() -> None:
    for function in functions():
        for right in granted(function, SCENARIOS["parameters"]):
            assert "*" not in right.action
            assert right.resource != "*" or right.action.startswith("xray:"), right


def test_the_reference_shows_what_each_function_may_do() -> None:
    page = PAGE.read_text()

    assert filled(page) == page, "renew it: python -m tests.tools.update_rights"
