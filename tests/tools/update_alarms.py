"""Writes the table of alarms into docs/operations.md, from the template and the tests.

`python -m tests.tools.update_alarms`
"""

import re
from typing import Any

from local.paths import ROOT
from tests.support.alarms import alarms, ringing_test

PAGE = ROOT / "docs" / "operations.md"
TEST = "tests/integration/test_alarms.py"
HEAD = ["alarm", "fires when", "of", "over", "no data", "test"]
SIGNS = {
    "GreaterThanThreshold": ">",
    "GreaterThanOrEqualToThreshold": "≥",
    "LessThanThreshold": "<",
}
UNITS = (("d", 86_400), ("h", 3_600), ("min", 60))


def main() -> None:
    PAGE.write_text(filled(PAGE.read_text()))


def filled(page: str) -> str:
    """The page with the table as it should be."""
    rows = [HEAD, ["---"] * len(HEAD), *(_row(page, *each) for each in alarms().items())]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return re.sub(
        r"(<!-- alarms -->\n).*?(<!-- /alarms -->)",
        lambda found: f"{found[1]}{table}\n{found[2]}",
        page,
        flags=re.DOTALL,
    )


def _row(page: str, name: str, alarm: dict[str, Any]) -> list[str]:
    sign = SIGNS[alarm["ComparisonOperator"]]
    return [
        f"[{name}](#{_runbook(page, name)})",
        f"{alarm['Statistic']} of `{alarm['MetricName']}` {sign} {int(alarm['Threshold']):,}",
        f"{alarm['Namespace']} {_of(alarm)}".strip(),
        _window(name),
        "fires" if alarm["TreatMissingData"] == "breaching" else "silent",
        f"[{ringing_test(name)}](../{TEST})",
    ]


def _runbook(page: str, name: str) -> str:
    """The anchor of the heading that names it."""
    headings = re.findall(r"(?m)^### (.+)$", page)
    heading = next(each for each in headings if name in each.split(", "))
    return re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-")


def _of(alarm: dict[str, Any]) -> str:
    """Which one: the function, queue or topic by its name in the template."""
    values = [each["Value"] for each in alarm.get("Dimensions", []) if each["Name"] != "service"]
    names = [each["Ref"] if "Ref" in each else each["Fn::GetAtt"][0] for each in values]
    return ", ".join(f"`{each}`" for each in names)


def _window(name: str) -> str:
    """At the audit clock's fastest and slowest pace, where they differ."""
    paces = [_at(alarms(AuditEveryMinutes=minutes)[name]) for minutes in ("1", "60")]
    return " to ".join(dict.fromkeys(paces))


def _at(alarm: dict[str, Any]) -> str:
    seconds, periods = int(alarm["Period"]), int(alarm["EvaluationPeriods"])
    unit, size = next((name, size) for name, size in UNITS if seconds % size == 0)
    one = f"{seconds // size} {unit}"
    needed = int(alarm.get("DatapointsToAlarm", periods))
    return one if periods == 1 else f"{needed} of {periods} × {one}"


if __name__ == "__main__":
    main()
