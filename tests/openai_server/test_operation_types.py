"""A tour of every operation: each answer is strictly of the official client's own type."""

from typing import Any

import httpx
from openai import BaseModel, types
from openai.types import chat, responses, webhooks
from openai.types.admin.organization import AuditLogListResponse
from openai.types.safety import SafetyAlert
from openai.types.vector_stores import (
    FileContentResponse,
    VectorStoreFile,
    VectorStoreFileBatch,
    VectorStoreFileDeleted,
)

from local.openai import SmallOpenAI
from tests.support.batch_files import chat as line
from tests.support.batch_files import lines
from tests.support.clock import Clock
from tests.support.small_openai import Json, http
from tests.support.strict_types import assert_is_strictly

HI = {"role": "user", "content": "Hi"}
FLAT = {"object", "data"}
PAGE = FLAT | {"first_id", "last_id", "has_more"}
EVENT: Json = {
    "id": "audit_log-1",
    "type": "api_key.created",
    "effective_at": 1_000,
    "actor": {
        "type": "session",
        "session": {
            "user": {"id": "user-1", "email": "a@example.com"},
            "ip_address": "192.0.2.1",
        },
    },
    "project": {"id": "proj_1", "name": "One"},
    "api_key.created": {"id": "key_1", "data": {"scopes": ["a"]}},
}


SAFETY_ALERT: Json = {
    "id": "alert_1",
    "object": "safety.alert",
    "created_at": 1,
    "error_type": "other",
    "model": "gpt-5",
    "reason": None,
    "request_id": "req_1",
    "request_paused": False,
    "response_id": "resp_1",
}


class Tour:
    def __init__(self, small: SmallOpenAI) -> None:
        self.small = small
        self.client = http(small)
        self.admin = http(small, key="sk-admin-123456")

    def one(self, model: type[BaseModel], method: str, path: str, **given: Any) -> Json:
        answer = self._ask(self.client, method, path, **given)
        assert_is_strictly(model, answer)
        return answer

    def many(self, model: type[BaseModel], path: str, keys: set[str] = PAGE, **given: Any) -> None:
        client = self.admin if "organization" in path else self.client
        answer = self._ask(client, "GET", path, **given)
        assert set(answer) == keys
        assert answer["data"], f"{path} lists nothing"
        for each in answer["data"]:
            assert_is_strictly(model, each)

    def _ask(self, client: httpx.Client, method: str, path: str, **given: Any) -> Json:
        answer = client.request(method, f"/v1{path}", **given)
        assert answer.status_code == 200, f"{method} {path}: {answer.text}"
        body: Json = answer.json()
        return body


def test_every_operation_answers_with_its_type(clock: Clock) -> None:
    small = SmallOpenAI(clock=clock.seconds, post=lambda url, headers, body: 200)
    tour = Tour(small)

    tour_files_and_batches(tour, clock)
    tour_vector_stores(tour, clock)
    tour_audit_log(tour)
    tour_models(tour)
    tour_webhooks(tour)

    routes = [route for api in small.organization.apis for route in api.routes()]
    served = {name for _, path, name, _ in routes if path.startswith("/v1")}
    assert served - {call.route for call in small.calls} == set()


def tour_webhooks(tour: Tour) -> None:
    asked = {"name": "a", "url": "https://example.com/a", "event_types": ["batch.completed"]}
    made = tour.one(webhooks.WebhookEndpointWithSecret, "POST", "/webhook_endpoints", json=asked)
    one = f"/webhook_endpoints/{made['id']}"
    tour.many(webhooks.WebhookEndpoint, "/webhook_endpoints")
    tour.one(webhooks.WebhookEndpoint, "GET", one)
    tour.one(webhooks.WebhookEndpoint, "POST", one, json={"name": "b"})
    tour.one(webhooks.WebhookEndpointWithSecret, "POST", f"{one}/rotate_secret", json={})
    test = {"event_type": "batch.completed"}
    tour.one(webhooks.WebhookEndpointTestResult, "POST", f"{one}/test", json=test)
    tour.one(webhooks.WebhookEventTypeList, "GET", "/webhook_event_types")
    tour.one(webhooks.DeletedWebhookEndpoint, "DELETE", one)
    tour.small.organization.webhooks.safety_alerts["alert_1"] = SAFETY_ALERT
    tour.one(SafetyAlert, "GET", "/safety/alerts/alert_1")


