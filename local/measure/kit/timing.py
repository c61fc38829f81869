"""Runs what is compared in turns, so that whatever disturbs the machine disturbs both."""

import gc
import time
from collections.abc import Callable, Mapping
from functools import partial
from statistics import median

Runs = Mapping[str, Callable[[], object]]
Times = dict[str, list[float]]  # seconds of each run, by what ran


def interleaved(
    runs: Runs,
    rounds: int,
    before: Callable[[], object] = lambda: None,
) -> Times:
    """One unmeasured round, then as many measured ones as asked for; `before` goes unmeasured."""
    for run in runs.values():
        before()
        run()
    times: Times = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            before()
            times[name].append(seconds(run))
    return times


def counting_cpu(runs: Runs, cpu: Times) -> Runs:
    """The same runs; `cpu` collects the processor time that each took of this process."""

    def counted(name: str, run: Callable[[], object]) -> None:
        began = time.process_time()
        run()
        cpu.setdefault(name, []).append(time.process_time() - began)

    return {name: partial(counted, name, run) for name, run in runs.items()}


def seconds(run: Callable[[], object]) -> float:
    gc.collect()
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def ratio(times: Times, ours: str, floor: str) -> float:
    """How many times as long ours takes as the floor: the median of the rounds' ratios."""
    return median(a / b for a, b in zip(times[ours], times[floor], strict=True))
