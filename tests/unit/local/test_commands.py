"""The `batchdrop` command: what it lists, how it ends, and what it does not load."""

import io
import subprocess
import sys

import pytest

from local.cli.commands import main

SUBCOMMANDS = [
    "run",
    "up",
    "down",
    "openai",
    "audit",
    "library",
    "replay",
    "adopt",
    "parameters",
    "prices",
]
HEAVY = ("boto3", "httpx", "pydantic", "rich", "shared", "werkzeug", "yaml")


def called(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_the_help_lists_every_subcommand(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("--help") == 0
    shown = capsys.readouterr().out.split()
    assert set(SUBCOMMANDS) <= set(shown)


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_every_subcommand_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert called(name, "--help") == 0
    assert f"Usage: batchdrop {name}" in capsys.readouterr().out


def test_the_help_of_openai_names_its_quirks(capsys: pytest.CaptureFixture[str]) -> None:
    assert called("openai", "--help") == 0
    assert "stuck_in_progress" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["run"],
        ["run", "nowhere.jsonl"],
        ["run", "events/sample.jsonl", "--option", "bad-lines"],
        ["run", "events/sample.jsonl", "--nonsense"],
        ["openai", "--port", "many"],
        ["adopt", "--table", "Ledger"],
        ["replay"],
        ["replay", "nowhere.jsonl"],
    ],
    ids=" ".join,
)
def test_a_wrong_call_ends_with_status_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert called(*arguments) == 2
    assert capsys.readouterr().err


def test_a_terminal_of_ascii_can_show_every_help(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr("sys.stdout", screen)

    assert called("run", "--help") == 0
    screen.seek(0)
    assert "KEY=VALUE" in screen.read()


def test_the_command_loads_only_what_its_subcommand_needs() -> None:
    loaded = "import sys, local.cli.commands; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", loaded], capture_output=True, text=True, check=True
    )

    assert not set(done.stdout.split()) & set(HEAVY)


def test_the_package_run_as_a_module_is_the_same_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "local"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert "Usage: batchdrop" in done.stdout
