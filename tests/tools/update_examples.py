"""`python -m tests.tools.update_examples`: writes events/examples, an event of every type.

Each was put on the bus by a function, in one of the tests that are run for it.
"""

import json
import os
import sys
from typing import Any

import pytest

from local.build.update_reference import DETAILS
from local.paths import ROOT
from tests.support.published_events import file_of, watched

EXAMPLES = ROOT / "events" / "examples"
TIME = "2026-11-28T00:00:00Z"
TESTS = (  # files, and which of their tests
    ("tests/integration/jobs/test_published.py", ""),
    ("tests/integration/jobs/test_costs.py", "each_level or held_and_told"),
    ("tests/integration/jobs/test_estimates.py", "dry_run"),
    ("tests/integration/tables/test_tables.py", "recipe"),
    ("tests/integration/webhook", "safety"),
    ("tests/integration/webhook", "nobody_knows"),
    ("tests/integration/library", "stuck or repair or waiting or refused or sync_publishes"),
    ("tests/integration/test_schemas.py", "followed"),
)


def main() -> int:
    found: dict[str, Any] = {}
    sys.path.insert(0, str(ROOT))
    os.chdir(ROOT)
    with watched(found.setdefault):
        for file, which in TESTS:
            pytest.main(["-q", "-p", "no:xdist", file, *(["-k", which] if which else [])])
    EXAMPLES.mkdir(exist_ok=True)
    for number, (kind, detail) in enumerate(sorted(found.items()), 1):
        event = envelope(kind, detail, number)
        (EXAMPLES / file_of(kind)).write_text(json.dumps(event, indent=2) + "\n")
    missing = sorted(DETAILS.keys() - found.keys())
    print(f"{len(found)} types; none of: {', '.join(missing) or 'none'}")
    return len(missing)


def envelope(kind: str, detail: Any, number: int) -> dict[str, Any]:
    """As EventBridge delivers it."""
    return {
        "version": "0",
        "id": f"00000000-0000-4000-8000-{number:012d}",
        "detail-type": kind,
        "source": "batchdrop",
        "account": "123456789012",
        "time": TIME,
        "region": "us-east-1",
        "resources": [],
        "detail": detail,
    }


if __name__ == "__main__":
    sys.exit(main())
