"""`python -m tests.tools.update_rights`: writes the rights in docs/reference.md."""

import re
import sys

from local.paths import ROOT
from tests.support.rights import WITH_PARAMETERS, table

PAGE = ROOT / "docs" / "reference.md"
TABLE = re.compile(r"(?<=<!-- rights -->\n).*?(?=\n<!-- /rights -->)", re.DOTALL)


def main() -> int:
    PAGE.write_text(filled(PAGE.read_text()))
    return 0


def filled(page: str) -> str:
    made = table(WITH_PARAMETERS)
    return TABLE.sub(lambda _: made, page)


if __name__ == "__main__":
    sys.exit(main())
