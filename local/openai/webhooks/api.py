"""The webhook endpoints' API, and what happens here that they hear of."""

import random
from collections.abc import Callable, Mapping

import httpx
from werkzeug.wrappers import Response

from local.openai.context import Context
from local.openai.http import validation
from local.openai.http.messages import Json, Refusal, SmallRequest, json_answer
from local.openai.http.paging import page
from local.openai.webhooks.delivery import Outbox, Post
from local.openai.webhooks.endpoints import EVENT_TYPES, OLD_SECRET, Endpoint, new_secret

PATH = "/v1/webhook_endpoints"
LOOPBACK = ("http://127.0.0.1:", "http://localhost:", "http://hook.test/")  # here alone
PATIENCE = 10.0  # seconds
MOST = 20  # endpoints
PARAMETERS = ("name", "url", "event_types")


def post_over_http(url: str, headers: Mapping[str, str], body: bytes) -> int:
    try:
        return httpx.post(
            url, content=body, headers=dict(headers), timeout=PATIENCE, trust_env=False
        ).status_code
    except httpx.HTTPError:
        return 0


class Webhooks:
    def __init__(self, context: Context, post: Post) -> None:
        self.context = context
        self.outbox = Outbox(context)
        self.safety_alerts: dict[str, Json] = {}
        self._post = post
        self._by_id: dict[str, Endpoint] = {}
        self._draw = random.Random(f"webhooks {context.seed}")

    def routes(self) -> list[tuple[str, str, str, Callable[..., Response]]]:
        one = f"{PATH}/<endpoint>"
        return [
            ("POST", PATH, "create_webhook_endpoint", self.create),
            ("GET", PATH, "list_webhook_endpoints", self.list),
            ("GET", one, "retrieve_webhook_endpoint", self.retrieve),
            ("POST", one, "update_webhook_endpoint", self.update),
            ("DELETE", one, "delete_webhook_endpoint", self.delete),
            ("POST", f"{one}/rotate_secret", "rotate_webhook_secret", self.rotate),
            ("POST", f"{one}/test", "test_webhook_endpoint", self.test),
            ("GET", "/v1/webhook_event_types", "list_webhook_event_types", self.list_types),
            ("GET", "/v1/safety/alerts/<alert>", "retrieve_safety_alert", self.safety_alert),
        ]

    def happened(self, kind: str, data: Json, at: float | None = None) -> None:
        """Whoever wants to hear of it will."""
        for endpoint in self._by_id.values():
            if kind in endpoint.event_types:
                self.outbox.add(endpoint, kind, data, self.context.now() if at is None else at)

    def deliver(self) -> int:
        return self.outbox.deliver(self._post)

    def create(self, request: SmallRequest) -> Response:
        body = request.json_body()
        validation.check_known(body, PARAMETERS)
        name, url, types = (validation.require(body, each) for each in PARAMETERS)
        if len(self._by_id) >= MOST:
            raise Refusal(f"A project may have {MOST} webhook endpoints.", code="limit_reached")
        endpoint = Endpoint(
            self.context.hex_id("we_"),
            validation.check_type(name, "string", "name"),
            _url(url),
            _types(types),
            self.context.now(),
            new_secret(self._draw),
        )
        self._by_id[endpoint.id] = endpoint
        return json_answer(endpoint.with_secret())

    def list(self, request: SmallRequest) -> Response:
        return json_answer(page(list(self._by_id.values()), request.args, most=(100, 20)))

    def retrieve(self, request: SmallRequest, endpoint: str) -> Response:
        return json_answer(self._find(endpoint).view())

    def update(self, request: SmallRequest, endpoint: str) -> Response:
        found, body = self._find(endpoint), request.json_body()
        validation.check_known(body, PARAMETERS)
        given = validation.given(body)
        found.name = validation.check_type(given.get("name", found.name), "string", "name")
        found.url = _url(given.get("url", found.url))
        found.event_types = _types(given.get("event_types", list(found.event_types)))
        found.updated_at = self.context.now()
        return json_answer(found.view())

    def delete(self, request: SmallRequest, endpoint: str) -> Response:
        self.outbox.drop(self._find(endpoint))
        del self._by_id[endpoint]
        return json_answer({"id": endpoint, "object": "webhook_endpoint.deleted", "deleted": True})

    def rotate(self, request: SmallRequest, endpoint: str) -> Response:
        found, body = self._find(endpoint), validation.given(request.json_body())
        name = "keep_old_secret_active_for_24_hours"
        validation.check_known(body, (name,))
        keep = validation.check_type(body.get(name, False), "boolean", name)
        now = self.context.now()
        found.rotate(new_secret(self._draw), now, now + (OLD_SECRET if keep else 0))
        return json_answer(found.with_secret())

    def test(self, request: SmallRequest, endpoint: str) -> Response:
        found, body = self._find(endpoint), request.json_body()
        kind = validation.check_choice(
            validation.require(body, "event_type"), EVENT_TYPES, "event_type"
        )
        status = self.outbox.send_at_once(found, kind, {"id": "batch_test"}, self._post)
        if status == 0:
            raise Refusal("The endpoint did not answer.", status=422, code="endpoint_unreachable")
        told = {"object": "webhook_endpoint.test", "webhook_endpoint_id": found.id}
        return json_answer(told | {"event_type": kind, "status_code": status, "success": True})

    def list_types(self, request: SmallRequest) -> Response:
        return json_answer({"object": "list", "data": list(EVENT_TYPES)})

    def safety_alert(self, request: SmallRequest, alert: str) -> Response:
        if alert not in self.safety_alerts:
            raise Refusal(f"No safety alert found with id '{alert}'.", status=404)
        return json_answer(self.safety_alerts[alert])

    def _find(self, endpoint: str) -> Endpoint:
        if endpoint not in self._by_id:
            raise Refusal(f"No webhook endpoint found with id '{endpoint}'.", status=404)
        return self._by_id[endpoint]


def _url(wanted: object) -> str:
    url: str = validation.check_type(wanted, "string", "url")
    if not url.startswith(("https://", *LOOPBACK)):
        raise Refusal("The url must begin with https://.", param="url", code="invalid_url")
    return url


def _types(wanted: object) -> tuple[str, ...]:
    types = validation.check_type(wanted, "array", "event_types")
    if not types:
        raise Refusal("Name one event type at least.", param="event_types", code="invalid_value")
    return tuple(validation.check_choice(each, EVENT_TYPES, "event_types") for each in types)
