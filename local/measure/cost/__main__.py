"""`python -m local.measure.cost`: what a job and an idle minute take of AWS; fills docs/cost.md."""

import json
import sys

from local.measure.cost.measure import measured
from local.measure.cost.table import MEASURED, PAGE, filled


def main() -> int:
    found = measured()
    MEASURED.write_text(json.dumps(found, indent=1) + "\n")
    PAGE.write_text(filled(PAGE.read_text(), found))
    print(PAGE.read_text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
