"""What OpenAI's refusals mean: one table of status, code and wording, read from the top."""

import re
from collections.abc import Container
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

from shared.errors import (
    ActionRequired,
    CapacityExceeded,
    Details,
    EdgeError,
    NotFound,
    NotYet,
    OutcomeUnknown,
    Refused,
    TryLater,
    Unit,
)
from shared.openai.models import Batch
from shared.text import sanitize

IN_BATCH = 0  # instead of an HTTP status: an error of a batch that failed validation
ANY_STATUS = range(1_000)
OK = range(200, 300)
KEY_REFUSED = frozenset({401, 403})
CHECK_THE_KEY = "(is the stored key right, active and for this project?)"
LIMIT = re.compile(r"Limit:\s*(\d[\d,]*)\s*enqueued(?:\s+(token|request)s?)?")


class Meaning(StrEnum):
    """What to do about a refusal."""

    PASSING = "passing"  # try again later
    OUTCOME_UNKNOWN = "outcome unknown"  # the call may have done its work
    CAPACITY = "capacity"  # wait until less is enqueued
    PERSON = "needs a person"
    KEY = "needs another key"  # from a person too; the key in memory is forgotten
    NOT_YET = "not yet"  # gone, or made a moment ago
    MISSING = "missing"
    FINAL = "final"


class Rule(NamedTuple):
    """Holds for these statuses, and for these codes and this wording if it names any."""

    meaning: Meaning
    statuses: Container[int]
    codes: Container[str] | None = None
    wording: re.Pattern[str] | None = None

    def holds(self, details: Details) -> bool:
        return (
            details.status in self.statuses
            and (self.codes is None or details.code in self.codes)
            and (self.wording is None or self.wording.search(details.message) is not None)
        )


PASSING: dict[Meaning, type[TryLater]] = {
    Meaning.PASSING: TryLater,
    Meaning.OUTCOME_UNKNOWN: OutcomeUnknown,
    Meaning.PERSON: ActionRequired,
}
FINAL: dict[Meaning, type[Refused]] = {
    Meaning.NOT_YET: NotYet,
    Meaning.MISSING: NotFound,
    Meaning.FINAL: Refused,
}
RULES = (
    Rule(Meaning.KEY, KEY_REFUSED),
    Rule(Meaning.PERSON, range(300, 400)),  # the base URL is wrong
    Rule(
        Meaning.PERSON,
        {429},
        codes={"insufficient_quota", "credit_balance_exhausted", "billing_hard_limit_reached"},
    ),
    Rule(Meaning.CAPACITY, {IN_BATCH, 429}, codes={"token_limit_exceeded"}),
    # An error may come under HTTP 200, in the body alone.
    Rule(Meaning.PASSING, OK, codes={"rate_limit_exceeded", "slow_down", "overloaded"}),
    Rule(Meaning.OUTCOME_UNKNOWN, OK, codes={"server_error", "internal_error", "timeout"}),
    Rule(Meaning.PASSING, {408, 429}),
    Rule(Meaning.OUTCOME_UNKNOWN, range(500, 600)),
    # OpenAI answers this for a file that is gone, and for one uploaded a moment ago.
    Rule(Meaning.NOT_YET, range(400, 500), wording=re.compile("Cannot find file")),
    Rule(Meaning.MISSING, {404}),
    Rule(Meaning.FINAL, ANY_STATUS),
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refusal: of a call, or of a batch that failed validation (`call` is empty then)."""

    details: Details
    call: str = ""  # such as `POST /v1/batches`
    after: timedelta | None = None

    @property
    def meaning(self) -> Meaning:
        return next(rule.meaning for rule in RULES if rule.holds(self.details))

    @property
    def reason(self) -> str:
        if not self.call:
            return self.details.message
        return f"{self.call}: HTTP {self.details.status} {self.details.message}".strip()

    def as_error(self, key_remedy: str = CHECK_THE_KEY) -> EdgeError:
        meaning = self.meaning
        if meaning is Meaning.KEY:
            return ActionRequired(self._reason_for_key(key_remedy), details=self.details)
        if meaning is Meaning.CAPACITY:
            return self._capacity_exceeded()
        if passing := PASSING.get(meaning):
            return passing(self.reason, self.after, self.details)
        return FINAL[meaning](self.reason, self.details)

    def _reason_for_key(self, remedy: str) -> str:
        """OpenAI's long answer is cut, so that what to do stands behind it."""
        status, message = self.details.status, sanitize(self.details.message)
        return f"{self.call}: HTTP {status} {message} {remedy}"

    def _capacity_exceeded(self) -> CapacityExceeded:
        reason = self.reason or "enqueued token limit reached"
        unit, limit = enqueued_limit(self.details.message)
        return CapacityExceeded(reason, self.after, self.details, unit=unit, limit=limit)


def enqueued_limit(message: str) -> tuple[Unit, int | None]:
    """How much may be enqueued, from OpenAI's text: `Limit: 900,000 enqueued tokens.`"""
    found = LIMIT.search(message)
    if found is None:
        return "tokens", None
    unit: Unit = "requests" if found[2] == "request" else "tokens"
    return unit, int(found[1].replace(",", ""))


def why_failed(batch: Batch) -> EdgeError:
    """Why a batch failed validation. Of several errors, one about capacity decides."""
    refusals = [
        Refusal(Details(status=IN_BATCH, code=each.code, message=each.message or ""))
        for each in batch.problems
    ]
    capacity = [each for each in refusals if each.meaning is Meaning.CAPACITY]
    first = next(iter(capacity or refusals), Refusal(Details(status=IN_BATCH)))
    return first.as_error()
