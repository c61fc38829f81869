"""How much is measured: all of it for BENCHMARKS.md, or little for a quick check."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    requests: int = 50_000
    rounds: int = 7
    growth: tuple[int, ...] = (10_000, 30_000, 100_000, 300_000, 1_000_000)
    sizes: tuple[int, ...] = (200_000_000, 1_000_000_000, 5_000_000_000)
    open_batches: int = 1_000
    documents: int = 10_000


FULL = Scale()
QUICK = Scale(5_000, 3, (1_000, 10_000), (20_000_000, 100_000_000), 250, 500)
