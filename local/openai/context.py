"""What every API of the small OpenAI shares: clock, folder, ids, quirks, rate limits."""

import random
import shutil
import string
import tempfile
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from threading import RLock

from local.openai.http.messages import Refusal
from local.openai.quirks import Quirks
from local.openai.settings import SmallSettings

ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Rate:
    """At most `limit` of something in any `seconds`."""

    what: str
    limit: int
    seconds: int
    retry_after: bool = True  # the header is declared for newer routes, not for /files and /batches


class Context:
    def __init__(
        self, clock: Callable[[], float], settings: SmallSettings, folder: Path | None, seed: int
    ) -> None:
        self.clock = clock
        self.settings = settings
        self.seed = seed
        self.lock = RLock()
        self.quirks = Quirks()
        self._random = random.Random(seed)
        self._recent: dict[str, deque[tuple[float, int]]] = {}
        self.folder = folder or Path(tempfile.mkdtemp(prefix="small-openai-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        if folder is None:
            weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)

    def now(self) -> float:
        return self.clock()

    def clock_seconds(self, seconds: float) -> float:
        """How long the clock takes for so many seconds of the small OpenAI's own time."""
        return seconds / self.settings.speed

    def file_id(self) -> str:
        return "file-" + "".join(self._random.choices(ALPHABET, k=22))

    def hex_id(self, prefix: str) -> str:
        return f"{prefix}{self._random.getrandbits(128):032x}"

    def enforce(self, rate: Rate, amount: int = 1) -> None:
        """Count what one call does, or refuse the call."""
        now = self.now()
        recent = self._recent.setdefault(rate.what, deque())
        while recent and recent[0][0] <= now - rate.seconds:
            recent.popleft()
        if sum(counted for _, counted in recent) + amount > rate.limit:
            raise self._too_fast(rate, recent[0][0] + rate.seconds - now if recent else 1)
        recent.append((now, amount))

    def _too_fast(self, rate: Rate, seconds: float) -> Refusal:
        wait = str(max(1, ceil(seconds)))
        refusal = Refusal(
            f"Rate limit reached for {rate.what} in organization {self.settings.organization}. "
            f"Limit: {rate.limit} / {rate.seconds}s. Please try again in {wait}s.",
            status=429,
            code="rate_limit_exceeded",
            kind="requests",
        )
        return refusal.with_headers(Retry_After=wait) if rate.retry_after else refusal
