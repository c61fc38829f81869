"""What was measured, as a table on the terminal and as a section of BENCHMARKS.md."""

import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from os import cpu_count
from pathlib import Path
from typing import Literal

from local.paths import ROOT

BENCHMARKS = ROOT / "BENCHMARKS.md"
CPUINFO = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Section:
    key: str
    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]

    def table(self) -> str:
        """Markdown that reads well as plain text."""
        lines = [self.columns, *self.rows]
        widths = [max(len(line[at]) for line in lines) for at in range(len(self.columns))]
        head, *rows = (
            "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            for line in lines
        )
        rule = "|" + "|".join("-" * (width + 2) for width in widths)
        return "\n".join(f"{line} |" for line in (head, *rows)).replace(
            f"{head} |", f"{head} |\n{rule}|", 1
        )


def judged(value: float, side: Literal["<=", ">="], aim: float, unit: str = "") -> str:
    """A number beside its aim."""
    met = value <= aim if side == "<=" else value >= aim
    number = f"{value:,.0f}" if float(value).is_integer() or aim >= 100 else f"{value:.2f}"
    sign = "≤" if side == "<=" else "≥"
    return f"**{number}**{unit} (aim {sign} {aim:g}{unit}: {'met' if met else 'missed'})"


def written(section: Section, now: datetime) -> None:
    """Puts the table between the section's two marks; the text around it stays."""
    text = BENCHMARKS.read_text()
    begin, end = f"<!-- {section.key} -->", f"<!-- /{section.key} -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    caption = f"_{section.title}. {machine()}, {now:%Y-%m-%d %H:%M}._"
    made = f"{begin}\n{section.table()}\n\n{caption}\n{end}"
    BENCHMARKS.write_text(pattern.sub(lambda _: made, text))


def machine() -> str:
    """The machine that these numbers were measured on."""
    found = re.search(r"model name\s*:\s*(.*)", CPUINFO.read_text()) if CPUINFO.exists() else None
    processor = found[1] if found else platform.processor() or platform.machine()
    python = f"Python {platform.python_version()}"
    return f"{cpu_count()} cores of {processor}, {platform.system()}, {python}"
