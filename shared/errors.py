"""The three ways an edge fails, with the leaves that someone somewhere tells apart.

TryLater             not now: the same call may work later
  OutcomeUnknown     the call may have done its work; look before you do it again
  CapacityExceeded   as much of a model is enqueued as may be
  ActionRequired     the call cannot succeed before a person acts (key refused, quota used up)
Refused              no: the same call will be refused again
  NotFound           what was asked for does not exist (any more)
Conflict             another run changed a row first: read it again, then decide anew
"""

from collections.abc import Mapping
from datetime import timedelta

from shared.text import REASON, sanitize


class TryLater(Exception):
    """Not now; `after` is how long the other side asked us to wait, if it said."""

    def __init__(self, reason: str, after: timedelta | None = None) -> None:
        super().__init__(sanitize(reason, REASON))
        self.reason = reason
        self.after = after


class OutcomeUnknown(TryLater):
    """The request went out and no answer came back: it may have done its work."""


class CapacityExceeded(TryLater):
    """As many tokens are enqueued as may be."""


class ActionRequired(TryLater):
    """A person has to act first: a key refused, a quota used up."""


class Refused(Exception):
    """The other side said no, for good."""

    def __init__(self, reason: str, code: str | None = None, status: int = 0) -> None:
        super().__init__(sanitize(reason, REASON))
        self.reason = reason
        self.code = code
        self.status = status


class NotFound(Refused):
    """What was asked for does not exist, or not any more."""


class Conflict(Exception):
    """A row was not as it was when it was read; `failed`: which writes of a transaction."""

    def __init__(self, reason: str, failed: frozenset[int] = frozenset()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.failed = failed


def with_request_id(error: Exception, headers: Mapping[str, str]) -> Exception:
    """The id that OpenAI's support asks for, as a note: a reason stays the same, try after try."""
    if asked := headers.get("x-request-id"):
        error.add_note(f"OpenAI request {asked}")
    return error
