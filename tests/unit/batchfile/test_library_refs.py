"""A library's name becomes its store's id, and no other byte changes."""

import json
from typing import Any

import pytest

from shared.batchfile.library_refs import StoreNotReady, resolve_libraries


def resolve(name: str) -> str | None:
    if name == "new":
        raise StoreNotReady(name)
    return {"handbook": "vs_1", "faq": "vs_2"}.get(name)


def line(*ids: Any, **tool: Any) -> bytes:
    data = {"type": "file_search", "vector_store_ids": list(ids), **tool}
    body = {"model": "gpt-5", "temperature": 1.0, "tools": [data], "input": 'say "library:faq"'}
    return json.dumps(
        {"custom_id": "a", "method": "POST", "url": "/v1/responses", "body": body}
    ).encode()


def test_resolve_changes_only_the_ids() -> None:
    data = line("library:handbook", "vs_9", "library:faq")
    found = resolve_libraries(data, 1, resolve)

    expected = json.loads(data)
    expected["body"]["tools"][0]["vector_store_ids"] = ["vs_1", "vs_9", "vs_2"]
    assert json.loads(found.line) == expected
    assert b'"temperature":1.0' in found.line
    assert (set(found.libraries), found.problems) == ({"handbook", "faq"}, [])


@pytest.mark.parametrize(
    "data",
    [
        line("vs_1"),
        line("library:handbook", type="web_search"),
        b'{"custom_id": "a", "body": {"input": "library:handbook"}}',
        b'{"custom_id": "a", "body": {"tools": "library:handbook"}}',
        b'{"custom_id": "library:handbook"',
        line("library:handbook", 3),
    ],
)
def test_resolve_without_a_library_returns_the_line_unchanged(data: bytes) -> None:
    assert resolve_libraries(data, 1, resolve) == (data, frozenset(), [])


def test_resolve_of_an_unknown_library_is_a_problem_with_its_line() -> None:
    found = resolve_libraries(line("library:handbok", "library:faq"), 7, resolve)

    (problem,) = found.problems
    assert (problem.line, problem.code) == (7, "unknown_library")
    assert "'handbok'" in problem.message
    assert "drop its documents first" in problem.remedy


def test_resolve_of_a_library_without_a_store_raises_store_not_ready() -> None:
    with pytest.raises(StoreNotReady):
        resolve_libraries(line("library:new"), 1, resolve)
