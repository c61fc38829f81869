"""Every problem of a line is reported, with its code, its field and what to do."""

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.batchfile.lines import MAX_LINE_BYTES, TOO_LONG, misencoded_at
from shared.batchfile.schema import ENDPOINTS, MAX_MODEL, UNDECODABLE, Limits, decode, is_good
from shared.batchfile.validation import problems_of
from shared.nesting import has_too_deep_line
from tests.support.splits import bounded, line

GOOD = line()
MODEL = {"model": "m"}
VALUES: tuple[tuple[Any, str], ...] = (
    (1, "a number"),
    (-1.5, "a number"),
    (True, "a boolean"),
    (False, "a boolean"),
    ([], "an array"),
    ({}, "an object"),
    ("x", "a string"),
)


def within(fragment: bytes) -> bytes:
    """A line that is good but for one value deep in its body."""
    return GOOD.replace(b'"content": []', b'"content": ' + fragment)


def marks(data: bytes) -> list[tuple[str, str | None]]:
    return [(each.code, each.param) for each in problems_of(data, 1, Limits())]


def texts(data: bytes) -> str:
    return "; ".join(f"{each.message} {each.remedy}" for each in problems_of(data, 1, Limits()))


def is_taken(data: bytes) -> bool:
    """Whether the fast way accepts a line."""
    if misencoded_at(data) is not None or has_too_deep_line(data):
        return False
    try:
        return is_good(decode(data), Limits())
    except UNDECODABLE:
        return False


@pytest.mark.parametrize(
    "data",
    [
        GOOD,
        b" \t" + GOOD + b" \r",
        line(body={"model": "m", "stream": False}),
        line(body={"model": "m", "stream": None}),
        line(body={"model": "x" * MAX_MODEL}),
        line(extra={"unknown": [1]}, method="POST"),
        line(custom_id="\0"),
        line(custom_id="x" * 100_000),
        line(custom_id=" 😀/../\u2028"),
        GOOD.replace(b'"a"', b'"\\ud83d\\ude00"'),
        within(b"1e999"),
        within(b"-" + b"9" * 10_000),
        within(b'"\\u0000"'),
        within(b'"\x7f"'),
        within(b"[" * 500 + b"]" * 500),
        within(b'{"a":' * 500 + b"1" + b"}" * 500),
        pytest.param(within(b'"' + b"[" * 10_000 + b'"'), id="brackets in a text"),
        pytest.param(within(b"[" + b"[]," * 10_000 + b"[]]"), id="brackets side by side"),
        within(b'{"a": 1, "a": 2}'),
        b'{"custom_id": "b", ' + GOOD[1:],
        *(line(url=url) for url in sorted(ENDPOINTS)),
    ],
)
def test_good_line_has_no_problems(data: bytes) -> None:
    assert marks(data) == []
    assert is_taken(data)


@pytest.mark.parametrize(
    ("data", "code", "param"),
    [
        (line(custom_id=...), "missing_required_parameter", "custom_id"),
        (line(custom_id=None), "missing_required_parameter", "custom_id"),
        (line(custom_id=""), "invalid_value", "custom_id"),
        (line(method=...), "missing_required_parameter", "method"),
        (line(method=None), "missing_required_parameter", "method"),
        (line(method="post"), "invalid_value", "method"),
        (line(method=""), "invalid_value", "method"),
        (line(method="GET\n" * 100), "invalid_value", "method"),
        (line(url=...), "missing_required_parameter", "url"),
        (line(url=None), "missing_required_parameter", "url"),
        (line(url=""), "invalid_url", "url"),
        (line(url="/v1/chat/completions/"), "invalid_url", "url"),
        (line(url="https://api.openai.com/v1/responses"), "invalid_url", "url"),
        (line(url="/v1/audio/speech"), "invalid_url", "url"),
        (line(body=...), "missing_required_parameter", "body"),
        (line(body=None), "missing_required_parameter", "body"),
        (line(body={}), "invalid_request", "body.model"),
        (line(body={"model": None}), "invalid_request", "body.model"),
        (line(body={"model": ""}), "invalid_request", "body.model"),
        (line(body={"model": "x" * (MAX_MODEL + 1)}), "invalid_value", "body.model"),
        (line(body=MODEL | {"stream": True}), "streaming_unsupported", "body.stream"),
        (b'{"custom_id": 1, ' + GOOD[1:], "duplicate_key", None),
        (
            GOOD[:-1] + b', "body": 1, "body": {"model": "m", "messages": [{}]}}',
            "duplicate_key",
            None,
        ),
        (GOOD[:-2] + b', "stream": "x", "stream": false}}', "duplicate_key", None),
    ],
)
def test_problem_has_the_code_and_the_field(data: bytes, code: str, param: str | None) -> None:
    assert marks(data) == [(code, param)]
    assert not is_taken(data)


