"""`make run`: drops a file in a world made for it, follows the job, fetches what became of it."""

import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from rich.console import Console

from local.cli.console import Screen
from local.cli.download import fetch, left_behind, summary
from local.cli.named_files import named_files
from local.cli.progress import Clock, Snapshot, snapshots
from local.world.stack import World, WorldOptions, make_world
from local.world.workspace import logs_kept_on_failure, temporary_home
from shared.jobs.keys import INBOX, RECIPE
from shared.jobs.model import JobState, job_id

# 1 is left to what breaks here, 2 to a wrong command line.
STATUS = {
    JobState.COMPLETED: 0,
    JobState.ESTIMATED: 0,
    JobState.REJECTED: 3,
    JobState.COMPLETED_WITH_FAILURES: 4,
    JobState.FAILED: 5,
    JobState.CANCELLED: 6,
}
INTERRUPTED = 130
INVENTED = "Every answer is invented: `make run REAL=1` asks OpenAI itself, and costs money"
interrupts: list[int] = []  # signals that asked this process to stop


@dataclass(frozen=True)
class Order:
    """What a run is asked to do."""

    file: Path
    out: Path
    name: str  # it is dropped by
    real: bool
    small_openai: Sequence[str]  # arguments of the small OpenAI
    options: Mapping[str, str]  # object metadata
    recipe: Path | None = None  # dropped first


def run(order: Order) -> int:
    for path in filter(None, (order.file, order.recipe)):
        if not path.is_file():
            print(f"{path} is not a file", file=sys.stderr)
            return 2
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        return _in_a_world(order)
    except KeyboardInterrupt:
        print("\nstopped; nothing is left running here", file=sys.stderr)
        return INTERRUPTED


def _interrupt(number: int, frame: FrameType | None) -> None:
    interrupts.append(number)
    raise KeyboardInterrupt


def _stop_if_asked() -> None:
    """Python loses an exception that hits it in a finalizer, of which boto3's making has many."""
    if interrupts:
        raise KeyboardInterrupt


def _in_a_world(order: Order) -> int:
    console = Console(highlight=False)
    options = WorldOptions(order.real, openai=order.small_openai)
    with temporary_home() as home, logs_kept_on_failure(home):
        world = make_world(home, options, lambda text: console.print(text, markup=False))
        return _follow(world, home, order, console)


def _follow(world: World, home: Path, order: Order, console: Console) -> int:
    key = INBOX + order.name
    _stop_if_asked()
    job = _dropped(world, order, key)
    last = Snapshot()
    with Screen(console) as screen, Clock(world) as clock:
        screen.say(f"Dropped {order.file} as s3://{world.outputs['InboxBucketName']}/{key}")
        try:
            for last in snapshots(world, home, job, clock):
                _stop_if_asked()
                screen.show(last)
        except KeyboardInterrupt:
            for batch in left_behind(last.parts) if world.real else ():
                screen.say(
                    f"OpenAI goes on with {batch}, and bills it, unless it is cancelled there"
                )
            raise
    if last.job is None or not last.job.over:
        raise SystemExit("nothing has moved for ten minutes")
    fetched = fetch(world, last.job, order.out)
    for line in summary(last.job, order.out):
        screen.say(line)
    screen.say(f"{last.job.state}: {', '.join(map(str, fetched))}")
    if not world.real and last.job.parts:
        screen.say(INVENTED)
    screen.say(f"To look at: {order.out / 'report.html'}")
    return STATUS[last.job.state]


def _dropped(world: World, order: Order, key: str) -> str:
    """The recipe first, as a table without one waits; then the files that its rows name."""
    if order.recipe:
        drop(world, order.recipe, INBOX + RECIPE, {})
        folder = key.rpartition("/")[0]
        for name in named_files(order.file, order.recipe):
            drop(world, order.file.parent / name, f"{folder}/{name}", {})
    return drop(world, order.file, key, order.options)


def drop(world: World, file: Path, key: str, metadata: Mapping[str, str]) -> str:
    """Puts the file in the inbox; the id of the job that it becomes."""
    bucket = world.outputs["InboxBucketName"]
    s3 = world.client("s3")
    s3.upload_file(str(file), bucket, key, ExtraArgs={"Metadata": dict(metadata)})
    version = s3.head_object(Bucket=bucket, Key=key)["VersionId"]
    return job_id(bucket, key, version)
