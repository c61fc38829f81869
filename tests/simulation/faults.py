"""What goes wrong in one seed, and when: drawn from the seed, written down, seen to take effect."""

import random
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, NamedTuple

from tests.simulation.fault_table import (
    BATCH_LISTS,
    BATCHES,
    CALLS_AFTER,
    CALLS_BEFORE,
    DOWNLOADS,
    KINDS,
    LISTS,
    Kind,
    quirk_of,
)

RETRY_AFTER = (1, 5, 30, 300)
ATTEMPTS = (1, 1, 2, 9)  # of one call that fail; the SDK tries five times
CREATE, UPLOAD = "POST /v1/batches", "POST /v1/files"
FOCUSES = (
    CREATE,
    CREATE,
    UPLOAD,
    "/content",
    "/cancel",
    "dynamodb.PutItem",
    "dynamodb.TransactWriteItems",
    "dynamodb.Query",
    "s3.PutObject",
    "s3.GetObject",
    "s3.CompleteMultipartUpload",
    "sqs.SendMessageBatch",
    "events.PutEvents",
    "sns.Publish",
)
LIBRARY_FOCUSES = (
    UPLOAD,
    "POST /v1/vector_stores",
    "/file_batches",
    "s3.HeadObject",
    "dynamodb.PutItem",
    "dynamodb.TransactWriteItems",
    "sns.PublishBatch",
)
STORE_FILES = re.compile(r"GET /v1/vector_stores/[^/]+/files")
IN_FOCUS = 0.3  # chance that the call in focus goes wrong
Draw = Callable[[random.Random], Any]
Words = tuple[int, str, str]  # status, code, message
PASSING: tuple[Words, ...] = (
    (400, "billing_hard_limit_reached", "Billing hard limit has been reached."),
    (402, "payment_required", "Please add a payment method."),
    (403, "billing_not_active", "Your account is not active, please check your billing details."),
    (400, "", "You have exceeded your file storage quota."),
    (429, "insufficient_quota", "You exceeded your current quota."),
    (408, "", "Request timeout."),
    (425, "", "Too early."),
    (405, "", "Method not allowed."),
    (400, "", "Enqueued request limit reached for this model. Limit: 1,000,000 requests."),
)
FOR_GOOD: tuple[Words, ...] = (
    (400, "invalid_request", "The request is not as it should be."),
    (413, "", "Request entity too large."),
    (422, "unprocessable", "Unprocessable."),
    (400, "", ""),
)


def _in_words(words: Words) -> dict[str, Any]:
    return dict(zip(("status", "code", "message"), words, strict=True))


# A quirk's parameters. What takes long is rare, for speed alone.
PARAMETERS: dict[str, dict[str, Draw]] = {
    "batch_not_visible": {"seconds": lambda r: r.randint(2, 90)},
    "batch_not_listed": {"seconds": lambda r: r.randint(2, 150)},
    "batch_vanishes": {"seconds": lambda r: r.randint(5, 900)},
    "cancelled_by_someone": {"seconds": lambda r: r.randint(1, 100)},
    "expires_partly": {"seconds": lambda r: r.randint(300, 4_000), "done": lambda r: r.random()},
    "quota_not_released": {"seconds": lambda r: r.randint(60, 900)},
    "paused": {"seconds": lambda r: r.randint(30, 2_000)},
    "missing_lines": {"count": lambda r: r.randint(1, 3)},
    "validation_fails": {"code": lambda r: r.choice(["server_error", "invalid_request"])},
    "output_not_visible": {"seconds": lambda r: r.randint(2, 900)},
    "refused_passing": {"words": lambda r: r.choice(PASSING)},
    "refused_for_good": {"words": lambda r: r.choice(FOR_GOOD)},
    "rate_limited": {"retry_after": lambda r: r.choice(RETRY_AFTER)},
    "file_not_visible": {"seconds": lambda r: r.randint(1, 40)},
    "store_not_listed": {"seconds": lambda r: r.randint(2, 150)},
}
MOST_FAILURES = 4  # of documents: after five of the same it is given up, and published
LISTED_TOO_LATE = (400, 1_500)  # seconds; later than what the functions wait for
SKEWS = (0, 0, 0, -2_400, -300, -90, 90, 300, 2_400)  # seconds
NEVER = 1 << 40


class About(NamedTuple):
    """What is known of a call to OpenAI before it is made."""

    size: int | None  # of what it downloads
    in_store: bool  # whether a store holds the file that it deletes


