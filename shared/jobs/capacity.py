"""How much of one model may be enqueued at OpenAI, how much is, and which part is next."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Self

from shared.jobs.part import Part
from shared.model import FrozenModel

LIMIT_KEPT = timedelta(days=1)
IDLE = timedelta(hours=1)  # of a model; then poll no longer looks for its parts
MAX_WAIT = timedelta(minutes=30)  # while other parts pass; then capacity is reserved


class Admission(NamedTuple):
    """The parts that submit may take now, and the part for which all else has to wait."""

    parts: list[Part]
    reserved_for: str | None


class Capacity(FrozenModel):
    """How much of one model is enqueued, and how much may be, in tokens and in requests."""

    model: str
    used: int = 0  # prompt tokens, as such requests took lately
    limit: int | None = None  # as configured, or as OpenAI refused
    learned_at: datetime | None = None
    used_requests: int = 0
    request_limit: int | None = None  # as OpenAI refused
    requests_learned_at: datetime | None = None
    reserved_for: str | None = None  # a part that waited so long that no other may pass it
    touched_at: datetime | None = None  # when a part last took some, or gave it back
    idle: bool = False  # poll does not look for its parts

    @property
    def free(self) -> int | None:
        """Tokens. None: no limit is known."""
        return None if self.limit is None else self.limit - self.used

    @property
    def free_requests(self) -> int | None:
        return None if self.request_limit is None else self.request_limit - self.used_requests

    def as_known(self, now: datetime, configured: int | None) -> Self:
        """Forgets a learned limit after a day: the tier may have risen, and asking is free."""
        learned = None if _is_old(self.learned_at, now) else self.limit
        known = [each for each in (learned, configured) if each is not None]
        requests = None if _is_old(self.requests_learned_at, now) else self.request_limit
        return self.model_copy(
            update={"limit": min(known, default=None), "request_limit": requests}
        )

    def is_idle(self, now: datetime) -> bool:
        """Nothing is enqueued and nothing has moved for a while, and no limit is remembered."""
        learned = (self.learned_at, self.requests_learned_at)
        remembers = any(each and not _is_old(each, now) for each in learned)
        since = self.touched_at or now
        return self.used == 0 and not remembers and not self.reserved_for and now - since > IDLE

    def fits(self, part: Part) -> bool:
        """One request that is larger than the limit goes when nothing else is enqueued.

        What it really takes is OpenAI's to say: ours is an estimate.
        """
        if part.requests == 1 and self._exceeds(part):
            return self.used <= 0 and self.used_requests <= 0
        tokens, requests = self.free, self.free_requests
        return (tokens is None or part.enqueues <= tokens) and (
            requests is None or part.requests <= requests
        )

    def never_fits(self, part: Part) -> bool:
        """It is larger than the whole limit: submit splits it."""
        return part.requests > 1 and self._exceeds(part)

    def _exceeds(self, part: Part) -> bool:
        return (self.limit is not None and part.enqueues > self.limit) or (
            self.request_limit is not None and part.requests > self.request_limit
        )

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
        return self.model_copy(
            update={
                "used": self.used + part.enqueues,
                "used_requests": self.used_requests + part.requests,
            }
        )


def _is_old(learned_at: datetime | None, now: datetime) -> bool:
    return learned_at is not None and now - learned_at > LIMIT_KEPT
