"""How much of one model may be enqueued at OpenAI, how much is, and which part is next."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Self

from shared.jobs.part import Part
from shared.model import FrozenModel

LIMIT_KEPT = timedelta(days=1)
MAX_WAIT = timedelta(minutes=30)  # while other parts pass; then capacity is reserved


class Admission(NamedTuple):
    """The parts that submit may take now, and the part for which all else has to wait."""

    parts: list[Part]
    reserved_for: str | None


class Capacity(FrozenModel):
    """How many estimated prompt tokens of one model are enqueued, and how many may be."""

    model: str
    used: int = 0
    limit: int | None = None  # as configured, or as OpenAI refused
    learned_at: datetime | None = None
    reserved_for: str | None = None  # a part that waited so long that no other may pass it

    @property
    def free(self) -> int | None:
        """None: no limit is known."""
        return None if self.limit is None else self.limit - self.used

    def as_known(self, now: datetime, configured: int | None) -> Self:
        """Forgets a learned limit after a day: the tier may have risen, and asking is free."""
        learned = self.limit
        if self.learned_at and now - self.learned_at > LIMIT_KEPT:
            learned = None
        known = [each for each in (learned, configured) if each is not None]
        return self.model_copy(update={"limit": min(known, default=None)})

    def fits(self, part: Part) -> bool:
        return self.free is None or part.tokens <= self.free

    def never_fits(self, part: Part) -> bool:
        """It is larger than the whole limit: submit splits it."""
        return self.limit is not None and part.tokens > self.limit

    def admits(self, part: Part) -> bool:
        """It fits, and the capacity is not reserved for another part."""
        return self.fits(part) and self.reserved_for in {None, part.name}

    def admit(self, due: Sequence[Part], now: datetime) -> Admission:
        """Chooses among the waiting parts of the model, which come longest due first.

        Small parts may pass a big one. After 30 minutes capacity is reserved for the big one, and
        no part passes until it is in.
        """
        holding = [part for part in due if part.outcome_unknown]  # they have their capacity
        waiting = [part for part in due if not part.outcome_unknown]
        reserved = [part for part in waiting if part.name == self.reserved_for]
        if reserved:
            return Admission(holding + self._admit_reserved(reserved), self.reserved_for)
        admitted, reserved_for = self._admit_in_turn(waiting, now)
        return Admission(holding + admitted, reserved_for)

    def _admit_reserved(self, reserved: list[Part]) -> list[Part]:
        return [part for part in reserved if self.never_fits(part) or self.fits(part)]

    def _admit_in_turn(self, waiting: list[Part], now: datetime) -> Admission:
        capacity, admitted = self, []
        for part in waiting:
            if self.never_fits(part):
                admitted.append(part)
            elif capacity.fits(part):
                admitted.append(part)
                capacity = capacity._with(part)
            elif now - part.waits_since > MAX_WAIT:
                return Admission(admitted, part.name)
        return Admission(admitted, None)

    def _with(self, part: Part) -> Self:
        return self.model_copy(update={"used": self.used + part.tokens})
