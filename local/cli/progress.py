"""What has become of a dropped file, by the ledger, and why if nothing moves."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from types import TracebackType
from typing import Self

from local.world.stack import World
from shared.jobs.model import Job
from shared.jobs.part import Part

TICK = 1.0  # seconds between two ticks of the clock; on AWS it ticks every minute
LOOK = 0.3  # seconds between two looks into the ledger
STILL = 4.0  # seconds without a change before it is said what the functions complain of
GIVEN_UP = 600.0  # seconds without a change after which there is no use in waiting
LOG_END = 100_000  # bytes
# How the local AWS logs that a function failed; on AWS one would look into its log group.
ENTRY = re.compile(r"(?m)^(?=\d{4}-\d\d-\d\d )")
FAILED = re.compile(
    r"Lambda \S+?-(\w+)Function-\S+ failed processing .* errorMessage=(.*?)\)?$", re.M
)
RAISED = re.compile(r"(?m)^[\w.]+: .+$")


@dataclass(frozen=True)
class Snapshot:
    """How things stand: no job means that intake has not seen the file yet."""

    job: Job | None = None
    parts: tuple[Part, ...] = ()
    trouble: str = ""


class Clock:
    """Has the poll function called every second, as an operator may do by hand, at any time."""

    def __init__(self, world: World) -> None:
        self.trouble = ""
        self._world = world
        self._over = Event()
        self._thread = Thread(target=self._tick, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join(timeout=TICK)

    def _tick(self) -> None:
        client = self._world.client("lambda")
        poll = self._world.outputs["PollFunctionName"]
        while not self._over.wait(TICK):
            answer = client.invoke(FunctionName=poll)
            failed = "FunctionError" in answer
            said = answer["Payload"].read().decode() if failed else ""
            self.trouble = f"poll: {said}" if failed else ""


def snapshots(world: World, home: Path, job_id: str, clock: Clock) -> Iterator[Snapshot]:
    """One every third of a second until the job is over, or nothing moves any more."""
    ledger = world.ledger
    pause, last, moved = Event(), Snapshot(), monotonic()
    while True:
        now = Snapshot(ledger.job(job_id), tuple(ledger.parts(job_id)))
        if now != last:
            last, moved = now, monotonic()
        still = monotonic() - moved
        yield replace(now, trouble=complaint(home) or clock.trouble) if still > STILL else now
        if (now.job and now.job.over) or (still > GIVEN_UP and not world.real):
            return
        pause.wait(LOOK)


def complaint(home: Path) -> str:
    """The last failure of a function that a queue feeds; it is tried again, but should be seen."""
    with (home / "aws.log").open("rb") as log:
        log.seek(max(0, log.seek(0, 2) - LOG_END))
        entries = ENTRY.split(log.read().decode(errors="replace"))
    for entry in reversed(entries):
        if failed := FAILED.search(entry):
            function, said = failed.groups()
            return f"{function.lower()}: {(RAISED.findall(entry) or [said])[-1]}"
    return ""
