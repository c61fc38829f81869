"""How much of one model may be enqueued at OpenAI, and how much is."""

from datetime import datetime, timedelta
from typing import Self

from shared.jobs.model import Part
from shared.model import FrozenModel

LIMIT_KEPT = timedelta(days=1)


class Capacity(FrozenModel):
    """How many estimated prompt tokens of one model are enqueued, and how many may be."""

    model: str
    used: int = 0
    limit: int | None = None  # as configured, or as a refusal said
    learned_at: datetime | None = None
    held_for: str | None = None  # a part that waited so long that nobody may pass it any more

    @property
    def free(self) -> int | None:
        """None: nothing is known of a limit."""
        return None if self.limit is None else self.limit - self.used

    def as_known(self, now: datetime, configured: int | None) -> Self:
        """A learnt limit is forgotten after a day: the tier may have risen, and asking is free."""
        learned = self.limit
        if self.learned_at and now - self.learned_at > LIMIT_KEPT:
            learned = None
        known = [each for each in (learned, configured) if each is not None]
        return self.model_copy(update={"limit": min(known, default=None)})

    def fits(self, part: Part) -> bool:
        return self.free is None or part.tokens <= self.free

    def admits(self, part: Part) -> bool:
        """It fits, and the capacity is not held for another part."""
        return self.fits(part) and self.held_for in {None, part.name}
