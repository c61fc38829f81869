"""e. How checking (a) and landing (c) grow with the number of requests."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median

from functions.land.flow import land
from local.bench import checking
from local.bench.inputs import write_chats
from local.bench.landing import ended
from local.bench.memory import peak, world_of_files
from local.bench.report import Section
from local.bench.scale import Scale
from local.bench.timing import Times, interleaved
from local.bench.world import World
from local.homes import passing_home
from shared.edges import Edges
from shared.jobs import Ask, Part

LINE = 1_000  # bytes

Row = tuple[str, ...]


def measured(scale: Scale) -> Section:
    rows = [*_checking(scale), *_landing(scale)]
    columns = ("what", "requests", "parts", "seconds", "µs a request", "÷ the first", "MB at most")
    return Section("e", "Growth with the number of requests", columns, rows)


def _checking(scale: Scale) -> list[Row]:
    with passing_home() as home:
        paths = {f"{n}": write_chats(home / f"{n}.jsonl", n, LINE) for n in scale.growth}
        runs = {name: partial(checking.ours, path) for name, path in paths.items()}
        times = interleaved(runs, scale.rounds)
        return _rows("a. check and split", times, {name: run() for name, run in runs.items()}, {})


def _landing(scale: Scale) -> list[Row]:
    with world_of_files((), ("parts/",)) as (world, inbox):
        edges = world.edges()
        jobs = {f"{n}": _ended(world, edges, inbox, n) for n in scale.growth}
        kept = world.rows()
        runs = {name: partial(_landed, edges, parts) for name, parts in jobs.items()}
        times = interleaved(runs, scale.rounds, before=lambda: world.restore(kept))
        most = {}
        for name, parts in jobs.items():
            world.restore(kept)
            asks = [{"job": part.job, "part": part.number} for part in parts]
            most[name] = f"{peak(world, 'land', asks):,.0f}"
        return _rows("c. land", times, {name: len(parts) for name, parts in jobs.items()}, most)


def _ended(world: World, edges: Edges, inbox: Path, count: int) -> list[Part]:
    return ended(world, edges, world.known(write_chats(inbox / f"{count}.jsonl", count, LINE)))


def _landed(edges: Edges, parts: Sequence[Part]) -> None:
    """Every part, and the job that the last of them closes."""
    said = [land(edges, Ask(job=part.job, part=part.number)) for part in parts]
    if said[-1] != "completed":
        raise AssertionError(said)


def _rows(what: str, times: Times, parts: Mapping[str, int], most: Mapping[str, str]) -> list[Row]:
    each = {name: median(taken) / int(name) * 1e6 for name, taken in times.items()}
    first = next(iter(each.values()))
    return [
        (
            what,
            f"{int(name):,}",
            str(parts[name]),
            f"{median(times[name]):.2f}",
            f"{cost:.1f}",
            f"{cost / first:.2f}",
            most.get(name, ""),
        )
        for name, cost in each.items()
    ]
