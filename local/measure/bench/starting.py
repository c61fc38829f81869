"""i. How long a function takes to start, against bare boto3 with one client."""

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from local.measure.bench.scale import Scale
from local.measure.kit.report import Section, judged
from local.template import read_template
from local.world.packages import built_template
from local.world.workspace import temporary_home

FLOOR = "boto3 as it is installed, and one client"
ROUNDS = 3  # times as many as the scale says: other work on the machine only adds time
# Processor time: the disk cache is warm and nothing waits.
TIMED = """
import sys, time
sys.path[:0] = [{folder!r}]
began = time.process_time()
{code}
print((time.process_time() - began) * 1e3)
"""
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_LAMBDA_FUNCTION_NAME": "a function",
    "AWS_SECRET_ACCESS_KEY": "test",
    "PATH": os.defpath,
}


def measured(scale: Scale) -> Section:
    runs = {FLOOR: (_stock(), "import boto3; boto3.client('s3')")}
    runs |= {name: (folder, f"import {module}") for name, folder, module in _functions()}
    with temporary_home() as home:
        times = {name: [_started(home, *run)] for name, run in runs.items()}  # writes bytecode
        for _ in range(ROUNDS * scale.rounds):
            for name, run in runs.items():
                times[name].append(_started(home, *run))
    floor = min(times[FLOOR])
    rows = [(FLOOR, "", f"{floor:.0f}", "1.00")]
    for name, (folder, _) in runs.items():
        if name != FLOOR:
            best = min(times[name])
            size = f"{_size(folder) / 1e6:.0f}"
            rows.append((name, size, f"{best:.0f}", judged(best / floor, "<=", 1.25)))
    columns = ("what is imported", "MB of package", "ms of one core", "time ÷ the floor's")
    return Section("i", "Starting a function from its package, bytecode and all", columns, rows)


def _functions() -> Iterator[tuple[str, Path, str]]:
    """Each function's name, its package for this machine, its module."""
    built = built_template(print)
    template = read_template(built)
    for name, resource in sorted(template["Resources"].items()):
        if resource["Type"] == "AWS::Serverless::Function":
            handler: str = resource["Properties"]["Handler"]
            function = name.removesuffix("Function").lower()
            yield function, built.parent / name, handler.removesuffix(".handler")


def _started(home: Path, folder: Path, code: str) -> float:
    """Milliseconds of a fresh process that has the folder and the standard library."""
    program = TIMED.format(folder=str(folder), code=code)
    environment = (
        ENVIRONMENT | {"PYTHONPYCACHEPREFIX": str(home)} if folder == _stock() else (ENVIRONMENT)
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", program],
        cwd=home,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return float(done.stdout.split()[-1])


def _stock() -> Path:
    """Where boto3 is installed."""
    found = find_spec("boto3")
    if found is None or found.origin is None:
        raise AssertionError("boto3 is not installed")
    return Path(found.origin).parents[1]


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
