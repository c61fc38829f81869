"""The runbooks are walked: every command of docs/operations.md, from top to bottom, on a stack.

An `aws` command is read as the AWS CLI reads it, and sent by boto3; the others run as they are,
but for `make`, which would set up an environment first.
"""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from local.cli.progress import Clock, snapshots
from local.cli.run import drop
from local.ops.doctor.stack import Standing
from local.paths import ROOT
from local.world.packages import SAM, built_template
from local.world.stack import MADE_UP_KEY, REGION, STACK, World, aws_environment, make_world
from local.world.up_down import standing_options
from local.world.workspace import clear
from shared.jobs.model import JobState
from tests.support.sessions import session_at
from tests.unit.docs.aws_cli import request
from tests.unit.docs.pages import Command, fences, split

pytestmark = pytest.mark.e2e
PAGE = ROOT / "docs" / "operations.md"
NOT_HERE = {  # and why; the page says so, too
    "git pull": "there is no newer commit to fetch; make moves upgrades from the one before",
    "aws sqs start-message-move-task": "neither MiniStack nor moto has it",
}
DEPLOYING: tuple[str, ...] = (
    "--resolve-s3",
    "--capabilities",
    "CAPABILITY_IAM",
    "--no-confirm-changeset",
)
DEPLOYING += ("--no-fail-on-empty-changeset", "--region", REGION)


def commands(values: Mapping[str, str]) -> Iterator[Command]:
    for fence in fences(PAGE):
        if fence.language == "sh":
            yield from split(fence.text, values)


class Walker:
    """Does what the page says to the stack of a world."""

    def __init__(self, world: World, home: Path) -> None:
        self.world, self.home = world, home
        self.environment = aws_environment(world.endpoint) | {"PYTHONPATH": str(ROOT)}
        self.walked: list[str] = []

    def walk(self, command: Command) -> None:
        program, *rest = command.words
        self.walked.append(str(command))
        if any(str(command).startswith(each) for each in NOT_HERE):
            return
        match program, rest:
            case "aws", _:
                self._send(rest)
            case "sam", ["delete", *_]:
                self._run(str(SAM), *rest, "--no-prompts", "--region", REGION)
            case "make", ["adopt", str(stack)]:
                self._run_ours("adopt", "--stack", stack.removeprefix("STACK="))
            case "make", ["deploy", *_]:
                template = str(built_template(lambda _: None))
                module = "local.ops.deploy_stack"
                to = (STACK, "--template-file", template, *DEPLOYING)
                self._run(sys.executable, "-m", module, *to)
            case ".venv/bin/batchdrop", ["doctor", *options]:
                said = self._run_ours("doctor", *options)
                assert "problem" not in said, said
            case ".venv/bin/batchdrop", _:
                self._run_ours(*rest)
            case _:
                raise AssertionError(f"nobody walks {command}")

    def _send(self, words: list[str]) -> None:
        service, method, arguments = request(words)
        arguments = {name: _sent(value) for name, value in arguments.items()}
        getattr(self.world.client(service), method)(**arguments)

    def _run_ours(self, *words: str) -> str:
        return self._run(sys.executable, "-m", "local", *words)

    def _run(self, *words: str) -> str:
        done = subprocess.run(
            words,
            cwd=self.home,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{words}\n{done.stdout}"
        return done.stdout


def _sent(value: Any) -> Any:
    return value.replace("sk-…", MADE_UP_KEY) if isinstance(value, str) else value


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    try:
        yield make_world(tmp_path, standing_options(real=False, port=0), lambda _: None)
    finally:
        clear(tmp_path)


def test_every_command_of_the_runbooks_does_what_it_says(world: World, tmp_path: Path) -> None:
    job = drop(world, ROOT / "events" / "sample.jsonl", "inbox/sample.jsonl", {})
    with Clock(world) as clock:
        *_, last = snapshots(world, tmp_path, job, clock)
    assert last.job
    values = {**world.outputs, "stack": world.stack, "id": job, "function": "land"}
    walker = Walker(world, tmp_path)

    for command in commands(values):
        walker.walk(command)

    assert len(walker.walked) > 20
    after = Standing.described(session_at(world.endpoint), world.stack)
    assert after
    assert after.parameters["OpenAIBaseUrl"] == world.openai.rstrip("/"), "parameters are kept"
    assert after.is_protected
    table = after.of_type("AWS::DynamoDB::Table")["Ledger"]
    assert table == f"{world.stack}-Ledger-RESTORED1"
    kept = world.resource("dynamodb").Table(table).scan()["Items"]
    assert JobState.COMPLETED in {row.get("state") for row in kept}
