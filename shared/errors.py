"""The three ways an edge fails, with the kinds that some caller treats differently.

TryLater             not now: the same call may work later
  OutcomeUnknown     the call may have done its work; look before you do it again
  CapacityExceeded   as much of a model is enqueued as may be
  ActionRequired     the call cannot succeed before a person acts (key refused, quota used up)
    NotGiven         S3 does not give an object any more that it gave before
Refused              no: the same call will be refused again
  NotFound           what was asked for does not exist (any more)
    NotYet           the same, or it was created a moment ago
Conflict             another run changed a row first: read it again, then decide anew
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from shared.text import REASON, masked, sanitize

UNSUPPORTED = frozenset({405, 501})  # HTTP statuses
Unit = Literal["tokens", "requests"]


@dataclass(frozen=True, slots=True)
class Details:
    """What the other side answered. Status 0: there was no HTTP status."""

    status: int = 0
    code: str | None = None
    message: str = ""
    request_id: str = ""
    param: str = ""  # what of the request it blames


class EdgeError(Exception):
    """`reason` is the same at each try, and shows no key; OpenAI's request id is a note."""

    def __init__(self, reason: str, details: Details | None = None) -> None:
        self.reason = masked(reason)
        super().__init__(sanitize(self.reason, REASON))
        self.details = details or Details()
        if self.details.request_id:
            self.add_note(f"OpenAI request {self.details.request_id}")

    @property
    def is_unsupported(self) -> bool:
        """The server has no such call."""
        return self.details.status in UNSUPPORTED

    @property
    def is_for_good(self) -> bool:
        """The same call will fail again: it is refused, or there is no such call."""
        return self.is_unsupported


class TryLater(EdgeError):
    """Not now. `after` is how long the other side asks us to wait, if it states that."""

    def __init__(
        self, reason: str, after: timedelta | None = None, details: Details | None = None
    ) -> None:
        super().__init__(reason, details)
        self.after = after


class OutcomeUnknown(TryLater):
    """The request went out and no answer came back: it may have done its work."""


class CapacityExceeded(TryLater):
    """As much is enqueued as may be. `limit` is how much that is, if the other side states it."""

    def __init__(
        self,
        reason: str,
        after: timedelta | None = None,
        details: Details | None = None,
        *,
        unit: Unit = "tokens",
        limit: int | None = None,
    ) -> None:
        super().__init__(reason, after, details)
        self.unit: Unit = unit
        self.limit = limit


class ActionRequired(TryLater):
    """A person has to act first: a key refused, a quota used up."""


class NotGiven(ActionRequired):
    """S3 does not give an object any more that it gave before: a person may give it back."""


class Refused(EdgeError):
    """No, for good."""

    @property
    def is_for_good(self) -> bool:
        return True


class NotFound(Refused):
    """What was asked for does not exist, or not any more."""


class NotYet(NotFound):
    """What was asked for does not exist, or it was created a moment ago."""


class Conflict(Exception):
    """A row was not as it was when it was read; `failed`: which writes of a transaction."""

    def __init__(self, reason: str, failed: frozenset[int] = frozenset()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.failed = failed
