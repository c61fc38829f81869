"""Kills functions at random moments of a job, on the laptop's world: `--times N --seed K`.

kill -9, real processes, real sockets. Then: the job is complete, in order, and nothing was billed
twice.
"""

import argparse
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx

from local.cli.progress import Clock, snapshots
from local.cli.run import drop
from local.world.stack import World, WorldOptions, make_world
from local.world.workspace import temporary_home
from shared.jobs.model import Job, JobState
from tests.support.batch_files import chat, lines

MODELS = ("gpt-5-mini", "gpt-4.1", "o4-mini")  # three parts a job
REQUESTS = 300
QUICK = {"FunctionTimeoutSeconds": "10", "LostAnswerSeconds": "10"}
PACE = ("--speed", "10")
PROBABILITY = 0.08  # of a kill at each look, three a second: a function must have time to start


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    chance = random.Random(options.seed)
    with temporary_home() as home:
        world = make_world(home, WorldOptions(openai=PACE, parameters=QUICK), print)
        killed: Counter[str] = Counter()
        jobs = 0
        while killed.total() < options.times:
            jobs += 1
            kill = Killing(home, chance, options.times - killed.total())
            _assert_complete(world, _run_job(world, home, f"job-{jobs}.jsonl", kill))
            killed += kill.killed
            print(f"job {jobs}: complete, in order; killed so far: {dict(killed)}")
        state = httpx.get(world.openai.removesuffix("/v1") + "/_small/state", trust_env=False)
        billed = state.json()["billed"]
        print(f"{jobs} jobs, {killed.total()} kills; billed {billed['total']}, twice 0")
        assert billed["total"] == jobs * REQUESTS, billed
        assert not billed["duplicates"], billed
    return 0


class Killing:
    """Kills one function after the other, now and then, while a job lives."""

    def __init__(self, home: Path, chance: random.Random, most: int) -> None:
        self._home = home
        self._chance = chance
        self._most = most
        self.killed: Counter[str] = Counter()

    def perhaps(self) -> None:
        functions = list(self._functions())
        if (
            self.killed.total() >= self._most
            or not functions
            or self._chance.random() > PROBABILITY
        ):
            return
        time.sleep(self._chance.random() * 0.3)  # anywhere inside what it is doing
        name, pid = self._chance.choice(functions)
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        self.killed[name] += 1

    def _functions(self) -> Iterator[tuple[str, int]]:
        mark = f"{self._home}/tmp/ministack-lambda-"
        for process in Path("/proc").glob("[0-9]*"):
            try:
                command = (process / "cmdline").read_bytes().decode()
            except OSError:
                continue
            if mark in command:
                function = command.split(mark, 1)[1].split("Function", 1)[0]
                yield function.rsplit("-", 1)[-1], int(process.name)


def _run_job(world: World, home: Path, name: str, kill: Killing) -> Job:
    file = home / name
    file.write_bytes(lines(chat(f"{name}-{n}", model=MODELS[n % 3]) for n in range(REQUESTS)))
    job_id = drop(world, file, f"inbox/{name}", {})
    with Clock(world) as clock:
        for _ in snapshots(world, home, job_id, clock):
            kill.perhaps()
    job = world.ledger.job(job_id)
    assert job is not None, f"the ledger knows no job {job_id}"
    return job


def _assert_complete(world: World, job: Job) -> None:
    assert job.state is JobState.COMPLETED, job
    body = world.client("s3").get_object(
        Bucket=world.outputs["DataBucketName"], Key=f"{job.results_prefix}results.jsonl"
    )["Body"]
    ids = [json.loads(line)["custom_id"] for line in body.iter_lines()]
    name = job.key.removeprefix("inbox/")
    wanted = [f"{name}-{n}" for n in range(REQUESTS)]
    assert ids == wanted, f"{job.id} is not complete and in order: {len(ids)} lines"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
