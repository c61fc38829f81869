"""A wire to the small OpenAI that a test can twist."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx


@dataclass
class TwistedWire(httpx.BaseTransport):
    """`before` may answer in the server's place, `after` may change what it answered."""

    inner: httpx.BaseTransport
    before: Callable[[httpx.Request], httpx.Response | None] = lambda _: None
    after: Callable[[httpx.Request, httpx.Response], httpx.Response | None] = lambda *_: None
    calls: list[tuple[str, int]] = field(default_factory=list)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        response = self.before(request)
        if response is None:
            response = self.inner.handle_request(request)
            response.read()
            response = self.after(request, response) or response
        self.calls.append((named(request), response.status_code))
        return response

    def count(self, call: str) -> int:
        return sum(made == call for made, _ in self.calls)


def named(request: httpx.Request) -> str:
    """Such as `POST /v1/files`."""
    return f"{request.method} {request.url.path}"


def refused(status: int, message: str, code: str | None = None, **headers: str) -> httpx.Response:
    """An error in OpenAI's form."""
    error: dict[str, Any] = {"message": message, "type": "invalid_request_error", "code": code}
    return httpx.Response(status, json={"error": error}, headers=headers)
