"""What every room of the small OpenAI shares: clock, folder, ids, quirks, rate limits."""

import random
import shutil
import string
import tempfile
import weakref
from collections import deque
from collections.abc import Callable
from pathlib import Path
from threading import RLock

from local.openai.quirks import Quirks
from local.openai.settings import SmallSettings
from local.openai.wire import Refusal

ALPHABET = string.ascii_letters + string.digits


class World:
    def __init__(
        self, clock: Callable[[], float], settings: SmallSettings, folder: Path | None, seed: int
    ) -> None:
        self.clock = clock
        self.settings = settings
        self.seed = seed
        self.lock = RLock()
        self.quirks = Quirks()
        self._random = random.Random(seed)
        self._recent: dict[str, deque[float]] = {}
        self.folder = folder or Path(tempfile.mkdtemp(prefix="small-openai-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        if folder is None:
            weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)

    def now(self) -> float:
        return self.clock()

    def span(self, seconds: float) -> float:
        """A duration of the small world in seconds of the clock."""
        return seconds / self.settings.speed

    def file_id(self) -> str:
        return "file-" + "".join(self._random.choices(ALPHABET, k=22))

    def hex_id(self, prefix: str) -> str:
        return f"{prefix}{self._random.getrandbits(128):032x}"

    def within_rate(self, what: str, limit: int, seconds: float, tell: bool = False) -> None:
        """Count one call, or refuse it: at most `limit` in any `seconds`."""
        now = self.now()
        recent = self._recent.setdefault(what, deque())
        while recent and recent[0] <= now - seconds:
            recent.popleft()
        if len(recent) >= limit:
            wait = max(1, int(recent[0] + seconds - now + 0.999))
            refusal = Refusal(
                f"Rate limit reached for {what} in organization {self.settings.organization}. "
                f"Limit: {limit} / {int(seconds)}s. Please try again in {wait}s.",
                status=429,
                code="rate_limit_exceeded",
                kind="requests",
            )
            # Retry-After is not declared for /files and /batches, only for newer routes.
            raise refusal.with_headers(Retry_After=str(wait)) if tell else refusal
        recent.append(now)
