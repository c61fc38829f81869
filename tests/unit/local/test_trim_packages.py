"""What is removed from packages is not needed."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from local.build.trim_packages import pruned, trim, without_sections


@pytest.fixture
def module() -> Path:
    """Compiled code that this Python loads."""
    found = find_spec("msgspec._core")
    assert found is not None

    return Path(str(found.origin))


def test_compiled_code_loads_without_its_sections(module: Path, tmp_path: Path) -> None:
    package = tmp_path / "msgspec"
    package.mkdir()
    for path in module.parent.glob("*.py"):
        (package / path.name).write_bytes(path.read_bytes())
    (package / module.name).write_bytes(without_sections(module.read_bytes()))

    program = "import msgspec; print(msgspec.__file__, msgspec.json.decode(b'[1]'))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = [{str(tmp_path)!r}]; {program}"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout == f"{package / '__init__.py'} [1]\n", done.stderr
    assert (package / module.name).stat().st_size < module.stat().st_size


@pytest.mark.parametrize("code", [b"", b"#!/bin/sh\n", b"\x7fELF\x01\x01 32 bits"])
def test_a_file_that_is_not_64_bit_code_is_not_changed(code: bytes) -> None:
    assert without_sections(code) == code


def test_endpoints_of_unused_services_are_removed() -> None:
    services: dict[str, object] = {"s3": {"endpoints": {}}, "ec2": {"endpoints": {}}}
    known = {"partitions": [{"partition": "aws", "services": services}], "version": 3}

    left = json.loads(pruned(json.dumps(known).encode(), ["s3"]))

    assert left["version"] == 3
    assert left["partitions"] == [{"partition": "aws", "services": {"s3": {"endpoints": {}}}}]


def test_trimming_does_not_change_other_hard_links_to_a_file(tmp_path: Path) -> None:
    cached, package = tmp_path / "cached.json", tmp_path / "package"
    data = package / "botocore" / "data"
    (data / "ec2").mkdir(parents=True)
    cached.write_text('{"partitions": [ ]}')
    (data / "endpoints.json").hardlink_to(cached)

    trim(package, ["s3"])

    assert (data / "endpoints.json").read_text() == '{"partitions":[]}'
    assert cached.read_text() == '{"partitions": [ ]}'
    assert [path.name for path in data.iterdir()] == ["endpoints.json"]
