"""docs/reference.md holds what the template and the detections say."""

import json
import re

from local.build.update_reference import (
    PAGE,
    SCHEMAS,
    filled,
    outputs,
    parameters,
    schemas,
    subcommands,
    thresholds,
)
from local.cli.commands import app
from local.paths import ROOT

WORKFLOW = (ROOT / ".github" / "workflows" / "ci.yml").read_text()


def test_the_tables_of_the_reference_are_up_to_date() -> None:
    page = PAGE.read_text()

    assert filled(page, app.registered_commands) == page, "renew it: batchdrop parameters"


def test_a_parameter_is_shown_with_default_and_choices() -> None:
    switch = {"Default": "on", "AllowedValues": ["on", "off"], "Description": "Whether it runs."}

    assert "| `Switch` | `on` | `on`, `off`. Whether it runs. |" in parameters({"Switch": switch})


def test_an_empty_default_is_called_empty() -> None:
    assert "| `Key` | empty | A key. |" in parameters(
        {"Key": {"Default": "", "Description": "A key."}}
    )


def test_an_output_is_shown_with_its_description() -> None:
    assert "| `BusName` | The bus |" in outputs({"BusName": {"Description": "The bus"}})


def test_a_detection_is_shown_with_the_settings_of_its_own() -> None:
    rows = thresholds().splitlines()

    assert "| D2 | `widest_v4: 8`, `widest_v6: 32` |" in rows
    assert [row for row in rows if row.startswith("| D1 ")] == []


def test_a_subcommand_is_shown_with_the_first_line_of_its_help() -> None:
    rows = subcommands(app.registered_commands).splitlines()

    assert "| `batchdrop up` | Make a world and leave it running. |" in rows


def test_every_action_is_pinned_by_commit_and_names_its_version() -> None:
    used = re.findall(r"uses: (.*)", WORKFLOW)

    assert used
    assert [each for each in used if not re.fullmatch(r"\S+@[0-9a-f]{40} # v[\d.]+", each)] == []


def test_schemas_are_those_of_the_reports() -> None:
    there = {path.name: path.read_text() for path in SCHEMAS.iterdir()}

    assert there == schemas()
    job = json.loads(there["job_report.json"])
    assert job["properties"]["format"]["const"] == "batchdrop.report/1"
    assert {"job_id", "state", "requests", "cost"} <= set(job["required"])
    assert len(job["properties"]) > 15
