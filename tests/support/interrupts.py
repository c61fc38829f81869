"""Something happens at the n-th call to the outside: the process dies, or another one runs."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import httpx

from tests.support.sessions import Session

Side = Literal["before", "after"]
WALK_STEP = int(os.environ.get("WALK_STEP", "4"))  # 1: long stories are cut short at every call


class Killed(BaseException):
    """kill -9: nobody catches it."""


def kill(where: str) -> None:
    raise Killed(where)


@dataclass
class Interrupt:
    """Counts every call to AWS and OpenAI; acts once, before or after one of them."""

    at: int = 0  # 0: never
    side: Side = "before"
    act: Callable[[str], object] = kill
    calls: list[str] = field(default_factory=list)

    @property
    def place(self) -> str:
        """Where it acts, for a test that fails."""
        name = self.calls[self.at - 1] if 0 < self.at <= len(self.calls) else "never"
        return f"{self.side} call {self.at}, {name}"

    def before(self, call: str) -> None:
        self.calls.append(call)
        self._reach("before")

    def after(self) -> None:
        self._reach("after")

    def _reach(self, side: Side) -> None:
        if len(self.calls) == self.at and side == self.side:
            self.act(self.place)


class InterruptedSession(Session):
    """A session whose calls an interrupt counts, once it has one."""

    interrupt: Interrupt | None = None

    def __init__(self) -> None:
        super().__init__()
        self.events.register_first("before-send", self._before)
        self.events.register_last("after-call", self._after)

    def _before(self, event_name: str, **_: Any) -> None:
        if self.interrupt:
            self.interrupt.before(event_name.removeprefix("before-send."))

    def _after(self, **_: Any) -> None:
        if self.interrupt:
            self.interrupt.after()


@cache
def interrupted_session() -> InterruptedSession:
    """One for all tests, as `aws` is: it is slow to make."""
    return InterruptedSession()


class InterruptedTransport(httpx.BaseTransport):
    def __init__(self, interrupt: Interrupt, inner: httpx.BaseTransport) -> None:
        self._interrupt = interrupt
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._interrupt.before(f"openai.{request.method} {request.url.path}")
        response = self._inner.handle_request(request)
        self._interrupt.after()
        return response
