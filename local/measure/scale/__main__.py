"""`python -m local.measure.scale`: 10,000 jobs a day against the ledger's partitions."""

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from local.measure.scale.day import DAY, WINDOW_BATCHES, Busy, Writes, simulate
from local.measure.scale.trace import traced
from local.paths import ROOT

PAGE = ROOT / "docs" / "scale.md"
TRACED = Path(__file__).with_name("traced.json")
PARTITION = 1_000  # write units a second, DynamoDB's limit on one partition
TABLE = re.compile(r"(?<=<!-- partitions -->\n).*?(?=<!-- /partitions -->)", re.DOTALL)


def main() -> int:
    found = traced()
    TRACED.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
    PAGE.write_text(filled(PAGE.read_text(), found))
    print(PAGE.read_text())
    return 0


def filled(page: str, found: Mapping[str, Writes]) -> str:
    made = table(simulate(found))
    return TABLE.sub(lambda _: made, page)


def table(busy: Busy) -> str:
    """Without the rows that belong to one job: no two jobs share them."""
    shared = sorted((key for key in busy.seconds if key != "JOB#"), key=busy.peak, reverse=True)
    rows = ["| partition | units in its busiest second | of 1,000 | a second on average |"]
    rows += ["|---|---:|---:|---:|"]
    for key in shared:
        peak = busy.peak(key)
        rows.append(f"| `{key}` | {peak} | {peak / PARTITION:.1%} | {busy.day(key) / DAY:.1f} |")
    rows += [
        "",
        f"{busy.landed:,} parts landed; at most {busy.most_open:,} batches open at once; at most "
        f"{max(busy.batches.values())} batches made in five minutes ({WINDOW_BATCHES} are let); "
        "longest queues: "
        + ", ".join(f"{function} {n:,}" for function, n in sorted(busy.longest.items()))
        + " messages.",
        "",
    ]
    return "\n".join(rows)


if __name__ == "__main__":
    sys.exit(main())
