"""Setting up by make: what interrupts it, what moves it, which Python it takes."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from local.paths import ROOT

PYTHON = """#!/bin/sh
case "$*" in
"-c import sys; print"*) echo "{version} $(cd "$(dirname "$0")" && pwd)/$(basename "$0")" ;;
"-m venv"*)
    [ ! -e no-venv ] || exit 1
    rm -rf .venvs/uv && mkdir -p .venvs/uv/bin
    cp "{tools}/pip" "{tools}/uv" .venvs/uv/bin/
    echo "python $*" >>calls ;;
esac
"""
PIP = """#!/bin/sh
echo "pip $*" >>calls
[ ! -e offline ]
"""
UV = """#!/bin/sh
[ ! -e half-written-uv ] || exit 1
[ "$1" != --version ] || exit 0
echo "$UV_PROJECT_ENVIRONMENT uv $*" >>calls
[ ! -e offline ] || exit 1
[ "$1" = venv ] || exit 0
for folder; do :; done
rm -rf "$folder" && mkdir -p "$folder/bin" && touch "$folder/bin/python"
"""


@dataclass(frozen=True)
class Checkout:
    """A folder with the Makefile, and what make called in it."""

    path: Path

    def make(self, *arguments: str, python: str = "python3.12") -> subprocess.CompletedProcess[str]:
        """Runs make as somebody would who has that Python first on the PATH."""
        (self.path / "calls").unlink(missing_ok=True)
        tools = self.path.parent / "tools"
        environment = {"PATH": f"{tools / python}:{os.environ['PATH']}"}
        return subprocess.run(
            ["make", *arguments],
            cwd=self.path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def calls(self) -> list[str]:
        calls = self.path / "calls"
        return calls.read_text().splitlines() if calls.exists() else []

    def made(self) -> set[str]:
        """The environments that were made, from nothing."""
        return {call.split()[-1] for call in self.calls() if " venv " in call}

    def file(self, name: str) -> Path:
        return self.path / name


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    tools = tmp_path / "tools"
    for version in ("3.10", "3.11", "3.12"):
        python = tools / f"python{version}" / "python3"
        _program(python, PYTHON.format(version=version, tools=tools))
    _program(tools / "pip", PIP)
    _program(tools / "uv", UV)
    path = tmp_path / "a checkout"
    path.mkdir()
    for name in ("Makefile", "uv.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, path)
    (path / "local").mkdir()
    shutil.copytree(ROOT / "local/build", path / "local/build")
    return Checkout(path)


def _program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


ALL = {".venvs/python3.12", ".venvs/sam", ".venvs/ministack3.12"}


def test_set_up_makes_every_environment_once(checkout: Checkout) -> None:
    first = checkout.make("setup")

    assert first.returncode == 0, first.stderr
    assert checkout.made() == {".venvs/uv", *ALL}
    assert checkout.file(".venv").readlink() == Path(".venvs/python3.12")
    assert checkout.make("setup").returncode == 0
    assert checkout.calls() == []


def test_another_python_gets_environments_of_its_own_and_leaves_the_others(
    checkout: Checkout,
) -> None:
    checkout.make("setup")
    other = checkout.path.parent / "tools/python3.11/python3"

    assert checkout.make("setup", f"PYTHON={other}").returncode == 0

    assert checkout.made() == {".venvs/python3.11", ".venvs/ministack3.11"}
    assert checkout.file(".venv").readlink() == Path(".venvs/python3.12")
    checkout.make("setup")
    checkout.make("setup", f"PYTHON={other}")
    assert checkout.calls() == []


def test_a_new_usual_python_becomes_the_one_of_venv(checkout: Checkout) -> None:
    checkout.make("setup")

    checkout.make("setup", python="python3.11")

    assert checkout.file(".venv").readlink() == Path(".venvs/python3.11")


def test_a_changed_lock_file_changes_the_environment_in_place(checkout: Checkout) -> None:
    checkout.make("setup")
    checkout.file("uv.lock").touch()

    checkout.make("setup")

    assert checkout.calls() == [".venvs/python3.12 uv sync -q --frozen"]


@pytest.mark.parametrize("left", [".venvs/uv/bin/python", ".venvs/uv/bin/uv"])
def test_what_an_interrupted_set_up_left_is_not_used(checkout: Checkout, left: str) -> None:
    checkout.file(left).parent.mkdir(parents=True)
    checkout.file(left).touch()

    assert checkout.make("setup").returncode == 0

    assert checkout.calls()[0] == "python -m venv --clear .venvs/uv"


def test_a_uv_that_does_not_work_is_set_up_again(checkout: Checkout) -> None:
    checkout.file("half-written-uv").touch()
    assert checkout.make("setup").returncode != 0
    checkout.file("half-written-uv").unlink()

    assert checkout.make("setup").returncode == 0

    assert ".venvs/uv" in checkout.made()


def test_an_environment_whose_change_was_interrupted_is_made_anew(checkout: Checkout) -> None:
    checkout.make("setup")
    checkout.file("uv.lock").touch()
    checkout.file("offline").touch()
    failed = checkout.make("setup")
    checkout.file("offline").unlink()

    assert failed.returncode != 0
    assert "needs the network" in failed.stderr
    assert checkout.make("setup").returncode == 0
    assert checkout.made() == {".venvs/python3.12"}


def test_in_a_moved_checkout_the_project_is_installed_again(checkout: Checkout) -> None:
    checkout.make("setup")
    moved = Checkout(checkout.path.rename(checkout.path.with_name("moved")))

    assert moved.make("setup").returncode == 0

    assert moved.calls() == [".venvs/python3.12 uv sync -q --frozen"]
    moved.make("setup")
    assert moved.calls() == []


@pytest.mark.parametrize("environment", sorted(ALL))
def test_an_environment_whose_python_is_gone_is_made_anew(
    checkout: Checkout, environment: str
) -> None:
    checkout.make("setup")
    python = checkout.file(f"{environment}/bin/python")
    python.unlink()
    python.symlink_to("/nowhere/python3.12")

    checkout.make("setup")

    assert checkout.made() == {environment}
    checkout.make("setup")
    assert checkout.calls() == []


@pytest.mark.parametrize(
    ("arguments", "found"),
    [([], "python3 is 3.10"), (["PYTHON=python3.99"], "python3.99 is not here")],
)
def test_a_python_that_will_not_do_is_told_with_how_to_name_another(
    checkout: Checkout, arguments: list[str], found: str
) -> None:
    ran = checkout.make("test", *arguments, python="python3.10")

    assert ran.returncode != 0
    assert f"Python 3.11 or newer is needed; {found}" in ran.stderr
    assert "make test PYTHON=python3.13" in ran.stderr
    assert checkout.calls() == []


def test_a_missing_venv_package_is_told(checkout: Checkout) -> None:
    checkout.file("no-venv").touch()

    assert "apt install python3-venv" in checkout.make("setup").stderr


def test_without_network_it_says_so(checkout: Checkout) -> None:
    checkout.file("offline").touch()

    ran = checkout.make("setup")

    assert ran.returncode != 0
    assert "needs the network" in ran.stderr


@pytest.mark.parametrize("target", [[], ["help"]])
def test_bare_make_lists_the_targets(checkout: Checkout, target: list[str]) -> None:
    listed = checkout.make(*target).stdout

    for name in ("run", "test", "test-fast", "lint", "deploy"):
        assert f"  make {name} " in listed
    assert checkout.calls() == []
