"""Runs many seeds at once, each in a process that runs nothing else meanwhile."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

from tests.simulation.audit.simulator import AuditSimulation
from tests.simulation.simulator import Simulation


@dataclass
class Outcome:
    seed: int
    audit: bool
    broken: list[str]
    schedule: list[str]
    drawn: Counter[str]
    effective: Counter[str]
    notes: Counter[str]

    def __str__(self) -> str:
        """A failing seed: what it broke, how to run it again, and what happened until then."""
        which = " --audit" if self.audit else ""
        again = f"python -m tests.simulation{which} --first {self.seed} --seeds 1 --show"
        broken = [f"BROKEN: {each}" for each in self.broken]
        return "\n".join([f"seed {self.seed}; again: {again}", *broken, *self.schedule, *broken])


def simulate(seed: int, also: Collection[str] = (), *, audit: bool = False) -> Outcome:
    simulation = AuditSimulation(seed, also) if audit else Simulation(seed, also)
    broken = simulation.run()
    faults, notes = simulation.faults, simulation.notes
    return Outcome(seed, audit, broken, faults.schedule, faults.counts, faults.effects, notes)


def outcomes(
    seeds: Iterable[int], jobs: int, also: Collection[str] = (), *, audit: bool = False
) -> Iterator[Outcome]:
    run = partial(simulate, also=also, audit=audit)
    if jobs == 1:
        yield from map(run, seeds)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        for done in as_completed([pool.submit(run, seed) for seed in seeds]):
            yield done.result()  # a process that died is an error, and no seed that waits for ever
