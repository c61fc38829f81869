"""What has become of a dropped file, by the ledger; and what the doors say if it stands still."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread
from time import monotonic

from local.world import STACK, World
from shared.jobs import Job, Part
from shared.ledger import Ledger

TICK = 2.0  # seconds between two ticks of the clock; on AWS it ticks every minute
STILL = 5.0  # seconds without a change before the doors' logs are looked into
GIVEN_UP = 600.0  # seconds without a change after which there is no use in waiting


@dataclass(frozen=True)
class Snapshot:
    """How things stand: no job means that intake has not seen the file yet."""

    job: Job | None = None
    parts: tuple[Part, ...] = ()
    trouble: str = ""


def snapshots(world: World, job_id: str) -> Iterator[Snapshot]:
    """One every third of a second until the job is over, or nothing moves any more."""
    table = world.session.resource("dynamodb").Table(world.outputs["LedgerTableName"])
    ledger = Ledger(table)
    pause, last, moved = Event(), Snapshot(), monotonic()
    while True:
        now = Snapshot(ledger.job(job_id), tuple(ledger.parts(job_id)))
        if now != last:
            last, moved = now, monotonic()
        still = monotonic() - moved
        yield now if still < STILL else Snapshot(now.job, now.parts, latest_error(world))
        if (now.job and now.job.over) or (still > GIVEN_UP and not world.real):
            return
        pause.wait(0.3)


@contextmanager
def ticking(world: World) -> Iterator[None]:
    """Has the poll door called every two seconds; an operator may do that too, at any time."""
    over = Event()
    clock = Thread(target=_tick, args=(world, over), daemon=True)
    clock.start()
    try:
        yield
    finally:
        over.set()
        clock.join(timeout=TICK)


def _tick(world: World, over: Event) -> None:
    client = world.session.client("lambda")
    while not over.wait(TICK):
        client.invoke(FunctionName=world.outputs["PollFunctionName"])


def latest_error(world: World) -> str:
    """The newest error in the doors' logs: a door that fails is tried again, but says so."""
    logs = world.session.client("logs")
    found: list[tuple[int, str]] = []
    prefix = f"/aws/lambda/{STACK}-"
    for group in logs.describe_log_groups(logGroupNamePrefix=prefix)["logGroups"]:
        name = group["logGroupName"]
        for event in logs.filter_log_events(logGroupName=name)["events"]:
            if said := _error(event["message"]):
                found.append((event["timestamp"], f"{name.removeprefix(prefix)}: {said}"))
    return max(found)[1] if found else ""


def _error(line: str) -> str:
    try:
        entry = json.loads(line)
    except ValueError:
        return line if "[ERROR]" in line or "Task timed out" in line else ""
    if not isinstance(entry, dict) or entry.get("level") not in {"ERROR", "CRITICAL"}:
        return ""
    return " ".join(str(entry[k]) for k in ("message", "exception_name") if entry.get(k))
