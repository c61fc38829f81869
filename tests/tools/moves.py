"""Moves a stack with open jobs: an upgrade from another commit, a deletion and what follows.

On the laptop's world, `sam` and CloudFormation as on AWS. Then: every job is complete, in order,
and nothing was billed twice. `--from COMMIT` says what is upgraded.
"""

import argparse
import json
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx

from local.cli.progress import Clock, snapshots
from local.cli.run import drop
from local.paths import ROOT
from local.world.packages import SAM, built_template
from local.world.stack import (
    REGION,
    STACK,
    Say,
    World,
    WorldOptions,
    aws_environment,
    deploy,
    make_world,
)
from local.world.workspace import temporary_home
from shared.jobs.model import JobState
from shared.jobs.part import PartState
from tests.support.batch_files import chat, lines

MODELS = ("gpt-5-mini", "gpt-4.1")  # two parts
REQUESTS = 40
SLOW = WorldOptions(
    openai=("--speed", "1", "--working", "40")
)  # seconds: a stack goes and comes sooner
PATIENCE = 60  # seconds for a file to become batches
SAY_A_COMMIT = "HEAD~1"


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("story", choices=("upgrade", "redeploy"))
    parser.add_argument("--from", dest="commit", default=SAY_A_COMMIT)
    options = parser.parse_args(argv)
    stories: dict[str, Callable[[Path], None]] = {
        "upgrade": lambda home: upgrade(home, options.commit),
        "redeploy": redeploy,
    }
    with temporary_home() as home:
        stories[options.story](home)
    return 0


def upgrade(home: Path, commit: str) -> None:
    world = make_world(home, SLOW, print, build=lambda say: _built_at(home, commit, say))
    job = _open_job(world, home)
    _assert_ends_well(deploy(home, world, built_template(print), print), home, job)


def redeploy(home: Path) -> None:
    world = make_world(home, SLOW, print)
    job = _open_job(world, home)
    environment = aws_environment(world.endpoint)
    gone = [str(SAM), "delete", "--stack-name", STACK, "--no-prompts", "--region", REGION]
    subprocess.run(gone, env=environment, check=True, stdin=subprocess.DEVNULL)
    back = [sys.executable, "-m", "local", "adopt", "--stack", STACK]
    subprocess.run(back, env=environment | {"PYTHONPATH": str(ROOT)}, check=True)
    _assert_ends_well(deploy(home, world, built_template(print), print), home, job)


def _built_at(home: Path, commit: str, say: Say) -> Path:
    """The template and its packages as that commit builds them, by tools that are here already."""
    tree, archive = home / "before", home / "before.tar"
    subprocess.run(["git", "archive", "-o", str(archive), commit], cwd=ROOT, check=True)
    with tarfile.open(archive) as packed:
        packed.extractall(tree, filter="data")
    for tools in (".venv", ".venvs"):
        (tree / tools).symlink_to(ROOT / tools)
    lists = tree.glob("local/**/tools/*")  # of the tools, wherever that commit has them
    for newer in (tree / "uv.lock", tree / "pyproject.toml", *lists):
        os.utime(newer, (0, 0))  # than the tools, which make would set up again
    say(f"Building the packages of {commit} …")
    code = "from local.world.packages import built_template; print(built_template(lambda _: None))"
    build = [sys.executable, "-c", code]
    done = subprocess.run(build, cwd=tree, stdout=subprocess.PIPE, text=True, check=True)
    return Path(done.stdout.strip())


def _open_job(world: World, home: Path) -> str:
    """A file whose batches are being worked on."""
    file = home / "open.jsonl"
    file.write_bytes(lines(chat(f"r{n}", model=MODELS[n % 2]) for n in range(REQUESTS)))
    job = drop(world, file, "inbox/open.jsonl", {})
    for _ in range(PATIENCE):
        parts = world.ledger.parts(job)
        if parts and all(part.state is PartState.SUBMITTED for part in parts):
            print(f"job {job} has {len(parts)} open batches")
            return job
        time.sleep(1)
    raise AssertionError(f"{world.ledger.job(job)} {world.ledger.parts(job)}")


def _assert_ends_well(world: World, home: Path, job_id: str) -> None:
    before = world.ledger.job(job_id)
    assert before is not None, "the new stack knows nothing of the job"
    assert not before.over, "the job was over too soon: nothing was shown"
    with Clock(world) as clock:
        for _ in snapshots(world, home, job_id, clock):
            pass
    job = world.ledger.job(job_id)
    assert job is not None, f"the ledger knows no job {job_id}"
    assert job.state is JobState.COMPLETED, job
    body = world.client("s3").get_object(
        Bucket=world.outputs["DataBucketName"], Key=f"{job.results_prefix}results.jsonl"
    )["Body"]
    ids = [json.loads(line)["custom_id"] for line in body.iter_lines()]
    assert ids == [f"r{n}" for n in range(REQUESTS)], f"{job_id} is not complete: {len(ids)} lines"
    state = httpx.get(world.openai.removesuffix("/v1") + "/_small/state", trust_env=False).json()
    assert state["billed"]["total"] == REQUESTS, state["billed"]
    assert not state["billed"]["duplicates"], state["billed"]
    print(f"job {job_id}: complete, in order; billed {REQUESTS}, twice 0")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
