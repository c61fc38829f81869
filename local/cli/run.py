"""`make run`: drops a file in a world made for it, follows the job, fetches what became of it."""

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from rich.console import Console

from local.cli.console import Screen
from local.cli.download import fetch, left_behind, told
from local.cli.progress import Clock, Snapshot, snapshots
from local.world.stack import Wishes, World, make_world
from local.world.workspace import keep_logs, passing_home
from shared.jobs.keys import INBOX
from shared.jobs.model import JobState, job_id

REFUSED = 3
STATUS = {
    JobState.COMPLETED: 0,
    JobState.FAILED: 1,
    JobState.CANCELLED: 1,
    JobState.REJECTED: REFUSED,
}
INTERRUPTED = 130
interrupts: list[int] = []  # signals that asked this process to stop


def main(argv: Sequence[str]) -> int:
    options = _parser().parse_args(argv)
    if not options.file.is_file():
        print(f"{options.file} is not a file", file=sys.stderr)
        return 2
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        return _in_a_world(options)
    except KeyboardInterrupt:
        print("\nstopped; nothing is left running here", file=sys.stderr)
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local run", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--out", type=Path, default=Path("out"), metavar="DIR")
    parser.add_argument("--name", help="the name it is dropped by, if not its own")
    parser.add_argument("--real", action="store_true", help="OpenAI itself, by OPENAI_API_KEY")
    parser.add_argument("--speed", default="10", help="how fast time passes at the small OpenAI")
    parser.add_argument("--quirk", action="append", default=[], help="see: openai --help")
    parser.add_argument(
        "--enqueued-limit",
        action="append",
        default=[],
        metavar="MODEL=N",
        help="prompt tokens that the small OpenAI lets wait; * for any model",
    )
    parser.add_argument(
        "--option", action="append", default=[], metavar="NAME=VALUE", help="x-amz-meta-NAME"
    )
    return parser


def _interrupt(number: int, frame: FrameType | None) -> None:
    interrupts.append(number)
    raise KeyboardInterrupt


def _stop_if_asked() -> None:
    """Python loses an exception that hits it in a finalizer, of which boto3's making has many."""
    if interrupts:
        raise KeyboardInterrupt


def _in_a_world(options: argparse.Namespace) -> int:
    console = Console(highlight=False)
    quirks = [word for quirk in options.quirk for word in ("--quirk", quirk)]
    limits = [w for limit in options.enqueued_limit for w in ("--enqueued-limit", limit)]
    wishes = Wishes(options.real, openai=("--speed", options.speed, *quirks, *limits))
    status = 1
    with passing_home() as home:
        try:
            world = make_world(home, wishes, lambda text: console.print(text, markup=False))
            status = _run(world, home, options, console)
        finally:
            if status not in {0, REFUSED}:
                print(f"the logs are in {keep_logs(home)}", file=sys.stderr)
    return status


def _run(world: World, home: Path, options: argparse.Namespace, console: Console) -> int:
    key = INBOX + (options.name or options.file.name)
    asked = dict(option.split("=", 1) for option in options.option)
    _stop_if_asked()
    job = drop(world, options.file, key, asked)
    last = Snapshot()
    with Screen(console) as screen, Clock(world) as clock:
        screen.say(f"Dropped {options.file} as s3://{world.outputs['InboxBucketName']}/{key}")
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
        print("nothing has moved for ten minutes", file=sys.stderr)
        return 1
    fetched = fetch(world, last.job, options.out)
    for line in told(last.job, options.out):
        screen.say(line)
    screen.say(f"{last.job.state}: {', '.join(map(str, fetched))}")
    screen.say(f"To look at: {options.out / 'report.html'}")
    return STATUS[last.job.state]


def drop(world: World, file: Path, key: str, metadata: dict[str, str]) -> str:
    """Puts the file in the inbox; the id of the job that it becomes."""
    bucket = world.outputs["InboxBucketName"]
    s3 = world.client("s3")
    s3.upload_file(str(file), bucket, key, ExtraArgs={"Metadata": metadata})
    version = s3.head_object(Bucket=bucket, Key=key)["VersionId"]
    return job_id(bucket, key, version)
