"""`python -m tests.tools.update_audit_page`: writes the tables of docs/audit.md."""

import re
import sys

from local.paths import ROOT
from tests.support import audit_page

PAGE = ROOT / "docs" / "audit.md"


def main() -> int:
    page = PAGE.read_text()
    for mark, made in (("detections", audit_page.detections()), ("types", audit_page.types())):
        table = re.compile(rf"(?<=<!-- {mark} -->\n).*?(?=<!-- /{mark} -->)", re.DOTALL)
        page = table.sub(made.replace("\\", "\\\\") + "\n", page)
    PAGE.write_text(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
