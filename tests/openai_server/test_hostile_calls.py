"""The small OpenAI answers whatever is sent to it, and every batch ends."""

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.openai import SmallOpenAI
from local.openai.batches.api import ENDPOINTS
from tests.support.batch_files import lines
from tests.support.clock import Clock
from tests.support.small_openai import Json, http, look, results, submit, upload

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-3, 3) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
NAMES = (
    *("model", "messages", "input", "prompt", "metadata", "user", "temperature", "n", "tools"),
    *("dimensions", "response_format", "include", "stream", "instructions", "seconds"),
)
slow = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

TOOL = st.fixed_dictionaries(
    {"type": st.just("file_search")},
    optional={"vector_store_ids": ANYTHING, "filters": ANYTHING, "max_num_results": ANYTHING},
)
TURN = st.fixed_dictionaries({"role": st.just("user") | ANYTHING}, optional={"content": ANYTHING})
BODY = st.dictionaries(st.sampled_from(NAMES), ANYTHING).flatmap(
    lambda body: st.fixed_dictionaries(
        {},
        optional={"tools": st.lists(TOOL, max_size=2), "messages": st.lists(TURN, max_size=2)},
    ).map(lambda better: {**body, **better, "model": "gpt-5-mini"})
)


@slow
@given(endpoint=st.sampled_from(ENDPOINTS), body=BODY)
def test_any_body_gets_an_answer_or_an_error(endpoint: str, body: Json) -> None:
    clock = Clock()
    client = http(SmallOpenAI(clock=clock.seconds))
    line = {"custom_id": "a", "method": "POST", "url": endpoint, "body": body}
    batch = submit(client, lines([line]), endpoint)

    clock.advance(100)

    ended = look(client, batch)
    answers = [
        *results(client, ended["output_file_id"]),
        *results(client, ended["error_file_id"]),
        *(ended["errors"] or {"data": []})["data"],
    ]
    assert ended["status"] in ("failed", "completed")
    assert len(answers) == 1


@slow
@given(rest=st.binary(max_size=80), value=ANYTHING)
def test_any_bytes_after_a_good_first_line_fail_the_batch(rest: bytes, value: object) -> None:
    clock = Clock()
    client = http(SmallOpenAI(clock=clock.seconds))
    first = orjson.dumps({"custom_id": value, "body": value})
    batch = submit(client, first + b"\n" + rest)

    clock.advance(100)

    ended = look(client, batch)
    assert (ended["status"], ended["errors"]["data"][0]["line"]) == ("failed", 1)


@slow
@given(body=ANYTHING, known=st.dictionaries(st.sampled_from(["metadata", "endpoint"]), ANYTHING))
def test_any_body_is_created_or_refused(body: object, known: Json) -> None:
    client = http(SmallOpenAI(clock=Clock().seconds))
    file = upload(client, b"{}\n")
    wanted = {
        "input_file_id": file,
        "endpoint": "/v1/responses",
        "completion_window": "24h",
        **known,
    }

    statuses = {client.post("/v1/batches", json=sent).status_code for sent in (body, wanted)}
    statuses |= {client.post("/v1/vector_stores", json=sent).status_code for sent in (body, known)}

    assert statuses <= {200, 400}
