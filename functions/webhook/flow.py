"""A webhook is a hint that something happened, and never the truth: who looks asks OpenAI."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from functions.webhook.edges import WebhookEdges
from functions.webhook.signature import is_signed, looks_signed
from shared.model import ExternalModel
from shared.objects import BatchRef
from shared.text import sanitize_key, shorten

BATCH_ENDED = frozenset({"batch.completed", "batch.failed", "batch.expired", "batch.cancelled"})
SAFETY = "safety"  # safety.alert.created, safety_identifier.blocked
REREAD = timedelta(seconds=5)  # a secret that was changed; not more often, whoever asks
LONGEST = 1_000_000  # bytes of a webhook; OpenAI's have a few hundred


class Webhook(NamedTuple):
    """As it came: names of headers in lower case, the body's own bytes."""

    headers: Mapping[str, str]
    body: bytes


class Data(ExternalModel):
    id: str = ""


class Event(ExternalModel):
    id: str = ""
    type: str = ""
    data: Data = Data()


class Receiver:
    """Remembers between two calls when it last read the secret because of a stranger."""

    def __init__(self, edges: WebhookEdges) -> None:
        self._edges = edges
        self._reread_at: datetime | None = None

    def receive(self, webhook: Webhook) -> str:
        """What became of it, in a word; `stranger`: it is not OpenAI's."""
        if not self._is_openais(webhook):
            return "stranger"
        return act(self._edges, webhook)

    def _is_openais(self, webhook: Webhook) -> bool:
        if len(webhook.body) > LONGEST or not looks_signed(webhook.headers):
            return False
        if self._is_signed(webhook):
            return True
        now = self._edges.now()
        if self._reread_at and now - self._reread_at < REREAD:
            return False
        self._reread_at = now
        self._edges.signing_secret.forget()
        return self._is_signed(webhook)

    def _is_signed(self, webhook: Webhook) -> bool:
        secret = self._edges.signing_secret()
        return is_signed(webhook.headers, webhook.body, secret, self._edges.now())


def act(edges: WebhookEdges, webhook: Webhook) -> str:
    """Each kind once, twice or too late: it does no harm."""
    event = _event(webhook.body)
    if event.type in BATCH_ENDED and event.data.id:
        look = BatchRef(batch=event.data.id)
        edges.land_queue.send([look.model_dump_json()])
        return "batch_ended"
    if event.type.startswith(SAFETY):
        detail = {"type": event.type, "event": event.id, "object": event.data.id}
        edges.event_bus.put([("Safety Event", json.dumps(detail))])
        return "safety"
    _keep(edges, webhook)
    return "unknown"


def _event(body: bytes) -> Event:
    """What can't be read is of no type that is known."""
    try:
        return Event.model_validate_json(body)
    except ValueError:
        return Event()


def _keep(edges: WebhookEdges, webhook: Webhook) -> None:
    """For whoever wants to know; the same twice is one object."""
    name = sanitize_key(shorten(webhook.headers["webhook-id"], 100)) or "unnamed"
    key = f"webhooks/dt={edges.now():%Y-%m-%d}/{name}.json"
    edges.s3.write(key, [webhook.body], "application/json")