@pytest.mark.parametrize(("value", "kind"), VALUES)
@pytest.mark.parametrize(
    ("param", "wanted"),
    [
        ("custom_id", "a string"),
        ("method", "a string"),
        ("url", "a string"),
        ("body", "an object"),
        ("body.model", "a string"),
        ("body.stream", "true or false"),
    ],
)
def test_wrong_type_in_any_field_is_reported(
    param: str, wanted: str, value: Any, kind: str
) -> None:
    changes = {
        "body.model": {"body": {"model": value}},
        "body.stream": {"body": MODEL | {"stream": value}},
    }.get(param, {param: value})
    data = line(**changes)
    right = kind == wanted or (wanted, kind) == ("true or false", "a boolean")

    assert (f"expected {wanted}, but got {kind} instead" in texts(data)) is not right
    assert (("invalid_type", param) in marks(data)) is not right


def test_problems_of_a_line_are_reported_all_at_once() -> None:
    assert marks(b"{}") == [
        ("missing_required_parameter", "custom_id"),
        ("missing_required_parameter", "method"),
        ("missing_required_parameter", "url"),
        ("missing_required_parameter", "body"),
    ]
    assert marks(line(custom_id=1, method="PUT", url="/", body={"model": 2, "stream": "yes"})) == [
        ("invalid_type", "custom_id"),
        ("invalid_value", "method"),
        ("invalid_url", "url"),
        ("invalid_type", "body.model"),
        ("invalid_type", "body.stream"),
    ]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (GOOD + GOOD, "trailing characters"),
        (GOOD + b" " + GOOD, "trailing characters"),
        (GOOD + b",", "trailing characters"),
        (GOOD + b"\0", "trailing characters"),
        (GOOD[:-1], "truncated"),
        (GOOD[:40], "truncated"),
        (b"{", "truncated"),
        (b"}", "malformed"),
        (b"\xef\xbb\xbf" + GOOD, "malformed"),
        (b"[" + GOOD + b"]", "it holds an array, not an object"),
        (b"[]", "it holds an array, not an object"),
        (b"[1,", "it holds an array, not an object"),
        (b"1", "it holds a number, not an object"),
        (b"-1e5 x", "a number"),
        (b'"text"', "it holds a string, not an object"),
        (b'"text" x', "it holds a string, not an object"),
        (b' "text', "truncated"),
        (b"true", "it holds a boolean, not an object"),
        (b"false", "it holds a boolean, not an object"),
        (b"null", "it holds null, not an object"),
        (b"nil", "truncated"),
        (b"custom_id,method,url,body", "malformed"),
        (b"# a comment", "malformed"),
        (b"\0", "malformed"),
        (GOOD.replace(b'"', b"'"), "malformed"),
        (within(b"NaN"), "malformed"),
        (within(b"-Infinity"), "malformed"),
        (within(b"01"), "malformed"),
        (within(b"[1,]"), "trailing comma"),
        (within(b'"\0"'), "invalid character"),
        (within(b'"\t"'), "invalid character"),
        (within(b'"\\x41"'), "invalid escaped character"),
        (within(b'"\\ud800"'), "half a surrogate pair"),
        (within(b'"\\udc00"'), "surrogate pair"),
        (within(b'"\\ud800\\u0041"'), "half a surrogate pair"),
        (line(custom_id="\ud800"), "half a surrogate pair"),
        *(
            pytest.param(within(nested), "nested too deeply", id=name)
            for name, nested in {
                "511 arrays": b"[" * 511 + b"]" * 511,
                "2,000 arrays": b"[" * 2_000 + b"]" * 2_000,
                "100,000 arrays": b"[" * 100_000 + b"]" * 100_000,
                "100,000 objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
                "arrays of more": b"[1," * 600 + b"2" + b",3]" * 600,
                "arrays and objects": b'[{"a":' * 300 + b"1" + b"}]" * 300,
                "arrays without an end": b"[" * 100_000,
            }.items()
        ),
        (b"[" * 1_000_000, "it holds an array, not an object"),
        (b'{"a":' * 1_000_000, "nested too deeply"),
        (GOOD.decode().encode("utf-16-le"), "malformed"),
    ],
)
def test_line_that_is_no_json_object_is_reported_with_the_reason(data: bytes, why: str) -> None:
    assert marks(data) == [("invalid_json_line", None)]
    assert why in texts(data)
    assert not is_taken(data)


