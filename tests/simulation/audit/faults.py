"""What goes wrong in one seed of the audit function's world."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from tests.simulation.fault_table import (
    AUDIT_CALLS,
    AUDIT_KINDS,
    CALLS_AFTER,
    CALLS_BEFORE,
    Kind,
    quirk_of,
)
from tests.simulation.faults import FOR_GOOD, PASSING, RETRY_AFTER, About, Faults

FOCUSES = (
    *("/audit_logs", "dynamodb.TransactWriteItems", "dynamodb.PutItem", "dynamodb.BatchGetItem"),
    *("s3.PutObject", "events.PutEvents", "sns.PublishBatch", "dynamodb.Query"),
)
NEVER = 1 << 40


@dataclass(frozen=True)
class AuditProfile:
    """How the audit log is in this seed, and how it is read."""

    interval: int  # seconds between two ticks
    page: int  # events that OpenAI lists at a time
    tenant: bool  # the tenant's events are asked for
    late: float  # chance that an event shows late
    odd: float  # chance that an event is odd
    flood: bool  # somebody fills a memory
    backfill: bool  # somebody asks for the past again
    never_taken: bool  # DynamoDB refuses a row for good
    broken_rule: bool  # a rule is replaced by what is none

    @classmethod
    def of(cls, draw: random.Random) -> "AuditProfile":
        return cls(
            interval=draw.choice((300, 300, 900)),
            page=draw.choice((3, 20, 100)),
            tenant=draw.random() < 0.5,
            late=draw.choice((0, 0.2, 0.5)),
            odd=draw.choice((0, 0.05, 0.2)),
            flood=draw.random() < 0.2,
            backfill=draw.random() < 0.3,
            never_taken=draw.random() < 0.2,
            broken_rule=draw.random() < 0.2,
        )


class AuditFaults(Faults):
    kinds: ClassVar[Mapping[str, Kind]] = AUDIT_KINDS

    def __post_init__(self) -> None:
        super().__post_init__()
        focus = self.draw.choice(("",) * len(FOCUSES) + FOCUSES)
        self.profile = replace(self.profile, focus=focus, lease=90, piece=NEVER, skew=0)
        self.audit = AuditProfile.of(self.draw)

    def openai(self, call: str, about: About) -> dict[str, dict[str, Any]]:
        """The quirks of one call to OpenAI."""
        if not self.call_fails(call):
            return {}
        name = self.draw.choice((*CALLS_BEFORE, *CALLS_AFTER, *AUDIT_CALLS * 2))
        words = {"refused_passing": PASSING, "refused_for_good": FOR_GOOD}.get(name)
        said = self.draw.choice(words) if words else ()
        self.begin(f"OpenAI: {name}", f"{call} {said or ''}".rstrip())
        if said:
            return {quirk_of(name): dict(zip(("status", "code", "message"), said, strict=True))}
        return {name: self._parameters_of(name)}

    def _parameters_of(self, name: str) -> dict[str, Any]:
        if name == "rate_limited":
            return {"retry_after": self.draw.choice(RETRY_AFTER)}
        return {"count": self.draw.randint(1, 4)} if name == "audit_left_out" else {}
