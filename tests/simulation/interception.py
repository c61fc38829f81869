"""Where every call passes: held up, refused, its answer lost, its caller killed."""

import json
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx

from local.openai import SmallOpenAI
from tests.simulation.faults import Chaos
from tests.simulation.scheduler import Invocation
from tests.support.clock import Clock
from tests.support.interrupts import Killed

if TYPE_CHECKING:
    from tests.simulation.invariants import Watch

A_CALL = 0.05  # seconds
SILENCE = 60.0  # seconds until a client gives up waiting


class Wire:
    """The calls of whoever has the turn; the simulator's own pass untouched."""

    def __init__(self, chaos: Chaos, clock: Clock) -> None:
        self.chaos = chaos
        self.clock = clock
        self.current: Invocation | None = None
        self._home = threading.current_thread()

    def before(self, call: str, what: str = "") -> str:
        """How a call to AWS goes wrong, or nothing."""
        if threading.current_thread() is self._home:
            return ""
        if not (self.current and self.current.is_here()):
            return self.chaos.beside(call, what)
        held_up = self._step(call)
        strike = "no answer" if held_up else self.chaos.aws(call)
        self.current.struck |= bool(strike)
        return strike

    def after(self, call: str) -> None:
        if self.current and self.current.is_here():
            self._die("after", call)

    def _step(self, call: str) -> bool:
        """Before each call of a function; whether it was held up for longer than it waits."""
        invocation = self.current
        assert invocation
        self._die("before", call)
        patient_until = self.clock() + timedelta(seconds=SILENCE)
        invocation.hand_over()
        self.clock.advance(seconds=A_CALL)
        if self.clock() > invocation.deadline:
            self.chaos.inject("function timed out", f"{invocation.name} before {call}")
            raise Killed("its time is over")
        held_up = self.clock() > patient_until
        if held_up:
            self.chaos.inject("call held up", f"{invocation.name} {call}")
        return held_up

    def _die(self, side: str, call: str) -> None:
        if self.current and self.chaos.happens(self.chaos.mood.kills / 2):
            self.chaos.inject("function killed", f"{self.current.name} {side} {call}")
            raise Killed(f"{side} {call}")

    def openai(self, call: str) -> dict[str, dict[str, Any]]:
        if self.current is None:
            return {}
        held_up = self._step(call)
        quirks = {"silent_before": {}} if held_up else self.chaos.openai(call)
        self.current.struck |= bool(quirks)
        return quirks


class Transport(httpx.BaseTransport):
    """The small OpenAI behind the wire."""

    def __init__(self, small: SmallOpenAI, wire: Wire, watch: "Watch") -> None:
        self._small = small
        self._inner = small.transport()
        self._wire = wire
        self._watch = watch

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        call = f"{request.method} {request.url.path}"
        quirks = self._wire.openai(call)
        if call == "POST /v1/batches":
            self._watch.asked(json.loads(request.read()))
        for name, parameters in quirks.items():
            self._small.misbehave(name, **parameters)
        try:
            response = self._inner.handle_request(request)
        except httpx.ReadTimeout:
            self._wire.clock.advance(seconds=SILENCE)
            raise
        finally:
            self._small.clear_quirks()
            self._watch.called(call)
        self._wire.after(call)
        return response


def timeout_of(lease: int) -> timedelta:
    """How long a function may run whose claim holds so long."""
    return timedelta(seconds=lease * 0.9)
