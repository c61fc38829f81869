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
# `Limit: 900,000 enqueued tokens`; at Azure `limit of 30K for the deployment`
LIMIT = re.compile(
    r"\blimit(?:\s+is|\s+of|:)?\s*(\d(?:[\d,.'_\s]*\d)?)\s*([KM](?![a-z]))?"
    r"(?:\s*(?:enqueued\s+)?(token|request)s?\b)?",
    re.I,
)
UNIT = re.compile(r"enqueued (token|request)s?\b|\b(token|request)s? (?:enqueued|limit)", re.I)
GROUPED = re.compile(r"\d+|\d{1,3}(?:[,.]\d{3})+")
TIMES = {"": 1, "k": 1_000, "m": 1_000_000}


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
# Money is missing, or an account is closed: the status may be 400, 402, 403 or 429.
UNPAID = frozenset(
    {"insufficient_quota", "credit_balance_exhausted", "billing_hard_limit_reached"}
    | {"billing_not_active", "payment_required", "access_terminated", "account_deactivated"}
)
SAYS_UNPAID = re.compile(
    r"billing hard limit|exceeded your current quota|account is not active|billing details", re.I
)
SAYS_FULL = re.compile(
    r"enqueued (token|request)s?\b.{0,40}\blimit|limit\b.{0,40}\benqueued|too many enqueued", re.I
)
SAYS_STORAGE_FULL = re.compile(
    r"storage (quota|limit|space)|(exceed\w*|out of)\b.{0,40}\bstorage", re.I
)
# OpenAI answers this for a file that is gone, and for one uploaded a moment ago.
SAYS_NO_FILE = re.compile(
    r"cannot find file|no such file|file\b.{0,80}\b(not (yet )?(ready|processed|found)|pending)",
    re.I,
)
FAILED_THEMSELVES = frozenset(
    {"server_error", "internal_error", "internal_server_error", "service_unavailable", "timeout"}
)
TOO_FAST = frozenset({"rate_limit_exceeded", "slow_down", "overloaded", "engine_overloaded"})
RULES = (
    Rule(Meaning.CAPACITY, ANY_STATUS, codes={"token_limit_exceeded", "request_limit_exceeded"}),
    Rule(Meaning.CAPACITY, ANY_STATUS, wording=SAYS_FULL),
    Rule(Meaning.PERSON, ANY_STATUS, codes=UNPAID),
    Rule(Meaning.PERSON, range(500), wording=SAYS_UNPAID),
    Rule(Meaning.PERSON, range(500), wording=SAYS_STORAGE_FULL),
    Rule(Meaning.KEY, KEY_REFUSED),
    Rule(Meaning.NOT_YET, {IN_BATCH, *range(400, 500)}, wording=SAYS_NO_FILE),
    # Not paid; the base URL is wrong, or the server has no such call.
    Rule(Meaning.PERSON, {402, *range(300, 400), 405, 501}),
    # Of a batch that failed validation, or under HTTP 200: there only the code says it.
    Rule(Meaning.PASSING, {IN_BATCH, *OK}, codes=TOO_FAST),
    Rule(Meaning.PASSING, {IN_BATCH}, codes=FAILED_THEMSELVES),
    Rule(Meaning.OUTCOME_UNKNOWN, OK, codes=FAILED_THEMSELVES),
    Rule(Meaning.PASSING, {408, 423, 425, 429}),
    Rule(Meaning.OUTCOME_UNKNOWN, range(500, 600)),
    Rule(Meaning.MISSING, {404, 410}),
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
    found, named = LIMIT.search(message), UNIT.search(message)
    word = (found and found[3]) or (named and (named[1] or named[2])) or "token"
    unit: Unit = "requests" if word.lower() == "request" else "tokens"
    return unit, _whole_number(found[1], (found[2] or "").lower()) if found else None


def _whole_number(text: str, times: str) -> int | None:
    """Grouped by commas, points, spaces or not at all; None for what is no such number."""
    number, fraction = re.sub(r"[\s'_]", "", text), "0"
    if not GROUPED.fullmatch(number):
        number, _, fraction = number.replace(",", ".").rpartition(".")
    if not GROUPED.fullmatch(number) or not fraction.isdecimal():
        return None
    whole = int(re.sub(r"\D", "", number))
    return int((whole + float(f"0.{fraction}")) * TIMES[times]) or None


def why_failed(batch: Batch) -> EdgeError:
    """Why a batch failed validation. One error about capacity decides, then one of a line."""
    errors = sorted(batch.problems, key=lambda each: each.line is None)
    refusals = [
        Refusal(Details(status=IN_BATCH, code=each.code, message=each.message or ""))
        for each in errors
    ]
    capacity = [each for each in refusals if each.meaning is Meaning.CAPACITY]
    first = next(iter(capacity or refusals), Refusal(Details(status=IN_BATCH)))
    if not capacity and any(each.line for each in errors):
        return Refused(first.reason, first.details)
    return first.as_error()
