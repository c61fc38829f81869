"""What a person asks for by object metadata is done, or refused with how to ask for it."""

import json
import shlex
from typing import Any

import pytest

from local.paths import ROOT
from shared.jobs.options import ADDED_BY_CLIENTS, HOW, Options, foreign_names, read_options

PAIRS = {f"k{n}": "v" for n in range(13)}


@pytest.mark.parametrize(
    ("asked", "options"),
    [
        ({}, Options()),
        ({"bad-lines": "skip"}, Options(bad_lines="skip")),
        ({"Bad-Lines": "reject"}, Options(bad_lines="reject")),
        ({"bad_lines": "skip"}, Options(bad_lines="skip")),
        ({"completion-window": "24h"}, Options()),
        ({"duplicate-file": "ask"}, Options()),
        ({"duplicate_file": "run"}, Options(duplicate_file="run")),
        ({"Duplicate-File": "reject"}, Options(duplicate_file="reject")),
        ({"keep-files": "true"}, Options(keep_files=True)),
        ({"keep-files": "false"}, Options()),
        ({"keep-files": "yes"}, Options(keep_files=True)),
        ({"keep-files": "TRUE"}, Options(keep_files=True)),
        ({"keep-files": "1"}, Options(keep_files=True)),
        ({"keep-files": "no"}, Options()),
        ({"keep-files": "0"}, Options()),
        ({"max-attempts": "1"}, Options(max_attempts=1)),
        ({"max-attempts": "10"}, Options(max_attempts=10)),
        *(
            ({"max-failures": most}, Options(max_failures=most))
            for most in ("0", "12", "0%", "5%", "0.5%", "100%")
        ),
        ({"metadata": '{"team": "search"}'}, Options(metadata={"team": "search"})),
        ({"metadata": "{}"}, Options()),
        ({"metadata": json.dumps(PAIRS)}, Options(metadata=PAIRS)),
        ({"metadata": json.dumps({"k" * 64: "v" * 512})}, Options(metadata={"k" * 64: "v" * 512})),
        (dict.fromkeys(ADDED_BY_CLIENTS, "x"), Options()),
        ({"User-Agent": "aws-datasync", "file-owner": "999"}, Options()),
    ],
)
def test_option_is_read(asked: dict[str, str], options: Options) -> None:
    assert read_options(asked) == (options, [])


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("bad-lines", "ignore", "'reject' or 'skip'"),
        ("bad-lines", "", "'reject' or 'skip'"),
        ("completion-window", "48h", "'24h'"),
        ("duplicate-file", "skip", "'ask', 'run' or 'reject'"),
        ("duplicate-file", "", "'ask', 'run' or 'reject'"),
        ("keep-files", "perhaps", "boolean"),
        ("keep-files", "on", "boolean"),
        ("keep-files", "", "boolean"),
        ("max-attempts", "0", "greater than or equal to 1"),
        ("max-attempts", "11", "less than or equal to 10"),
        ("max-attempts", "three", "integer"),
        ("max-attempts", "2.5", "integer"),
        *(
            ("max-failures", odd, "match pattern")
            for odd in (
                "-1",
                "five",
                "",
                "5 %",
                "%",
                "101%",
                "1.5",
                "²%",
                "1e3",
                "5%%",
                "1234567890",
            )
        ),
        ("metadata", "team=search", "Expecting value"),
        ("metadata", "", "Expecting value"),
        ("metadata", "[]", "dictionary"),
        ("metadata", "null", "dictionary"),
        ("metadata", "[" * 2_000, "nested too deeply"),
        ("metadata", '{"a":' * 400, "Expecting value"),
        ("metadata", "[" * 600 + "]" * 600, "nested too deeply"),
        ("metadata", "[" * 500 + "]" * 500, "dictionary"),
        ("metadata", '{"team": 1}', "valid string"),
        ("metadata", '{"": "v"}', "at least 1 character"),
        ("metadata", json.dumps({"k" * 65: "v"}), "at most 64 characters"),
        ("metadata", json.dumps({"k": "v" * 513}), "at most 512 characters"),
        ("metadata", json.dumps(PAIRS | {"one": "more"}), "at most 13 items"),
        ("metadata", '{"job_id": "mine"}', "job_id is ours"),
        ("metadata", '{"part": "1", "attempt": "2"}', "attempt, part is ours"),
    ],
)
def test_invalid_option_is_refused_with_how_to_write_it(name: str, value: str, what: str) -> None:
    options, (problem,) = read_options({name: value})

    assert options == Options()
    assert (problem.code, problem.param, problem.line) == ("invalid_option", name, None)
    assert what in problem.message
    assert problem.remedy == HOW[name]


@pytest.mark.parametrize(
    "name", ["badlines", "window", "max-retries", "bad--lines", "metadata-", "metdata", "keepfiles"]
)
def test_unknown_option_is_refused_with_the_known_ones(name: str) -> None:
    options, (problem,) = read_options({name: "1"})

    assert options == Options()
    assert (problem.code, problem.param) == ("unknown_option", name)
    assert (
        "bad-lines, completion-window, dry-run, duplicate-file, duplicates, keep-files, "
        "max-attempts, max-cost, max-failures, "
        "metadata" in problem.message
    )


def test_each_wrong_option_is_reported_once() -> None:
    asked = {"bad-lines": "x", "bad-rows": "1", "metadata": '{"a": 1, "b": 2}', "max-attempts": "4"}

    _, problems = read_options(asked)

    assert sorted(str(each.param) for each in problems) == ["bad-lines", "bad-rows", "metadata"]


def test_option_written_both_ways_is_refused() -> None:
    _, (problem,) = read_options({"bad-lines": "skip", "bad_lines": "reject"})

    assert (problem.code, problem.param) == ("unknown_option", "bad_lines")


@pytest.mark.parametrize("field", list(Options.model_fields))
def test_every_option_has_a_remedy(field: str) -> None:
    assert field.replace("_", "-") in HOW


def test_options_are_stored_under_the_names_people_write() -> None:
    written: dict[str, Any] = Options(bad_lines="skip").model_dump(by_alias=True)

    assert written == {
        "bad-lines": "skip",
        "completion-window": "24h",
        "dry-run": False,
        "duplicates": "each",
        "duplicate-file": "ask",
        "keep-files": False,
        "max-attempts": 3,
        "max-cost": None,
        "max-failures": None,
        "metadata": {},
    }


@pytest.mark.parametrize(
    "name",
    [
        *("mc-attrs", "btime", "rdev", "s3b-last-modified", "codebuild-content-sha256"),
        *("team", "Content-Language", "meta", "owner", "sha256", "airflow-run-id", "x" * 2_000),
    ],
)
def test_metadata_of_clients_is_left_alone_and_named(name: str) -> None:
    assert read_options({name: "anything"}) == (Options(), [])
    assert foreign_names({name: "anything", "mtime": "1"}) == [name.lower()]


def test_example_of_metadata_in_the_docs_is_what_a_shell_passes_on() -> None:
    page = (ROOT / "docs" / "jobs.md").read_text()
    (command,) = (line for line in page.splitlines() if "--metadata '" in line)
    given = json.loads(shlex.split(command)[-1])

    assert read_options(given) == (Options(metadata={"team": "search"}), [])
