"""`python -m local.measure.bench`: how fast the functions are, beside floors of the same run."""

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import datetime

from local.measure.bench import (
    auditing,
    checking,
    counting,
    growth,
    landing,
    libraries,
    memory,
    starting,
    submitting,
    tabling,
)
from local.measure.bench.scale import FULL, QUICK, Scale
from local.measure.kit.report import Section, written

BENCHES: dict[str, tuple[Callable[[Scale], Section], str]] = {
    "a": (checking.measured, "checking and splitting a file"),
    "b": (submitting.measured, "from the drop to batches"),
    "c": (landing.measured, "landing results in order"),
    "d": (memory.measured, "peak memory of each function"),
    "e": (growth.measured, "how time grows with the number of requests"),
    "f": (counting.measured, "calls to the ledger and to OpenAI"),
    "g": (auditing.measured, "the audit function"),
    "h": (libraries.measured, "a library of many documents"),
    "i": (starting.measured, "how long a function takes to start"),
    "j": (tabling.measured, "a table, there and back"),
}


def main(argv: Sequence[str]) -> int:
    options = _parser().parse_args(argv)
    scale = QUICK if options.quick else FULL
    for key in options.only:
        section = BENCHES[key][0](scale)
        print(f"\n{key}. {section.title}\n{section.table()}", flush=True)
        if not options.quick:
            written(section, datetime.now().astimezone())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m local.measure.bench",
        description="Measures the functions beside floors of the same run; fills BENCHMARKS.md.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="\n".join(f"  {key}  {does}" for key, (_, does) in BENCHES.items()),
    )
    parser.add_argument("--only", type=_keys, default=list(BENCHES), metavar="a,b,…")
    parser.add_argument("--quick", action="store_true", help="small and rough; writes nothing")
    return parser


def _keys(text: str) -> list[str]:
    keys = text.split(",")
    if unknown := set(keys) - set(BENCHES):
        raise argparse.ArgumentTypeError(f"no such bench: {', '.join(sorted(unknown))}")
    return keys


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
