"""Every command on README and the pages of docs/ exists, and takes what it is given."""

import importlib.util
import os
import re
import subprocess
import sys
from functools import cache

import pytest

from local.paths import ROOT
from tests.unit.docs.aws_cli import problems as aws_problems
from tests.unit.docs.pages import OURS, PAGES, Command, commands, fences, is_command, split

ELSEWHERE = {  # commands that are not checked here, and why
    "git clone": "only a reader knows the address of the repository",
    "cd batchdrop": "follows the clone",
    "git pull": "takes nothing of ours",
    "sam delete": "tests/tools/moves.py runs it",
}
LANGUAGES = {"sh", "json", "yaml", "text", "mermaid", "python"}
WIDE = {"COLUMNS": "250", "NO_COLOR": "1", "TERM": "dumb"}  # so that no option's name is cut

MAKEFILE = (ROOT / "Makefile").read_text()
READ = MAKEFILE + "".join(
    path.read_text() for path in (ROOT / "tests").rglob("*.py") if path.parent.name != "docs"
)


def problems(command: Command) -> list[str]:
    """What would stop a reader who types this."""
    program, *rest = command.words
    unread = [name for name in _names(command.variables) if name not in READ]
    if program == "make":
        return unread + _of_make(rest)
    if program == "aws":
        return aws_problems(rest)
    if program.startswith(".venv/bin/") or program in OURS:
        return unread + _of_ours(program.removeprefix(".venv/bin/"), rest)
    known = " ".join(command.words[:2]) in ELSEWHERE
    return [] if known else ["this test does not know how to check it"]


def _names(variables: tuple[str, ...]) -> list[str]:
    return [variable.partition("=")[0] for variable in variables]


def _of_make(words: list[str]) -> list[str]:
    variables = tuple(word for word in words if "=" in word)
    unread = [name for name in _names(variables) if f"{name}" not in MAKEFILE]
    status, text = _ended("make", "--dry-run", *words)
    return [f"the Makefile reads no {name}" for name in unread] + ([text] if status else [])


def _of_ours(program: str, words: list[str]) -> list[str]:
    """`batchdrop`, or `python -m MODULE`, against its own help."""
    module = "local"
    if program == "python":
        module, words = words[1], words[2:]
    if importlib.util.find_spec(module) is None:
        return [f"there is no module {module}"]
    start = (sys.executable, "-m", module)
    options = {word.partition("=")[0] for word in words if word.startswith("--")}
    subcommand = tuple(words[:1]) if words and not words[0].startswith("-") else ()
    return [*_of_help(start, subcommand), *_of_help((*start, *subcommand), tuple(options))]


def _of_help(start: tuple[str, ...], named: tuple[str, ...]) -> list[str]:
    """What of it the help does not name. A program that is not asked anything is not run."""
    text = _ended(*start, "--help")[1] if named else ""
    return [f"no {name}" for name in named if not re.search(rf"(?m)(^|\s){name}\b", text)]


@cache
def _ended(*words: str) -> tuple[int, str]:
    done = subprocess.run(
        words,
        cwd=ROOT,
        env={name: text for name, text in os.environ.items() if "MAKE" not in name} | WIDE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("command", commands(), ids=str)
def test_a_command_on_a_page_would_run(command: Command) -> None:
    assert problems(command) == []


@pytest.mark.parametrize(
    "text",
    [
        "make nonsense",
        "make run FIEL=my.jsonl",
        "NO_SUCH_STEP=1 make test",
        ".venv/bin/python -m local nonsense",
        ".venv/bin/python -m local run my.jsonl --no-such-option",
        ".venv/bin/python -m local.nonsense",
        "aws s3 mv a b",
        "aws s3 cp a",
        "aws s3 cp a b --metadatum x=y",
        "aws nonsense query",
        "aws dynamodb ask",
        "aws dynamodb query --table-nam ledger",
        "aws dynamodb query --key-condition-expression pk",
        "aws dynamodb query --table-name t --expression-attribute-values '{\":a\": 1}'",
        "aws dynamodb query --table-name t --expression-attribute-values '{'",
        "aws cloudformation describe-stacks --query 'Stacks[0'",
        "aws lambda invoke --function-name poll",
        "aws sqs start-message-move-task --source-arn arn more",
        "docker run batchdrop",
    ],
)
def test_a_command_that_would_not_run_is_found(text: str) -> None:
    (command,) = split(text)

    assert problems(command)


def test_a_block_is_read_as_a_shell_would() -> None:
    block = "A=1 make run OUT='a b' && make down  # stop it\naws s3 ls \\\n    s3://<the bucket>/\n"

    assert list(split(block)) == [
        Command(("A=1",), ("make", "run", "OUT=a b")),
        Command((), ("make", "down")),
        Command((), ("aws", "s3", "ls", "s3://the-bucket/")),
    ]


def test_a_command_is_marked_as_one_wherever_it_stands() -> None:
    marked = [fence for page in PAGES for fence in fences(page)]

    assert {fence.language for fence in marked} <= LANGUAGES
    lines = [line for fence in marked if fence.language != "sh" for line in fence.text.splitlines()]
    assert [line for line in lines if is_command(line)] == []


def test_what_is_not_checked_here_still_stands_on_a_page() -> None:
    found = {" ".join(command.words[:2]) for command in commands()}

    assert set(ELSEWHERE) <= found
    assert len(found) > 25


def test_a_message_to_look_for_is_one_that_is_logged() -> None:
    texts = [fence.text for page in PAGES for fence in fences(page)]
    named = {name for text in texts for name in re.findall(r'\$\.message = "([^"]+)"', text)}

    assert named
    logged = (ROOT / "shared" / "telemetry.py").read_text()
    assert [name for name in named if f'"{name}"' not in logged] == []
