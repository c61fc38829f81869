"""Where every call passes: held up, refused, its answer lost, its caller killed."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx

from local.openai import SmallOpenAI
from tests.simulation.effects import Effects, Made
from tests.simulation.fault_table import quirk_of
from tests.simulation.faults import About, Fault, Faults
from tests.simulation.scheduler import Invocation
from tests.support.clock import Clock
from tests.support.interrupts import Killed

if TYPE_CHECKING:
    from tests.simulation.invariants import Invariants

A_CALL = 0.05  # seconds
SILENCE = 60.0  # seconds until a client gives up waiting


class Interceptor:
    """The calls of whoever has the turn; the simulator's own pass untouched."""

    def __init__(self, faults: Faults, clock: Clock, *, one_by_one: bool = False) -> None:
        self.faults = faults
        self._one_by_one = one_by_one  # a function's threads: then they are the function
        self.clock = clock
        self.current: Invocation | None = None
        self._home = threading.current_thread()

    def before(self, call: str) -> bool:
        """Before each attempt of a call to AWS; whether it was held up for too long."""
        if not self._is_functions():
            return False
        held_up = self._step(call)
        self._mark(held_up)
        return held_up

    def fault(self, call: str, what: str, possible: Callable[[], list[str]]) -> Fault | None:
        """How a call to AWS goes wrong."""
        if threading.current_thread() is self._home:
            return None
        if not self._is_functions():
            return self.faults.beside(call, what)
        fault = self.faults.aws(call, possible)
        self._mark(fault)
        return fault

    def after(self, call: str) -> None:
        if self._is_functions():
            self._die("after", call)

    def openai(self, call: str) -> bool | None:
        """Before a call to OpenAI: held up or not; None: it is the simulator's own."""
        if self.current is None:
            return None
        held_up = self._step(call)
        self._mark(held_up)
        return held_up

    def mark(self) -> None:
        """Something goes wrong in a call of whoever has the turn."""
        self._mark(True)

    def _mark(self, wrong: object) -> None:
        if self.current:
            self.current.faulted |= bool(wrong)

    def _is_functions(self) -> bool:
        """Whether it is a function itself that calls, and not a thread it works with."""
        if self.current is None or threading.current_thread() is self._home:
            return False
        return self._one_by_one or self.current.is_here()

    def _step(self, call: str) -> bool:
        """Before each call of a function; whether it was held up for longer than it waits."""
        invocation = self.current
        if invocation is None:
            return False
        self._die("before", call)
        patient_until = self.clock() + timedelta(seconds=SILENCE)
        invocation.hand_over()
        self.clock.advance(seconds=A_CALL)
        if self.clock() > invocation.deadline:
            self.faults.inject("function timed out", f"{invocation.name} before {call}")
            raise Killed("its time is over")
        held_up = self.clock() > patient_until
        if held_up:
            self.faults.inject("call held up", f"{invocation.name} {call}")
        return held_up

    def _die(self, side: str, call: str) -> None:
        if self.current and self.faults.happens(self.faults.profile.kills / 2):
            self.faults.inject("function killed", f"{self.current.name} {side} {call}")
            raise Killed(f"{side} {call}")


class MisbehavingTransport(httpx.BaseTransport):
    """The small OpenAI behind the interceptor."""

    def __init__(self, small: SmallOpenAI, interceptor: Interceptor) -> None:
        self._small = small
        self._inner = small.transport()
        self._interceptor = interceptor
        self._faults = interceptor.faults

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        call = f"{request.method} {request.url.path}"
        held_up = self._interceptor.openai(call)
        request.read()  # an upload reads S3, and meanwhile others call
        with self._misbehaving(call, held_up) as drawn:
            response = self._watched(request, call, drawn)
        self._interceptor.after(call)
        return response

    def _watched(self, request: httpx.Request, call: str, drawn: list[Fault]) -> httpx.Response:
        return self._answered(request)

    def _answered(self, request: httpx.Request) -> httpx.Response:
        try:
            return self._inner.handle_request(request)
        except httpx.ReadTimeout:
            self._interceptor.clock.advance(seconds=SILENCE)
            raise

    @contextmanager
    def _misbehaving(self, call: str, held_up: bool | None) -> Iterator[list[Fault]]:
        """While it answers one call the small OpenAI is as odd as was drawn."""
        drawn = self._armed(call, held_up)
        before = self._acted_upon()
        try:
            yield drawn
        finally:
            self._small.clear_quirks()
            now = self._acted_upon()
            for fault in drawn:
                group, _, name = fault.kind.partition(": ")
                if group == "OpenAI" and now[quirk_of(name)] > before[quirk_of(name)]:
                    fault.happened()

    def _armed(self, call: str, held_up: bool | None) -> list[Fault]:
        """The faults drawn for this call, which the small OpenAI now knows of."""
        already = len(self._faults.drawn)
        if held_up:
            self._small.misbehave("silent_before")
        elif held_up is False:
            for name, parameters in self._faults.openai(call, self._about(call)).items():
                self._small.misbehave(name, **parameters)
        drawn = self._faults.drawn[already:]
        if drawn:
            self._interceptor.mark()
        return drawn

    def _acted_upon(self) -> Counter[str]:
        """How often each quirk was."""
        return Counter(self._small.organization.context.quirks.taken)

    def _about(self, call: str) -> About:
        file = call.removesuffix("/content").rpartition("/")[2]
        found = self._small.files.get(file)
        readable = found and found.visible_at <= self._small.organization.context.now()
        is_download = call.startswith("GET") and call.endswith("/content")
        size = found.bytes if found and readable and is_download else None
        held = any(file in each.documents for each in self._small.stores.values())
        return About(size, held and call.startswith("DELETE"))


