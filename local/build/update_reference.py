"""`python -m local parameters`: writes docs/reference.md's table of the stack's parameters."""

import re
from collections.abc import Sequence
from typing import Any

from local.paths import ROOT
from local.template import read_template

PAGE = ROOT / "docs" / "reference.md"
TABLE = re.compile(r"(?<=<!-- parameters -->\n).*?(?=<!-- /parameters -->)", re.DOTALL)


def main(argv: Sequence[str]) -> int:
    PAGE.write_text(TABLE.sub(lambda _: table(), PAGE.read_text()))
    return 0


def table() -> str:
    """The template's own descriptions, so that there is one place to change them."""
    parameters: Any = read_template()["Parameters"]
    rows = [
        f"| `{name}` | {_default(each['Default'])} | {_choices(each)}{each['Description']} |"
        for name, each in parameters.items()
    ]
    return "\n".join(["| parameter | default | |", "|---|---|---|", *rows, ""])


def _default(value: object) -> str:
    return f"`{value}`" if value != "" else "empty"


def _choices(parameter: Any) -> str:
    allowed = parameter.get("AllowedValues", [])
    if not allowed or len(allowed) > 6:
        return ""
    return ", ".join(f"`{each}`" for each in allowed) + ". "
