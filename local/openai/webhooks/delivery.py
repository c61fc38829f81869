"""What is sent: signed by Standard Webhooks, sent again until it is taken, and oddly on request."""

import base64
import hashlib
import heapq
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count

from local.openai.context import Context
from local.openai.http.messages import Json
from local.openai.webhooks.endpoints import Endpoint

Post = Callable[[str, Mapping[str, str], bytes], int]  # URL, headers, body; 0: no answer came
LONGEST = 72 * 3_600.0  # seconds for which a delivery is tried
PAUSES = (5.0, 60.0, 300.0, 1_800.0, 7_200.0, 18_000.0)  # seconds; the last one over and over
FORGED = "whsec_" + base64.b64encode(b"what a stranger made up").decode()


@dataclass(order=True)
class Delivery:
    """One message to one endpoint; the same id at each try."""

    due: float
    order: int
    endpoint: Endpoint = field(compare=False)
    id: str = field(compare=False)
    body: bytes = field(compare=False)
    since: float = field(compare=False)
    tries: int = field(default=0, compare=False)
    secret: str = field(default="", compare=False)  # a stranger's
    behind: float = field(default=0.0, compare=False)  # seconds by which its clock is wrong


class Outbox:
    """Deliveries by the time at which they are due."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.delivered: list[tuple[str, str, int]] = []  # webhook id, event type, status
        self._waiting: list[Delivery] = []
        self._order = count()

    def add(self, endpoint: Endpoint, kind: str, data: Json, at: float) -> None:
        """As the quirks want it."""
        delivery = self._delivery(endpoint, kind, data, at)
        quirks, target = self.context.quirks, {"type": kind, "about": str(data.get("id"))}
        if quirks.take("webhook_lost", target):
            return
        if late := quirks.take("webhook_late", target):
            delivery.due += self.context.clock_seconds(late.number("seconds", 600))
        if old := quirks.take("webhook_old", target):
            delivery.behind = old.number("seconds", 600)
        if quirks.take("webhook_reversed", target):
            delivery.order = -delivery.order
            delivery.due += self.context.clock_seconds(30)
        self._push(delivery)
        if quirks.take("webhook_doubled", target):
            self._push(self._again(delivery))
        if quirks.take("webhook_forged", target):
            forged = self._delivery(endpoint, kind, data, at)
            forged.secret = FORGED
            self._push(forged)
        if quirks.take("webhook_unknown", target):
            self._push(self._delivery(endpoint, "weather.changed", {"id": "sunny"}, at))

    def deliver(self, post: Post) -> int:
        """Sends what is due; how much that was. Nothing is locked while an answer is awaited."""
        with self.context.lock:
            due = self._due()
            posts = [(each, *self._signed(each)) for each in due]
        for delivery, headers, body in posts:
            status = post(delivery.endpoint.url, headers, body)
            with self.context.lock:
                self._answered(delivery, status)
        return len(posts)

    def send_at_once(self, endpoint: Endpoint, kind: str, data: Json, post: Post) -> int:
        """A test's delivery: it is not tried again."""
        delivery = self._delivery(endpoint, kind, data, self.context.now())
        headers, body = self._signed(delivery)
        status = post(endpoint.url, headers, body)
        self.delivered.append((delivery.id, kind, status))
        return status

    def drop(self, endpoint: Endpoint) -> None:
        """Nothing more goes to an endpoint that was deleted."""
        self._waiting = [each for each in self._waiting if each.endpoint is not endpoint]
        heapq.heapify(self._waiting)

    def _delivery(self, endpoint: Endpoint, kind: str, data: Json, at: float) -> Delivery:
        told = {"id": self.context.hex_id("evt_"), "object": "event", "type": kind}
        body = json.dumps(told | {"created_at": int(at), "data": data}).encode()
        order = next(self._order)
        return Delivery(at, order, endpoint, self.context.hex_id("wh_"), body, at)

    def _again(self, delivery: Delivery) -> Delivery:
        order = next(self._order)
        endpoint, id_, body = delivery.endpoint, delivery.id, delivery.body
        return Delivery(delivery.due, order, endpoint, id_, body, delivery.since)

    def _push(self, delivery: Delivery) -> None:
        heapq.heappush(self._waiting, delivery)

    def _due(self) -> list[Delivery]:
        found, now = list[Delivery](), self.context.now()
        while self._waiting and self._waiting[0].due <= now:
            found.append(heapq.heappop(self._waiting))
        return found

    def _signed(self, delivery: Delivery) -> tuple[dict[str, str], bytes]:
        now = self.context.now()
        timestamp = str(int(now - delivery.behind))
        secrets = [delivery.secret] if delivery.secret else delivery.endpoint.secrets(now)
        signatures = (signature(each, delivery.id, timestamp, delivery.body) for each in secrets)
        headers = {
            "content-type": "application/json",
            "user-agent": "OpenAI/1.0 (+https://platform.openai.com/docs/webhooks)",
            "webhook-id": delivery.id,
            "webhook-timestamp": timestamp,
            "webhook-signature": " ".join(signatures),
        }
        return headers, delivery.body

    def _answered(self, delivery: Delivery, status: int) -> None:
        kind = json.loads(delivery.body)["type"]
        self.delivered.append((delivery.id, kind, status))
        if 200 <= status < 300 or delivery.secret:
            return
        pause = PAUSES[min(delivery.tries, len(PAUSES) - 1)]
        delivery.tries += 1
        delivery.behind = 0.0
        delivery.due = self.context.now() + self.context.clock_seconds(pause)
        if delivery.due - delivery.since < self.context.clock_seconds(LONGEST):
            self._push(delivery)


def signature(secret: str, id_: str, timestamp: str, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{id_}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