class InterceptedTransport(MisbehavingTransport):
    """The same, watched by the invariants; what a call made is followed until its oddity shows."""

    def __init__(
        self, small: SmallOpenAI, interceptor: Interceptor, invariants: "Invariants"
    ) -> None:
        super().__init__(small, interceptor)
        self._invariants = invariants
        self._effects = Effects(small)
        self._views: dict[str, list[dict[str, Any]]] = {}  # of a batch, each that was ever shown

    def _watched(self, request: httpx.Request, call: str, drawn: list[Fault]) -> httpx.Response:
        if call == "POST /v1/batches":
            self._invariants.requested(json.loads(request.read()))
        with self._noticed(drawn, call):
            response = self._answered(request)
            if call.startswith(("GET /v1/batches", "POST /v1/batches")) and response.is_success:
                response = self._perhaps_stale(response, call)
            return response

    @contextmanager
    def _noticed(self, drawn: list[Fault], call: str) -> Iterator[None]:
        """What the call made is known, and followed until its oddity shows."""
        before = self._there()
        try:
            yield
        finally:
            now = self._small.organization.context.now()
            made = self._made(before, call)
            self._effects.looked(call, now)
            self._skewed(made, now)
            self._effects.follow(drawn, made)
            self._invariants.called(call)

    def _there(self) -> list[set[str]]:
        """The ids of batches, files and stores."""
        return [set(self._small.batches), set(self._small.files), set(self._small.stores)]

    def _made(self, before: list[set[str]], call: str) -> Made:
        """What is new, or else the stores that the call was about."""
        batches, files, stores = (
            sorted(ids - had) for ids, had in zip(self._there(), before, strict=True)
        )
        about = [each for each in sorted(before[2]) if each in call or "/v1/files/" in call]
        return Made(batches, files, stores or about)

    def _skewed(self, made: Made, now: float) -> None:
        """What OpenAI made just now has another time than ours."""
        differs = abs(now - self._interceptor.clock.seconds()) >= 60
        for fault in self._faults.drawn:
            if fault.kind == "clock skew" and differs and (made.batches or made.files):
                fault.happened()

    def _perhaps_stale(self, response: httpx.Response, call: str) -> httpx.Response:
        """A batch as it is, or as it was at an earlier look."""
        try:
            body = json.loads(response.read())
        except ValueError:
            return response
        batches = body.get("data", [body])
        stale = [self._older(each) for each in batches]
        for each in batches:
            self._remember(each)
        is_read = call.startswith("GET") and self._interceptor.current is not None
        if is_read and stale != batches and self._faults.stale_batch():
            self._faults.inject("OpenAI: stale batch", call)
            body = body | {"data": stale} if "data" in body else stale[0]
        return httpx.Response(response.status_code, headers=_plain(response), json=body)

    def _older(self, batch: dict[str, Any]) -> dict[str, Any]:
        views = [each for each in self._views.get(batch["id"], []) if each != batch]
        return views[-1] if views else batch

    def _remember(self, batch: dict[str, Any]) -> None:
        views = self._views.setdefault(batch["id"], [])
        if batch not in views:
            views.append(batch)


def _plain(response: httpx.Response) -> dict[str, str]:
    """The headers that still hold for another body."""
    own = {"content-length", "content-encoding", "content-type", "transfer-encoding"}
    return {name: each for name, each in response.headers.items() if name.lower() not in own}


def timeout_of(lease: int) -> timedelta:
    """How long a function may run whose claim holds so long."""
    return timedelta(seconds=lease * 0.9)
