"""Routes each call to the API that serves it, and records that it arrived."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count
from typing import TYPE_CHECKING, Protocol

from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge
from werkzeug.http import http_date
from werkzeug.routing import Map, Rule
from werkzeug.wrappers import Response

from local.openai.admin import PREFIX
from local.openai.http.auth import authenticate
from local.openai.http.messages import Call, ConnectionDropped, NoAnswer, Refusal, SmallRequest
from local.openai.organization import Organization
from local.openai.serving import call_quirks
from local.openai.serving.quirk_target import quirk_target
from local.openai.settings import MIB

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

Handler = Callable[..., Response]


class Api(Protocol):
    def routes(self) -> list[tuple[str, str, str, Handler]]: ...


class Router:
    """The WSGI side. It holds one lock while an API works, and none while bytes come or go."""

    def __init__(self, organization: Organization, admin: Api) -> None:
        self.organization = organization
        self.context = organization.context
        self._numbers = count(1)
        self._handlers: dict[str, Handler] = {}
        self._map = self._routes((*organization.apis, admin))

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        environ["small.folder"] = self.context.folder
        request = SmallRequest(environ)
        # Beyond the file itself there are only a few form fields and boundaries.
        request.max_content_length = self.context.settings.max_file_bytes + MIB
        try:
            response = self._answer(request)
        finally:
            request.close()
        return response(environ, start_response)

    def _routes(self, apis: Sequence[Api]) -> Map:
        rules = []
        for api in apis:
            for method, path, name, handler in api.routes():
                rules.append(Rule(path, methods=[method], endpoint=name))
                self._handlers[name] = handler
        return Map(rules, strict_slashes=False, merge_slashes=False)

    def _answer(self, request: SmallRequest) -> Response:
        route, status = "", 0
        try:
            route, arguments = self._match(request)
            response = self._serve(request, route, arguments)
            status = response.status_code
        except Refusal as refusal:
            response, status = refusal.response(), refusal.status
        finally:
            if not _is_admin(request):
                call = Call(request.method, request.path, status, route)
                self.organization.calls.append(call)
        return self._with_headers(response)

    def _match(self, request: SmallRequest) -> tuple[str, Mapping[str, str]]:
        try:
            return self._map.bind_to_environ(request.environ).match()
        except MethodNotAllowed:
            message = f"Invalid method for URL ({request.method} {request.path})"
            raise Refusal(message, status=405) from None
        except NotFound:
            message = f"Invalid URL ({request.method} {request.path})"
            raise Refusal(message, status=404) from None

    def _serve(self, request: SmallRequest, route: str, arguments: Mapping[str, str]) -> Response:
        if _is_admin(request):
            return self._handle(request, route, arguments)
        authenticate(request)
        target = quirk_target(_with_body(request), route, arguments)
        with self.context.lock:
            self.organization.advance()
            if instead := call_quirks.before(self.context.quirks, target):
                return instead
            response = self._worked(request, route, arguments)
            return self._after_quirk(response, target) or response

    def _worked(self, request: SmallRequest, route: str, arguments: Mapping[str, str]) -> Response:
        """A refusal is an answer too: it may be lost as any other."""
        try:
            return self._handlers[route](request, **arguments)
        except Refusal as refusal:
            return refusal.response()

    def _handle(self, request: SmallRequest, route: str, arguments: Mapping[str, str]) -> Response:
        _with_body(request)
        with self.context.lock:
            self.organization.advance()
            return self._handlers[route](request, **arguments)

    def _after_quirk(self, response: Response, target: Mapping[str, object]) -> Response | None:
        try:
            instead = call_quirks.after(self.context.quirks, target)
        except (ConnectionDropped, NoAnswer):
            response.close()
            raise
        if instead:
            response.close()
        return instead

    def _with_headers(self, response: Response) -> Response:
        response.headers["date"] = http_date(self.context.now())
        response.headers["x-request-id"] = f"req_{next(self._numbers):032x}"
        response.headers["openai-version"] = "2020-10-01"
        response.headers["openai-organization"] = self.context.settings.organization
        response.headers["openai-processing-ms"] = "5"
        return response


def _is_admin(request: SmallRequest) -> bool:
    return request.path.startswith(PREFIX)


def _with_body(request: SmallRequest) -> SmallRequest:
    """The request, its body read to the end: no lock is held while bytes arrive."""
    try:
        request.read_body()
    except RequestEntityTooLarge:
        raise Refusal("Request Entity Too Large", status=413) from None
    except HTTPException as problem:
        raise Refusal(str(problem.description), status=problem.code or 400) from None
    except OSError as problem:
        raise Refusal(f"The request body could not be read: {problem}") from None
    return request
