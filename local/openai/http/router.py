"""Where calls arrive: matched, admitted, read to their end, served, signed and counted."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Protocol

from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge
from werkzeug.http import http_date
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Response

from local.openai.context import World
from local.openai.http import call_quirks
from local.openai.http.auth import admit
from local.openai.http.messages import Cut, Refusal, Silence, SmallRequest
from local.openai.http.quirk_context import facts_of
from local.openai.settings import MIB

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

Handler = Callable[..., Response]
OURS = "/_small/"  # our own pages, which the real one does not have


class Room(Protocol):
    def routes(self) -> list[tuple[str, str, str, Handler]]: ...


@dataclass(frozen=True, slots=True)
class Call:
    """One call that arrived; status 0 where the connection was cut instead of an answer."""

    method: str
    path: str
    status: int
    route: str


class Reception:
    """The WSGI side: one lock is held while a room works, none while bytes come or go."""

    def __init__(self, world: World, rooms: Sequence[Room], settle: Callable[[], None]) -> None:
        self.world = world
        self.settle = settle
        self.calls: list[Call] = []
        self._numbers = count(1)
        self._handlers: dict[str, Handler] = {}
        self._map = self._routes(rooms)

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        environ["small.folder"] = self.world.folder
        request = SmallRequest(environ)
        # Beyond the file itself there are only a few form fields and boundaries.
        request.max_content_length = self.world.settings.max_file_bytes + MIB
        try:
            response = self._answer(request)
        finally:
            request.close()
        return response(environ, start_response)

    def _routes(self, rooms: Sequence[Room]) -> Map:
        rules = []
        for room in rooms:
            for method, path, name, handler in room.routes():
                rules.append(Rule(path, methods=[method], endpoint=name))
                self._handlers[name] = handler
        return Map(rules, strict_slashes=False)

    def _answer(self, request: SmallRequest) -> Response:
        route, status = "", 0
        try:
            route, arguments = self._matched(request)
            response = self._served(request, route, arguments)
            status = response.status_code
        except Refusal as refusal:
            response, status = refusal.response(), refusal.status
        finally:
            if not request.path.startswith(OURS):
                self.calls.append(Call(request.method, request.path, status, route))
        return self._signed(response)

    def _signed(self, response: Response) -> Response:
        response.headers["date"] = http_date(self.world.now())
        response.headers["x-request-id"] = f"req_{next(self._numbers):032x}"
        response.headers["openai-version"] = "2020-10-01"
        response.headers["openai-organization"] = self.world.settings.organization
        response.headers["openai-processing-ms"] = "5"
        return response

    def _matched(self, request: SmallRequest) -> tuple[str, Mapping[str, str]]:
        try:
            return self._map.bind_to_environ(request.environ).match()
        except MethodNotAllowed:
            raise Refusal(
                f"Not allowed to {request.method} on {request.path}.", status=405
            ) from None
        except NotFound:
            message = f"Invalid URL ({request.method} {request.path})"
            raise Refusal(message, status=404) from None

    def _served(self, request: SmallRequest, route: str, arguments: Mapping[str, str]) -> Response:
        ours = request.path.startswith(OURS)
        if not ours:
            admit(request)
        self._take_in(request)
        facts = facts_of(request, route, arguments)
        with self.world.lock:
            self.settle()
            if not ours and (instead := call_quirks.before(self.world.quirks, facts)):
                return instead
            response = self._handlers[route](request, **arguments)
            instead = None if ours else self._aftermath(response, facts)
            return instead or response

    def _aftermath(self, response: Response, facts: Mapping[str, object]) -> Response | None:
        try:
            instead = call_quirks.after(self.world.quirks, facts)
        except (Cut, Silence):
            response.close()
            raise
        if instead:
            response.close()
        return instead

    def _take_in(self, request: SmallRequest) -> None:
        try:
            request.take_in()
        except RequestEntityTooLarge:
            raise Refusal("Request Entity Too Large", status=413) from None
        except HTTPException as problem:
            raise Refusal(str(problem.description), status=problem.code or 400) from None
