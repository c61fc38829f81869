"""Whatever is sent to any operation over a socket: an answer below 500, in time, and readable."""

import json
import os
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from local.openai import SmallOpenAI
from local.openai.serving.serve import serving
from local.openai.settings import SmallSettings
from tests.openai_server.test_hostile_calls import ANYTHING
from tests.support.small_openai import Json

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "300"))
ROUTES = sorted(
    (method, path) for api in SmallOpenAI().organization.apis for method, path, _, _ in api.routes()
)
PARAMETERS = (
    *("model", "messages", "input", "prompt", "metadata", "stream", "stream_options", "n", "tools"),
    *("tool_choice", "response_format", "text", "input_file_id", "endpoint", "completion_window"),
    *("output_expires_after", "name", "file_ids", "files", "file_id", "attributes", "query"),
    *("chunking_strategy", "expires_after", "filters", "max_num_results", "rewrite_query"),
    *("ranking_options", "encoding_format", "dimensions", "temperature", "max_tokens", "user"),
)
QUERIES = (
    *("limit", "after", "before", "order", "purpose", "filter", "include", "effective_at[gte]"),
    *("event_types[]", "project_ids[]", "actor_emails[]", "tenant_only", "effective_at"),
)
LIKELY: Json = {
    "model": "gpt-5-mini",
    "messages": [{"role": "user", "content": "Hi"}],
    "input": "Hi",
    "prompt": "Hi",
    "endpoint": "/v1/responses",
    "completion_window": "24h",
    "query": "cats",
}
IDS = ("<file>", "<store>", "<batch>", "<model>")
ID = st.sampled_from(["known", "gpt-5-mini", "", "..", "%00", "a" * 300, "é", "%2F"])
USUAL = {"Authorization": "Bearer sk-a", "Content-Type": "application/json"}
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "Content-Type": st.sampled_from(["application/json", "multipart/form-data", "x", ""]),
        "Range": st.sampled_from(["bytes=0-5", "bytes=9-1", "lines=1", "bytes=" + "9" * 30 + "-"]),
        "Authorization": st.sampled_from(["Bearer sk-admin-123456", "Bearer", "Basic x"]),
        "Accept-Encoding": st.just("gzip"),
    },
)
BODY = st.dictionaries(st.sampled_from(PARAMETERS), ANYTHING).flatmap(
    lambda odd: st.lists(st.sampled_from(sorted(LIKELY))).map(
        lambda likely: {**{name: LIKELY[name] for name in likely}, **odd}
    )
)
TEXT = st.text(max_size=12) | st.sampled_from(["9" * 5_000, "-1", "100", "asc", "known", "{}"])

CALL = st.fixed_dictionaries(
    {
        "ids": st.lists(ID, min_size=len(IDS), max_size=len(IDS)),
        "query": st.dictionaries(st.sampled_from(QUERIES), TEXT, max_size=3),
        "headers": HEADERS.map(lambda odd: USUAL | odd),
        "content": st.binary(max_size=40) | (BODY | ANYTHING).map(lambda b: json.dumps(b).encode()),
    }
)


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with (
        serving(SmallOpenAI(settings=SmallSettings(speed=1_000))) as base_url,
        httpx.Client(base_url=base_url.removesuffix("/v1"), timeout=20) as client,
    ):
        made = client.post(
            "/v1/vector_stores", json={"name": "known"}, headers={"Authorization": "Bearer sk-a"}
        ).json()
        client.headers["X-Known"] = made["id"]
        yield client


@seed(14)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(route=st.sampled_from(ROUTES), call=CALL)
def test_any_call_gets_an_answer_below_500(
    client: httpx.Client, route: tuple[str, str], call: Json
) -> None:
    method, path = route
    for name, id_ in zip(IDS, call["ids"], strict=True):
        path = path.replace(name, client.headers["X-Known"] if id_ == "known" else id_)

    answer = client.request(
        method, path, params=call["query"], content=call["content"], headers=call["headers"]
    )

    assert answer.status_code < 500, f"{method} {path}: {answer.text}"
    if answer.headers["Content-Type"] == "application/json":
        answer.json()
