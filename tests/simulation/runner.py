"""Runs many seeds at once, each in a process that runs nothing else meanwhile."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from multiprocessing import get_context

from tests.simulation.simulator import Simulation


@dataclass
class Outcome:
    seed: int
    broken: list[str]
    schedule: list[str]
    counts: Counter[str]
    notes: Counter[str]


def simulate(seed: int) -> Outcome:
    simulation = Simulation(seed)
    broken = simulation.run()
    chaos, watch = simulation.chaos, simulation.watch
    return Outcome(seed, broken, chaos.schedule, chaos.counts, watch.notes)


def outcomes(seeds: Iterable[int], jobs: int) -> Iterator[Outcome]:
    if jobs == 1:
        yield from map(simulate, seeds)
        return
    with get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap_unordered(simulate, seeds, chunksize=4)