@pytest.mark.parametrize(
    ("fragment", "byte"),
    [(b"\xff", "0xff"), (b"\xc0\x80", "0xc0"), (b"\xed\xa0\x80", "0xed"), (b"\xe4", "0xe4")],
)
def test_line_that_is_not_utf8_is_reported_with_the_byte(fragment: bytes, byte: str) -> None:
    data = within(b'"' + fragment + b'"')

    assert marks(data) == [("invalid_encoding", None)]
    assert f"byte {data.index(fragment) + 1} is {byte}" in texts(data)
    assert not is_taken(data)


def test_line_that_was_too_long_to_keep_is_reported_with_the_limit() -> None:
    assert marks(TOO_LONG) == [("request_too_large", None)]
    assert f"more than {MAX_LINE_BYTES:,} bytes" in texts(TOO_LONG)


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        (line(url="/v2/responses"), '"/v2/responses" is not an endpoint'),
        (line(url="/v2/responses"), "write one of: /v1/chat/completions, /v1/completions"),
        (line(method="P\nT"), '"P\\nT" is not POST'),
        (line(method="x" * 81), "x" * 79 + "…"),
        (line(body=MODEL | {"stream": True}), 'remove "stream"'),
        (line(body={"model": "x" * 1000}), "1,000 characters, more than 256"),
        (b'{"custom_id": 1, ' + GOOD[1:], "got `int` - at `$.custom_id`: write each key once"),
    ],
)
def test_problem_says_what_to_do(data: bytes, hint: str) -> None:
    assert hint in texts(data)


def test_endpoint_outside_the_limits_is_a_problem() -> None:
    only = Limits(endpoints=frozenset({"/v1/embeddings"}))

    (problem,) = problems_of(GOOD, 7, only)

    assert (problem.line, problem.code, problem.remedy) == (
        7,
        "invalid_url",
        "write one of: /v1/embeddings",
    )


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=5,
)
nearly = st.fixed_dictionaries(
    {},
    optional={
        "custom_id": values | st.just("a"),
        "method": values | st.just("POST"),
        "url": values | st.sampled_from(sorted(ENDPOINTS)),
        "body": values
        | st.fixed_dictionaries(
            {}, optional={"model": values | st.just("m"), "stream": values, "x": values}
        ),
    },
)


@bounded
@given(nearly)
def test_line_is_either_good_or_has_problems(request: dict[str, Any]) -> None:
    data = json.dumps(request).encode()

    assert bool(problems_of(data, 1, Limits())) is not is_taken(data)


@bounded
@given(st.binary(max_size=4), st.integers(0, len(GOOD)), st.integers(0, 3))
def test_damaged_line_is_either_good_or_has_problems(noise: bytes, at: int, gap: int) -> None:
    data = GOOD[:at] + noise + GOOD[at + gap :]

    assert bool(problems_of(data, 1, Limits())) is not is_taken(data)


@bounded
@given(st.lists(st.tuples(st.sampled_from(["custom_id", "method", "url", "body"]), values)))
def test_line_with_duplicate_keys_is_either_good_or_has_problems(
    pairs: list[tuple[str, Any]],
) -> None:
    before = "".join(f"{json.dumps(key)}: {json.dumps(value)}, " for key, value in pairs)
    data = b"{" + before.encode() + GOOD[1:]

    assert bool(problems_of(data, 1, Limits())) is not is_taken(data)


def test_problems_of_a_line_with_millions_of_values_need_no_memory() -> None:
    many = b'"x": [' + b"[]," * 4_000_000 + b'1], "messages"'
    data = line(method="GET", body={}).replace(b'"messages"', many)
    tracemalloc.start()

    found = marks(data)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == [("invalid_value", "method"), ("invalid_request", "body.model")]
    assert peak < 2 * len(data)
