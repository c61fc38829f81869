"""Tables and lists on the pages of docs/ say what the code says."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from local.build.update_reference import DETAILS
from local.cli.run import STATUS
from local.paths import ROOT
from shared.audit.catalogue import ALL
from shared.audit.config import Config
from shared.audit.rules import Rule
from shared.aws.notifier import Notification
from shared.batchfile.schema import ENDPOINTS
from shared.jobs import model, notifications
from shared.jobs.model import JobState
from shared.jobs.options import Options
from shared.jobs.part import PartState
from shared.library.settings import LibrarySettings
from shared.report.model import JobReport, Rejected
from shared.telemetry import metric_name
from tests.support.records import ESTIMATE, job, part
from tests.unit.docs.pages import fences, read
from tests.unit.template.test_alarms import emitted, words

DOCS = ROOT / "docs"
JOBS, LIBRARIES = DOCS / "jobs.md", DOCS / "libraries.md"
REFERENCE, ARCHITECTURE = DOCS / "reference.md", DOCS / "architecture.md"
TITLE = re.compile(r"[A-Z][a-z]+( [A-Z][a-z]+)+")
METRIC = re.compile(r"[A-Z][a-z]+([A-Z][a-z]+)+")


def section(page: Path, title: str) -> str:
    """From a heading to the next one of its rank or above."""
    found = re.search(rf"(?ms)^(#+) {re.escape(title)}\n(.*?)(?=^\1 |^# |\Z)", read(page))
    assert found, f"{page.name} has no heading {title!r}"
    return found[2]


def column(text: str, number: int) -> list[str]:
    """What is in code type in a column of the tables."""
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return [name for row in rows for name in re.findall(r"`([^`]+)`", row[number])]


@cache
def nodes() -> list[ast.AST]:
    """The code that ships, as trees."""
    paths = [path for folder in ("functions", "shared") for path in (ROOT / folder).rglob("*.py")]
    return [node for path in paths for node in ast.walk(ast.parse(path.read_text()))]


def counted() -> Iterator[str]:
    """Metrics by their names: of a dictionary of counts, or given to `count`."""
    for node in nodes():
        match node:
            case ast.Dict(keys=keys):
                yield from (str(key.value) for key in keys if isinstance(key, ast.Constant))
            case ast.Call(func=ast.Name(id="count"), args=[ast.Constant(value=str(name)), *_]):
                yield name


def outcomes(function: str) -> set[str]:
    """Metrics that are made of messages and what came of them."""
    texts = words(f"functions/{function.lower()}") | words("shared/jobs")
    return {metric_name(function, text) for text in texts}


def test_every_option_of_a_file_is_in_the_table() -> None:
    options = {name.replace("_", "-") for name in Options.model_fields}

    assert options <= set(column(section(JOBS, "Options"), 0)) <= {*options, "x-amz-meta-…"}


def test_every_endpoint_is_in_the_list() -> None:
    assert set(re.findall(r"`(/v1/[a-z/]+)`", section(JOBS, "The file you drop"))) == ENDPOINTS


def test_every_field_of_a_report_is_in_the_table() -> None:
    fields = {*JobReport.model_fields, *Rejected.model_fields}

    shown = set(column(section(JOBS, "The report"), 0)) - {"report.json"}
    assert shown <= fields
    assert fields - shown <= {"rejected_at", "dropped_at"}


def test_every_end_of_a_job_has_an_exit_status_of_its_own_in_the_table() -> None:
    table = section(JOBS, "Run a file on your machine")
    shown = dict(re.findall(r"(?m)^\| (\d+) \| `(\w+)`", table))

    own = {state: status for state, status in STATUS.items() if state is not JobState.ESTIMATED}
    assert shown == {str(status): state.value for state, status in own.items()}
    assert set(STATUS) == model.OVER
    assert len(shown) == len(own)
    assert not set(STATUS.values()) & {1, 2}
    assert STATUS[JobState.ESTIMATED] == 0  # it did what was asked


def test_every_end_of_a_job_is_in_the_table_of_ends() -> None:
    assert set(column(section(JOBS, "How a job ends"), 0)) == set(model.OVER)


def test_every_setting_of_a_library_is_in_the_table() -> None:
    shown = column(section(LIBRARIES, "Settings of a library"), 0)

    assert sorted(shown) == sorted(LibrarySettings.model_fields)


def test_every_setting_of_the_detections_is_in_the_table() -> None:
    text, table, _ = re.split(
        r"\n\n(?=\|)|<!-- thresholds", section(REFERENCE, "Settings of the detections"), maxsplit=2
    )
    head = table.split("\n\n")[0]

    assert sorted(column(head, 0)) == sorted(Config.model_fields)
    assert set(Rule.model_fields) <= set(re.findall(r"`(\w+)`", table))
    assert "detections.yaml" in text


def test_every_type_of_notification_is_in_the_table() -> None:
    shown = set(column(section(REFERENCE, "Notifications"), 0))

    assert shown == set(DETAILS)


@pytest.mark.parametrize(
    ("fields", "notification"),
    [
        ("Job fields", notifications.accepted(job(estimate=ESTIMATE))),
        ("Part fields", notifications.waiting(job(estimate=ESTIMATE), part())),
    ],
)
def test_the_fields_of_a_notification_are_all_named(
    fields: str, notification: Notification
) -> None:
    text = section(REFERENCE, "Notifications")
    lists = {
        name: set(re.findall(r"`(\w+)`", listed))
        for name, listed in re.findall(r"(?s)(\w+ fields): (.*?)\.", text)
    }

    shown = lists[fields] | (lists["Job fields"] if fields == "Part fields" else set())
    assert shown == set(notification.detail)


def test_every_metric_in_the_table_is_one_that_is_sent() -> None:
    shown = [name for name in column(section(REFERENCE, "Metrics"), 0) if not name.endswith("…")]

    known = {*emitted(), *outcomes("Submit"), *outcomes("Land")}
    assert [name for name in shown if name not in known] == []


def test_every_metric_that_is_counted_is_in_the_table() -> None:
    shown = column(section(REFERENCE, "Metrics"), 0)

    sent = {name for name in counted() if METRIC.fullmatch(name) and name in emitted()}
    assert sent - set(shown) == set()
    assert len(sent) > 15


def test_the_drawn_life_of_a_part_has_its_states() -> None:
    (diagram,) = [each.text for each in fences(ARCHITECTURE) if each.language == "mermaid"]

    drawn = set(re.findall(r"(\w+) -->|--> (\w+)", diagram))
    assert {name for pair in drawn for name in pair if name} == {*PartState}


def test_five_worked_examples_name_files_that_exist() -> None:
    examples = section(ARCHITECTURE, "Where a change goes").split("\n### ")[1:]
    touched = [re.findall(r"`(\w+/[\w/.]+)`", example) for example in examples]

    assert len(examples) == 5
    assert [paths for paths in touched if len(paths) < 5] == []
    assert [path for paths in touched for path in paths if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", ["README.md", "docs/audit.md"])
def test_a_page_counts_the_detections_right(page: str) -> None:
    counted = re.findall(r"(\d+) detections", (ROOT / page).read_text())

    assert counted == [str(len(ALL))]
