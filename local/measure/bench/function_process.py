"""Runs one function in a fresh process and prints the most memory it took."""

import json
import re
import resource
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from functions.intake.flow import take_in
from functions.land.flow import land
from functions.poll.flow import poll
from functions.submit.flow import submit
from shared.jobs.edges import JobEdges
from shared.objects import PartRef, Source
from shared.settings import Settings

STATUS = Path("/proc/self/status")


def over_parts(
    act: Callable[[JobEdges, PartRef], str], expected: str
) -> Callable[[JobEdges, Any], None]:
    """A function that handles one part after the other, as a warm one does."""

    def work(edges: JobEdges, asks: Any) -> None:
        outcomes = [act(edges, PartRef.model_validate(each)) for each in asks]
        if outcomes[-1] != expected:
            raise AssertionError(outcomes)

    return work


def intake(edges: JobEdges, source: Any) -> None:
    job = take_in(edges, Source.model_validate(source))
    if job.state not in {"accepted", "estimated"}:
        raise AssertionError(job)


FUNCTIONS: dict[str, Callable[[JobEdges, Any], object]] = {
    "nothing": lambda edges, _: (edges.ledger, edges.s3, edges.openai, edges.notifier),
    "intake": intake,
    "submit": over_parts(submit, "submitted"),
    "land": over_parts(land, "completed"),
    "poll": lambda edges, _: poll(edges),
}


def most_memory() -> int:
    """Bytes. Linux hands a child its parent's maximum as getrusage's; its own is in /proc."""
    found = re.search(r"VmHWM:\s*(\d+) kB", STATUS.read_text()) if STATUS.exists() else None
    peak = int(found[1]) if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * 1024


def main() -> int:
    """Reads the function's name, its settings and its events as one JSON object."""
    wish = json.load(sys.stdin)
    edges = JobEdges(Settings.model_validate(wish["settings"]), lambda: datetime.now(UTC))
    FUNCTIONS[wish["function"]](edges, wish["asked"])
    print(most_memory())
    return 0


if __name__ == "__main__":
    sys.exit(main())
