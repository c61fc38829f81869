"""`python -m tests.simulation --seeds N`: many seeds, each a schedule of its own."""

import argparse
import sys
import time
from collections import Counter

from tests.simulation.runner import Outcome, outcomes


def shown(outcome: Outcome) -> str:
    """A failing seed, so that it can be read and run again."""
    head = f"seed {outcome.seed} broke a promise; again: --first {outcome.seed} --seeds 1 --show"
    return "\n".join([head, *outcome.schedule, *(f"BROKEN: {each}" for each in outcome.broken)])


def main() -> int:
    asked = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    asked.add_argument("--seeds", type=int, default=200)
    asked.add_argument("--first", type=int, default=1)
    asked.add_argument("--jobs", type=int, default=2)
    asked.add_argument("--show", action="store_true", help="print every schedule")
    asked.add_argument("--brief", action="store_true", help="of a failing seed only what broke")
    asked.add_argument("--stop", action="store_true", help="end at the first failing seed")
    wish = asked.parse_args()
    began = time.monotonic()
    counts: Counter[str] = Counter()
    failed = 0
    for outcome in outcomes(range(wish.first, wish.first + wish.seeds), wish.jobs):
        counts += outcome.counts + outcome.notes
        failed += bool(outcome.broken)
        if outcome.broken and wish.brief:
            print(f"seed {outcome.seed}: {outcome.broken[0][:300]}")
        elif outcome.broken or wish.show:
            print(shown(outcome))
        if outcome.broken and wish.stop:
            break
    seconds = time.monotonic() - began
    print("\nInjected, by kind:")
    for kind, number in sorted(counts.items()):
        print(f"{number:8,}  {kind}")
    print(f"\n{wish.seeds:,} seeds, {sum(counts.values()):,} injections, {failed} failed;")
    print(f"{seconds:.1f} s, {wish.seeds / seconds:.1f} seeds a second")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
