"""A process that dies at its n-th call to the outside, before or after the call did its work."""

import os
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import httpx

from tests.support.sessions import Session

Side = Literal["before", "after"]
WALK_STEP = int(os.environ.get("WALK_STEP", "4"))  # 1: long stories are cut short at every call


class Killed(BaseException):
    """kill -9: nobody catches it."""


@dataclass
class Fuse:
    """Counts every call to AWS and OpenAI; blows once."""

    at: int = 0  # 0: never
    side: Side = "before"
    calls: list[str] = field(default_factory=list)

    def before(self, call: str) -> None:
        self.calls.append(call)
        self._blow("before")

    def after(self) -> None:
        self._blow("after")

    def _blow(self, side: Side) -> None:
        if len(self.calls) == self.at and side == self.side:
            raise Killed(f"{side} call {self.at}, {self.calls[-1]}")


class FusedSession(Session):
    """A session whose calls burn a fuse, once one is put in."""

    fuse: Fuse | None = None

    def __init__(self) -> None:
        super().__init__()
        self.events.register_first("before-send", self._before)
        self.events.register_last("after-call", self._after)

    def _before(self, event_name: str, **_: Any) -> None:
        if self.fuse:
            self.fuse.before(event_name.removeprefix("before-send."))

    def _after(self, **_: Any) -> None:
        if self.fuse:
            self.fuse.after()


@cache
def fused_session() -> FusedSession:
    """One for all tests, as `aws` is: it is slow to make."""
    return FusedSession()


class FusedTransport(httpx.BaseTransport):
    def __init__(self, fuse: Fuse, inner: httpx.BaseTransport) -> None:
        self._fuse = fuse
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._fuse.before(f"openai.{request.method} {request.url.path}")
        response = self._inner.handle_request(request)
        self._fuse.after()
        return response