def tour_files_and_batches(tour: Tour, clock: Clock) -> None:
    content = {"file": ("a.jsonl", lines([line("a"), line("b", text="small-openai:400")]))}
    file = tour.one(types.FileObject, "POST", "/files", data={"purpose": "batch"}, files=content)[
        "id"
    ]
    tour.one(types.FileObject, "GET", f"/files/{file}")
    tour.many(types.FileObject, "/files")
    wanted = {
        "input_file_id": file,
        "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
        "metadata": {"a": "b"},
    }
    batch = tour.one(types.Batch, "POST", "/batches", json=wanted)["id"]
    cancelled = tour.one(types.Batch, "POST", "/batches", json=wanted)["id"]
    tour.one(types.Batch, "POST", f"/batches/{cancelled}/cancel")
    clock.advance(100)
    tour.one(types.Batch, "GET", f"/batches/{cancelled}")
    ended = tour.one(types.Batch, "GET", f"/batches/{batch}")
    tour.many(types.Batch, "/batches")
    assert len(tour.client.get(f"/v1/files/{ended['output_file_id']}/content").content) > 100
    tour.one(types.FileDeleted, "DELETE", f"/files/{file}")


def tour_vector_stores(tour: Tour, clock: Clock) -> None:
    content = {"file": ("a.md", b"Cats purr.")}
    file = tour.one(
        types.FileObject, "POST", "/files", data={"purpose": "assistants"}, files=content
    )["id"]
    made = tour.one(types.VectorStore, "POST", "/vector_stores", json={"name": "cats"})
    store = f"/vector_stores/{made['id']}"
    tour.one(VectorStoreFile, "POST", f"{store}/files", json={"file_id": file})
    sent = {"file_ids": [file]}
    batch = tour.one(VectorStoreFileBatch, "POST", f"{store}/file_batches", json=sent)["id"]
    tour.one(VectorStoreFileBatch, "POST", f"{store}/file_batches/{batch}/cancel")
    clock.advance(100)
    tour.one(VectorStoreFile, "POST", f"{store}/files", json={"file_id": file})
    tour.one(VectorStoreFileBatch, "GET", f"{store}/file_batches/{batch}")
    tour.many(VectorStoreFile, f"{store}/file_batches/{batch}/files")
    clock.advance(100)
    tour.one(VectorStoreFile, "GET", f"{store}/files/{file}")
    tour.one(VectorStoreFile, "POST", f"{store}/files/{file}", json={"attributes": {"a": 1}})
    tour.many(VectorStoreFile, f"{store}/files")
    tour_contents(tour, store, file)
    tour.one(types.VectorStore, "GET", store)
    tour.one(types.VectorStore, "POST", store, json={"name": "more cats"})
    tour.many(types.VectorStore, "/vector_stores")
    tour.one(VectorStoreFileDeleted, "DELETE", f"{store}/files/{file}")
    tour.one(types.VectorStoreDeleted, "DELETE", store)


def tour_contents(tour: Tour, store: str, file: str) -> None:
    found = tour.client.get(f"/v1{store}/files/{file}/content").json()["data"]
    hits = tour.client.post(f"/v1{store}/search", json={"query": "cats"}).json()["data"]
    assert found
    assert hits
    for each in found:
        assert_is_strictly(FileContentResponse, each)
    for hit in hits:
        assert_is_strictly(types.VectorStoreSearchResponse, hit)


def tour_audit_log(tour: Tour) -> None:
    tour.small.add_audit_event(EVENT)

    tour.many(AuditLogListResponse, "/organization/audit_logs")


def tour_models(tour: Tour) -> None:
    asked = {"model": "gpt-5-mini", "messages": [HI]}
    tour.one(chat.ChatCompletion, "POST", "/chat/completions", json=asked)
    asked = {"model": "gpt-5-mini", "input": "Hi"}
    tour.one(responses.Response, "POST", "/responses", json=asked)
    asked = {"model": "davinci-002", "prompt": "Hi"}
    tour.one(types.Completion, "POST", "/completions", json=asked)
    asked = {"model": "text-embedding-3-small", "input": "Hi"}
    tour.one(types.CreateEmbeddingResponse, "POST", "/embeddings", json=asked)
    tour.one(types.ModerationCreateResponse, "POST", "/moderations", json={"input": "Hi"})
    tour.many(types.Model, "/models", FLAT)
    tour.one(types.Model, "GET", "/models/gpt-5-mini")
