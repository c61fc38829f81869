"""e. How checking (a) and landing (c) grow with the number of requests."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median

from functions.land.flow import land
from local.measure.bench import checking
from local.measure.bench.landing import ended
from local.measure.bench.memory import file_backed_testbed, peak
from local.measure.bench.scale import Scale
from local.measure.kit.inputs import write_chats
from local.measure.kit.report import Section
from local.measure.kit.testbed import Testbed
from local.measure.kit.timing import Times, counting_cpu, interleaved
from local.world.workspace import temporary_home
from shared.jobs.edges import JobEdges
from shared.jobs.part import Part
from shared.objects import PartRef

LINE = 1_000  # bytes

Row = tuple[str, ...]


def measured(scale: Scale) -> Section:
    rows = [*_checking(scale), *_landing(scale)]
    columns = (
        *("what", "requests", "parts", "seconds", "µs a request", "÷ the first"),
        *("µs of our CPU a request", "÷ the first", "MB at most"),
    )
    return Section("e", "Growth with the number of requests", columns, rows)


def _checking(scale: Scale) -> list[Row]:
    with temporary_home() as home:
        paths = {f"{n}": write_chats(home / f"{n}.jsonl", n, LINE) for n in scale.growth}
        runs = {name: partial(checking.ours, path) for name, path in paths.items()}
        parts = {name: run() for name, run in runs.items()}
        cpu: Times = {}
        times = interleaved(counting_cpu(runs, cpu), scale.rounds)
        return _rows("a. check and split", (times, cpu), parts, {})


def _landing(scale: Scale) -> list[Row]:
    with file_backed_testbed((), ("parts/",)) as (testbed, inbox):
        edges = testbed.edges()
        jobs = {f"{n}": _ended(testbed, edges, inbox, n) for n in scale.growth}
        kept = testbed.rows()
        runs = {name: partial(_landed, edges, parts) for name, parts in jobs.items()}
        cpu: Times = {}
        restored = partial(testbed.restore, kept)
        times = interleaved(counting_cpu(runs, cpu), scale.rounds, before=restored)
        most = {}
        for name, parts in jobs.items():
            testbed.restore(kept)
            asks = [{"job": part.job, "part": part.number} for part in parts]
            most[name] = f"{peak(testbed, 'land', asks):,.0f}"
        return _rows("c. land", (times, cpu), {name: len(jobs[name]) for name in jobs}, most)


def _ended(testbed: Testbed, edges: JobEdges, inbox: Path, count: int) -> list[Part]:
    return ended(testbed, edges, testbed.source(write_chats(inbox / f"{count}.jsonl", count, LINE)))


def _landed(edges: JobEdges, parts: Sequence[Part]) -> None:
    """Every part; the last one also closes the job."""
    outcomes = [land(edges, PartRef(job=part.job, part=part.number)) for part in parts]
    if outcomes[-1] != "completed":
        raise AssertionError(outcomes)


def _rows(
    what: str, taken: tuple[Times, Times], parts: Mapping[str, int], most: Mapping[str, str]
) -> list[Row]:
    wall, cpu = ({name: median(each) for name, each in times.items()} for times in taken)
    first = next(iter(wall))
    return [
        (
            *(what, f"{int(name):,}", str(parts[name]), f"{wall[name]:.2f}"),
            *_each(wall, name, first),
            *_each(cpu, name, first),
            most.get(name, ""),
        )
        for name in wall
    ]


def _each(times: Mapping[str, float], name: str, first: str) -> tuple[str, str]:
    """Microseconds a request, also as a multiple of the smallest job's."""
    each = {size: times[size] / int(size) * 1e6 for size in (name, first)}
    return f"{each[name]:.1f}", f"{each[name] / each[first]:.2f}"
