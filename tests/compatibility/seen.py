"""What was seen of other people's clients and servers: in seen.json, shown in docs/servers.md."""

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from local.paths import ROOT

SEEN = Path(__file__).with_name("seen.json")
PAGE = ROOT / "docs" / "servers.md"
KINDS = ("servers", "clients")
COLUMNS = ["version", "seen on", "requests answered", "what it needs"]


@dataclass(frozen=True)
class Sighting:
    name: str
    version: str
    date: str
    answered: int
    of: int
    needs: str = ""
    library: str = ""  # what became of one; of servers

    @property
    def row(self) -> str:
        answered = f"{self.answered} of {self.of}"
        cells = [self.name, self.version, self.date, answered, self.needs, self.library]
        return f"| {' | '.join(each for each in cells if each or each is self.needs)} |"


def sightings(kind: str) -> list[Sighting]:
    return [Sighting(**each) for each in json.loads(SEEN.read_text())[kind]]


def remember(kind: str, seen: list[Sighting]) -> None:
    """In the place of what was seen of the same ones before; and on the page."""
    found = json.loads(SEEN.read_text())
    names = {each.name for each in seen}
    kept = [each for each in found[kind] if each["name"] not in names]
    found[kind] = sorted(kept + [asdict(each) for each in seen], key=lambda each: each["name"])
    SEEN.write_text(json.dumps(found, indent=2) + "\n")
    PAGE.write_text(filled(PAGE.read_text()))


def filled(page: str) -> str:
    for kind in KINDS:
        page = _with_table(page, kind)
    return page


def _with_table(page: str, kind: str) -> str:
    columns = [kind.removesuffix("s"), *COLUMNS, *(["a library"] if kind == "servers" else [])]
    head = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    rows = [*head, *(each.row for each in sightings(kind))]
    between = re.compile(rf"(?<=<!-- {kind} -->\n).*?(?=<!-- /{kind} -->)", re.DOTALL)
    return between.sub(lambda _: "\n".join([*rows, ""]), page)