@dataclass
class Profile:
    """How much goes wrong in this seed."""

    calls: float  # chance that a call goes wrong
    kills: float  # chance that a function dies at a call
    quirks: float  # chance that a batch or a document is odd
    doubles: float  # chance that a message comes twice
    delays: float  # chance that a message comes late
    sharing: float  # chance that an invocation shares its time with others
    capacity: str  # "open", "configured" or "learnt"
    late_list: float  # chance that a batch is slow to show up in the list
    hides_batches: bool  # it may show up in the list later than anybody waits for
    lease: int  # seconds
    focus: str  # the call that goes wrong more often than the others
    library: bool  # somebody keeps a library, and asks it
    skew: int  # seconds that OpenAI's clock is ahead of ours
    piece: int  # bytes from which on an object is written in pieces

    @classmethod
    def of(cls, draw: random.Random) -> "Profile":
        late_list = draw.choice((0.0,) * 8 + (0.5,))
        hides_batches = bool(late_list) and draw.random() < 0.5
        library = draw.random() < 0.4
        focuses = LIBRARY_FOCUSES if library else FOCUSES
        return cls(
            calls=draw.choice((0, 0, 0.01, 0.03, 0.08)),
            kills=draw.choice((0, 0.003, 0.01, 0.03)),
            quirks=draw.choice((0, 0.1, 0.5)),
            doubles=draw.choice((0, 0.1, 0.4)),
            delays=draw.choice((0, 0.1, 0.3)),
            sharing=draw.choice((0, 0.2, 0.7)),
            capacity=draw.choice(("open", "open", "configured", "learnt")),
            late_list=late_list,
            hides_batches=hides_batches,
            lease=draw.choice((90, 90, 900)),
            focus=CREATE if late_list else draw.choice(("",) * 6 + focuses),
            library=library,
            skew=draw.choice(SKEWS),
            piece=draw.choice((NEVER, NEVER, 200)),
        )


@dataclass
class Fault:
    """One that was drawn; `happened` is for the place where its effect is seen."""

    kind: str
    where: str
    attempts: int = 1
    effects: int = 0

    def happened(self) -> None:
        self.effects += 1


