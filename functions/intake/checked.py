"""What reading a dropped file found."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from shared.jobs.estimate import Estimate
from shared.jobs.model import Repeated, TableJob
from shared.jobs.options import Options
from shared.jobs.part import Part
from shared.problems import Problems


class Checked(NamedTuple):
    problems: Problems
    options: Options = Options()
    metadata: Mapping[str, str] = {}
    parts: Sequence[Part] = ()
    lines: int = 0
    notes: Sequence[str] = ()
    digest: str = ""  # of the file's lines, unpacked
    estimate: Estimate = Estimate()
    repeated: Repeated = Repeated()
    table: TableJob | None = None
    recipe: bytes = b""  # its text

    @property
    def requests(self) -> int:
        """Those too that are not asked, as another's answer is theirs."""
        asked = sum(part.requests for part in self.parts)
        return asked + self.repeated.left_out

    @property
    def tokens(self) -> int:
        """Estimated prompt tokens."""
        return sum(part.tokens for part in self.parts)

    @property
    def is_refused(self) -> bool:
        return bool(self.problems) and (self.options.bad_lines == "reject" or not self.parts)
