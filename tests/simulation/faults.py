"""What goes wrong, and when: all of it drawn from the seed, all of it written down."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

RETRY_AFTER = (1, 5, 30, 300)
AWS = ("throttled", "broken", "forbidden")
AWS_WRITES = ("changed", "repeated", "lost")
BEFORE_WORK = (
    "cut_before",
    "silent_before",
    "error_500_before",
    "error_502_before",
    "error_503_before",
    "rate_limited",
    "rate_limited_silent",
    "quota_exhausted",
    "unauthorized",
    "forbidden",
)
AFTER_WORK = (
    "cut_after",
    "silent_after",
    "error_500_after",
    "error_502_after",
    "error_503_after",
    "not_json",
)
DOWNLOADS = ("download_cut", "download_short", "download_no_ranges")
WRITES = ("PutItem", "UpdateItem", "TransactWriteItems")

CREATE = "POST /v1/batches"
FOCUSES = (
    CREATE,
    CREATE,
    "POST /v1/files",
    "/content",
    "/cancel",
    "dynamodb.PutItem",
    "dynamodb.TransactWriteItems",
    "s3.PutObject",
    "s3.GetObject",
    "sqs.SendMessageBatch",
    "events.PutEvents",
    "sns.Publish",
)
SHELF_FOCUSES = (
    "POST /v1/files",
    "POST /v1/vector_stores",
    "/file_batches",
    "s3.HeadObject",
    "dynamodb.PutItem",
    "dynamodb.TransactWriteItems",
)
IN_FOCUS = 0.3  # chance that the call in focus goes wrong
Draw = Callable[[random.Random], Any]
# A batch's flaws and their parameters. The ones that take long are rare, for speed alone.
FLAWS: dict[str, dict[str, Draw]] = {
    "batch_not_visible": {"seconds": lambda r: r.randint(2, 90)},
    "batch_not_listed": {"seconds": lambda r: r.randint(2, 150)},
    "batch_vanishes": {"seconds": lambda r: r.randint(5, 900)},
    "cancelled_by_someone": {"seconds": lambda r: r.randint(1, 100)},
    "expires_partly": {"seconds": lambda r: r.randint(300, 4_000), "done": lambda r: r.random()},
    "quota_not_released": {"seconds": lambda r: r.randint(60, 900)},
    "paused": {"seconds": lambda r: r.randint(30, 2_000)},
    "missing_lines": {"count": lambda r: r.randint(1, 3)},
    "validation_fails": {"code": lambda r: r.choice(["server_error", "invalid_request"])},
    "stuck_in_progress": {},
    "stuck_validating": {},
    "token_limit": {},
    "all_failed": {},
    "no_files": {},
    "empty_ids": {},
    "counts_wrong": {},
    "counts_missing": {},
    "usage_missing": {},
    "extra_fields": {},
    "zero_byte_error_file": {},
    "unknown_custom_id": {},
    "repeated_custom_id": {},
    "malformed_line": {},
    "blank_lines": {},
    "bom": {},
}
# The same of an attached document. A stuck one takes more than a day.
DOCUMENT_FLAWS = ("document_fails",) * 6 + ("document_stuck",)
MOST_FAILURES = 4  # of documents: after five of the same it is given up, and told
LISTED_TOO_LATE = (400, 1_500)  # seconds; later than what the functions wait for


@dataclass
class Mood:
    """How bad a day this seed is."""

    strikes: float  # chance that a call goes wrong
    kills: float  # chance that a function dies at a call
    quirks: float  # chance that a batch has a flaw
    doubles: float  # chance that a message comes twice
    delays: float  # chance that a message comes late
    company: float  # chance that an invocation shares its time with others
    capacity: str  # "open", "configured" or "learnt"
    late_list: float  # chance that a batch is slow to show up in the list
    hides_batches: bool  # it batch may show up in the list later than anybody waits for
    lease: int  # seconds
    focus: str  # the call that goes wrong more often than the others
    library: bool  # somebody keeps a library, and asks it

    @classmethod
    def of(cls, draw: random.Random) -> "Mood":
        late_list = draw.choice((0.0,) * 8 + (0.5,))
        hides_batches = bool(late_list) and draw.random() < 0.5
        library = draw.random() < 0.4
        focuses = SHELF_FOCUSES if library else FOCUSES
        return cls(
            strikes=draw.choice((0, 0, 0.01, 0.03, 0.08)),
            kills=draw.choice((0, 0.003, 0.01, 0.03)),
            quirks=draw.choice((0, 0.1, 0.5)),
            doubles=draw.choice((0, 0.1, 0.4)),
            delays=draw.choice((0, 0.1, 0.3)),
            company=draw.choice((0, 0.2, 0.7)),
            capacity=draw.choice(("open", "open", "configured", "learnt")),
            late_list=late_list,
            hides_batches=hides_batches,
            lease=draw.choice((90, 90, 900)),
            focus=CREATE if late_list else draw.choice(("",) * 6 + focuses),
            library=library,
        )


@dataclass
class Chaos:
    """Draws what happens next; quiet, it lets everything pass."""

    seed: int
    now: Callable[[], datetime]
    on: bool = True
    counts: Counter[str] = field(default_factory=Counter)
    schedule: list[str] = field(default_factory=list)
    asked_beside: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.draw = random.Random(self.seed)
        self.mood = Mood.of(self.draw)
        self.start = self.now()

    def note(self, what: str) -> None:
        """A step of the schedule."""
        passed = str(self.now() - self.start)
        self.schedule.append(f"{passed:>16}  {what}")

    def inject(self, kind: str, where: str = "") -> None:
        """A step that somebody would call bad luck: counted by its kind."""
        self.counts[kind] += 1
        self.note(f"!! {kind} {where}".rstrip())

    def happens(self, chance: float) -> bool:
        return self.on and chance > 0 and self.draw.random() < chance

    def strikes(self, call: str) -> bool:
        focused = self.mood.focus and call.endswith(self.mood.focus)
        return self.happens(IN_FOCUS if focused else self.mood.strikes)

    def doubled(self) -> bool:
        return self.happens(self.mood.doubles)

    def delay(self) -> float:
        """Seconds a message is late."""
        return self.draw.choice((20, 120, 900, 3_600)) if self.happens(self.mood.delays) else 0

    def aws(self, call: str) -> str:
        """How a call to AWS goes wrong, or nothing."""
        if not self.strikes(call):
            return ""
        kinds = list(AWS)
        if call.endswith(WRITES):
            kinds += AWS_WRITES
        if call in {"s3.PutObject", "sqs.SendMessageBatch", "events.PutEvents", "sns.Publish"}:
            kinds += ["lost"]
        if call == "s3.GetObject":
            kinds += ["cut"] * 3
        if call in {"sqs.SendMessageBatch", "events.PutEvents"}:
            kinds += ["not taken"]
        kind = self.draw.choice(kinds)
        self.inject(f"AWS: {kind}", call)
        return kind

    def beside(self, call: str, what: str) -> str:
        """The same for a second thread, whose calls come when they come: its fate hangs on
        what it asks for, and how often before."""
        self.asked_beside[what] += 1
        draw = random.Random(f"{self.seed} {what} {self.asked_beside[what]}")
        if not self.on or call != "s3.GetObject" or draw.random() >= self.mood.strikes:
            return ""
        self.counts["AWS: cut, beside"] += 1
        return "cut"

    def openai(self, call: str) -> dict[str, dict[str, Any]]:
        """The quirks of one call to OpenAI, with their parameters."""
        quirks: dict[str, dict[str, Any]] = {}
        if call == CREATE:
            quirks |= self._flaws()
        if "/vector_stores" in call:
            quirks |= self._shelf_flaws(call)
        if self.strikes(call):
            kinds = [*BEFORE_WORK, *AFTER_WORK * 2]
            if call.endswith("/content"):
                kinds = [*BEFORE_WORK, *DOWNLOADS * 4]
            if call == "POST /v1/files":
                kinds += ["file_not_visible"] * 4
            kind = self.draw.choice(kinds)
            quirks[kind] = self._parameters(kind)
            self.inject(f"OpenAI: {kind}", call)
        return quirks

    def _flaws(self) -> dict[str, dict[str, Any]]:
        if self.happens(self.mood.late_list):
            name = "batch_not_listed"
        elif self.happens(self.mood.quirks):
            name = self.draw.choice([each for each in FLAWS if self._may_have(each)])
        else:
            return {}
        flaw = {each: drawn(self.draw) for each, drawn in FLAWS[name].items()}
        quirks = {name: flaw}
        if name == "batch_not_listed" and self.mood.hides_batches:
            flaw["seconds"] = self.draw.randint(*LISTED_TOO_LATE)
        if name == "stuck_validating":  # somebody has to end it
            quirks["cancelled_by_someone"] = {"seconds": self.draw.randint(8_000, 12_000)}
        self.inject(f"batch: {name}", " ".join(map(str, flaw.values())))
        return quirks

    def _shelf_flaws(self, call: str) -> dict[str, dict[str, Any]]:
        if call == "POST /v1/vector_stores" and self.happens(self.mood.quirks):
            name, flaw = "store_not_listed", {"seconds": self.draw.randint(2, 150)}
        elif call.startswith("POST") and call.endswith("/file_batches"):
            failed = self.counts["library: document_fails"]
            if failed == MOST_FAILURES or not self.happens(self.mood.quirks):
                return {}
            name, flaw = self.draw.choice(DOCUMENT_FLAWS), {}
        elif "/file_batches/" in call and self.happens(self.mood.quirks):
            name, flaw = "file_batch_id_wrong", {}
        else:
            return {}
        self.inject(f"library: {name}", " ".join(map(str, flaw.values())))
        return {name: flaw}

    def _may_have(self, flaw: str) -> bool:
        return flaw not in {"token_limit", "quota_not_released"} or self.mood.capacity == "learnt"

    def _parameters(self, kind: str) -> dict[str, Any]:
        if kind == "rate_limited":
            return {"retry_after": self.draw.choice(RETRY_AFTER)}
        if kind == "file_not_visible":
            return {"seconds": self.draw.randint(1, 40)}
        if kind in {"download_cut", "download_short"}:
            return {"after_bytes": self.draw.randint(0, 900)}
        return {}

    @contextmanager
    def silenced(self) -> Iterator[None]:
        was, self.on = self.on, False
        yield
        self.on = was