@dataclass
class Faults:
    """Draws what happens next; once quiet, it lets everything pass."""

    kinds: ClassVar[Mapping[str, Kind]] = KINDS
    seed: int
    now: Callable[[], datetime]
    also: Collection[str] = ()  # known to break a promise, and wanted nevertheless
    on: bool = True
    drawn: list[Fault] = field(default_factory=list)
    schedule: list[str] = field(default_factory=list)
    asked_beside: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.draw = random.Random(self.seed)
        self.profile = Profile.of(self.draw)
        self.start = self.now()

    def note(self, what: str) -> None:
        """A step of the schedule."""
        passed = str(self.now() - self.start)
        self.schedule.append(f"{passed:>16}  {what}")

    def begin(self, kind: str, where: str = "", attempts: int = 1) -> Fault:
        """A step that somebody would call bad luck."""
        times = f" ×{attempts}" if attempts > 1 else ""
        self.note(f"!! {kind} {where}{times}".rstrip())
        fault = Fault(kind, where, attempts)
        self.drawn.append(fault)
        return fault

    def inject(self, kind: str, where: str = "") -> None:
        """The same where the simulator itself does it, there and then."""
        self.begin(kind, where).happened()

    def without_effect(self) -> list[Fault]:
        """Those that should have shown, whatever happened."""
        return [each for each in self.drawn if not (each.effects or self.kinds[each.kind].latent)]

    @property
    def counts(self) -> Counter[str]:
        return Counter(each.kind for each in self.drawn)

    @property
    def effects(self) -> Counter[str]:
        return Counter(each.kind for each in self.drawn if each.effects)

    def happens(self, chance: float) -> bool:
        return self.on and chance > 0 and self.draw.random() < chance

    def call_fails(self, call: str) -> bool:
        focused = self.profile.focus and call.endswith(self.profile.focus)
        return self.happens(IN_FOCUS if focused else self.profile.calls)

    def doubled(self) -> bool:
        return self.happens(self.profile.doubles)

    def delay(self) -> float:
        """Seconds a message is late."""
        return self.draw.choice((20, 120, 900, 3_600)) if self.happens(self.profile.delays) else 0

    def aws(self, call: str, possible: Callable[[], list[str]]) -> Fault | None:
        """How a call to AWS goes wrong; only in ways that would show."""
        if not self.call_fails(call):
            return None
        kind = self.draw.choice(possible())
        return self.begin(f"AWS: {kind}", call, self.draw.choice(ATTEMPTS))

    def beside(self, call: str, what: str) -> Fault | None:
        """The same for a second thread, whose calls come when they come: its fate hangs on
        what it asks for, and how often before."""
        self.asked_beside[what] += 1
        draw = random.Random(f"{self.seed} {what} {self.asked_beside[what]}")
        kind = {"s3.GetObject": "AWS: read cut", "s3.UploadPart": "AWS: piece refused"}.get(call)
        if not self.on or kind is None or draw.random() >= self.profile.calls:
            return None
        fault = Fault(kind, call)
        self.drawn.append(fault)
        return fault

    def openai(self, call: str, about: About) -> dict[str, dict[str, Any]]:
        """The quirks of one call to OpenAI."""
        quirks: dict[str, dict[str, Any]] = {}
        if call == CREATE:
            quirks |= self._batch_quirks()
        if "/vector_stores" in call:
            quirks |= self._library_quirks(call)
        if about.in_store and self.happens(self.profile.quirks):
            quirks |= self._odd(
                "library", self.draw.choice(("document_ghost", "store_count_stays"))
            )
        if "store_not_listed" not in quirks and self.call_fails(call):
            quirks |= self._call_quirk(call, about)
        return quirks

    def stale_batch(self) -> bool:
        return self.happens(self.profile.quirks / 5)

    def is_drawn(self, kind: str) -> bool:
        """What is known to break a promise is drawn on request only."""
        return not self.kinds[kind].known_open or kind in self.also

    def _call_quirk(self, call: str, about: About) -> dict[str, dict[str, Any]]:
        kinds, size = [*CALLS_BEFORE, *CALLS_AFTER * 2], about.size
        if size is not None:
            downloads = DOWNLOADS if size else ("download_ranges",)
            kinds = [*CALLS_BEFORE, *downloads * 4]
        if call == UPLOAD:
            kinds += ["file_not_visible"] * 4
        kinds += {"GET /v1/batches": BATCH_LISTS * 3, "GET /v1/files": LISTS * 4}.get(call, ())
        if STORE_FILES.fullmatch(call):
            kinds += ["list_forgets"] * 4
        name = self.draw.choice([each for each in kinds if self.is_drawn(f"OpenAI: {each}")])
        parameters = self._parameters(name)
        if size is not None and name in {"download_cut", "download_short"}:
            parameters = {"after_bytes": self.draw.randrange(size)}
        words = parameters.pop("words", None)
        self.begin(f"OpenAI: {name}", f"{call} {words or ''}".rstrip())
        return {quirk_of(name): _in_words(words) if words else parameters}

    def _batch_quirks(self) -> dict[str, dict[str, Any]]:
        if self.happens(self.profile.late_list):
            name = "batch_not_listed"
        elif self.happens(self.profile.quirks):
            name = self.draw.choice([each for each in BATCHES if self._may_have(each)])
        else:
            return {}
        quirks = self._odd("batch", name)
        if name == "batch_not_listed" and self.profile.hides_batches:
            quirks[name]["seconds"] = self.draw.randint(*LISTED_TOO_LATE)
        if name == "stuck_validating":  # somebody has to end it
            quirks["cancelled_by_someone"] = {"seconds": self.draw.randint(8_000, 12_000)}
        return quirks

    def _library_quirks(self, call: str) -> dict[str, dict[str, Any]]:
        if call == "POST /v1/vector_stores" and self.happens(self.profile.quirks):
            lost = self._answer_lost(call)
            return lost | self._odd("library", "store_not_listed")
        if call.startswith("POST") and call.endswith("/file_batches"):
            return self._document_quirk() if self.happens(self.profile.quirks) else {}
        return {}

    def _answer_lost(self, call: str) -> dict[str, dict[str, Any]]:
        """An answer is lost: only then is the list read."""
        name = self.draw.choice(CALLS_AFTER)
        self.begin(f"OpenAI: {name}", call)
        return {name: self._parameters(name)}

    def _document_quirk(self) -> dict[str, dict[str, Any]]:
        """A stuck one takes more than a day."""
        others = ["chunking_other", "file_batch_id_wrong"] * 2
        names = ["document_fails"] * 6 + ["document_stuck"] + others + ["file_batch_empty"]
        names += ["document_refused", "document_left_out"] * 3
        if self.counts["library: document_fails"] >= MOST_FAILURES:
            names = others
        return self._odd("library", self.draw.choice(names))

    def _odd(self, group: str, name: str) -> dict[str, dict[str, Any]]:
        parameters = self._parameters(name)
        self.begin(f"{group}: {name}", " ".join(map(str, parameters.values())))
        return {name: parameters}

    def _parameters(self, name: str) -> dict[str, Any]:
        return {each: drawn(self.draw) for each, drawn in PARAMETERS.get(name, {}).items()}

    def _may_have(self, name: str) -> bool:
        if name in {"token_limit", "quota_not_released"} and self.profile.capacity != "learnt":
            return False
        return self.is_drawn(f"batch: {name}")
