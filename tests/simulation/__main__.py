"""`python -m tests.simulation --seeds N`: many seeds, each a schedule of its own."""

import argparse
import sys
import time

from tests.simulation.fault_table import AUDIT_KINDS, KINDS
from tests.simulation.runner import Outcome, outcomes
from tests.simulation.summary import Summary


def main() -> int:
    options = _options()
    began = time.monotonic()
    summary = Summary(AUDIT_KINDS if options.audit else KINDS)
    seeds = range(options.first, options.first + options.seeds)
    for outcome in outcomes(seeds, options.jobs, options.also, audit=options.audit):
        summary.add(outcome)
        _print(outcome, options)
        if outcome.broken and options.stop:
            break
    print("", *summary.lines(), "", sep="\n")
    for each in summary.idle():
        print(f"IDLE: {each}")
    seconds = time.monotonic() - began
    print(f"{summary.seeds:,} seeds in {seconds:.0f} s; failed: {summary.failed or 'none'}")
    return 1 if summary.failed or summary.idle() else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--audit", action="store_true", help="the audit function's world")
    parser.add_argument("--show", action="store_true", help="print every schedule")
    parser.add_argument("--brief", action="store_true", help="of a failing seed only what broke")
    parser.add_argument("--stop", action="store_true", help="end at the first failing seed")
    parser.add_argument(
        "--with",
        dest="also",
        action="append",
        default=[],
        choices=[name for name, kind in KINDS.items() if kind.known_open],
        metavar="FAULT",
        help="a fault that is known to break a promise, drawn all the same",
    )
    return parser.parse_args()


def _print(outcome: Outcome, options: argparse.Namespace) -> None:
    if outcome.broken and options.brief:
        print(f"seed {outcome.seed}: {outcome.broken[0][:300]}", flush=True)
    elif outcome.broken or options.show:
        print(outcome, flush=True)


if __name__ == "__main__":
    sys.exit(main())
