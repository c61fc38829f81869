"""What happened in all seeds together: every fault is drawn, and every drawn one is effective."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.simulation.fault_table import Kind
from tests.simulation.runner import Outcome

MANY_SEEDS = 200  # after so many, each fault has been drawn
MANY_TIMES = 20  # drawn so often, a latent fault has shown


@dataclass
class Summary:
    kinds: Mapping[str, Kind]
    seeds: int = 0
    failed: list[int] = field(default_factory=list)
    drawn: Counter[str] = field(default_factory=Counter)
    effective: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: Outcome) -> None:
        self.seeds += 1
        self.failed += [outcome.seed] if outcome.broken else []
        self.drawn += outcome.drawn
        self.effective += outcome.effective
        self.notes += outcome.notes

    def idle(self) -> list[str]:
        """Faults that the run claims and that never happened."""
        expected = {name for name, kind in self.kinds.items() if not kind.known_open}
        never = expected - self.drawn.keys() if self.seeds >= MANY_SEEDS else set()
        unseen = [
            f"{name}: drawn {number} times, without any effect"
            for name, number in self.drawn.items()
            if not self.effective[name] and number >= MANY_TIMES
        ]
        return sorted([*(f"{name}: never drawn" for name in never), *unseen])

    def lines(self) -> list[str]:
        rows = [
            f"{number:8,}  {self.effective[name]:9,}  {name}"
            for name, number in sorted(self.drawn.items())
        ]
        notes = [f"{number:8,}  {name}" for name, number in sorted(self.notes.items())]
        return ["   drawn  effective  fault", *rows, "", *notes]
