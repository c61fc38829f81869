"""The garbage collector rests while a function starts, on Lambda alone, and works afterwards."""

import os
import subprocess
import sys

import pytest

from local.paths import ROOT

CODE = """
import gc, sys
import functions
resting = not gc.isenabled()
import functions.{function}.handler
print(resting, gc.isenabled(), gc.get_freeze_count() > 10_000)
large = ("parser.models", "duckdb", "minijinja", "jsonschema_rs")
print([name for name in sys.modules if any(each in name for each in large)])
"""


@pytest.mark.parametrize("is_lambda", [True, False])
@pytest.mark.parametrize(
    "function", ["audit", "intake", "land", "library", "poll", "submit", "webhook"]
)
def test_a_start_is_not_interrupted_and_loads_no_models_of_other_events(
    function: str, is_lambda: bool
) -> None:
    environment = {"PATH": os.defpath}
    if is_lambda:
        environment["AWS_LAMBDA_FUNCTION_NAME"] = "a function"

    run = subprocess.run(
        [sys.executable, "-c", CODE.format(function=function)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    collected, loaded = run.stdout.splitlines()
    assert collected == ("True True True" if is_lambda else "False True False")
    assert loaded == "[]"
