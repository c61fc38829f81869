"""A library's name becomes its store's id, and no other byte changes."""

import json
from typing import Any

import pytest

from shared.batchfile.library_refs import StoreNotMade, named


def resolve(name: str) -> str | None:
    if name == "new":
        raise StoreNotMade(name)
    return {"handbook": "vs_1", "faq": "vs_2"}.get(name)


def line(*ids: Any, **tool: Any) -> bytes:
    asked = {"type": "file_search", "vector_store_ids": list(ids), **tool}
    body = {"model": "gpt-5", "temperature": 1.0, "tools": [asked], "input": 'say "library:faq"'}
    return json.dumps(
        {"custom_id": "a", "method": "POST", "url": "/v1/responses", "body": body}
    ).encode()


def test_only_the_ids_change() -> None:
    asked = line("library:handbook", "vs_9", "library:faq")
    found = named(asked, 1, resolve)

    expected = json.loads(asked)
    expected["body"]["tools"][0]["vector_store_ids"] = ["vs_1", "vs_9", "vs_2"]
    assert json.loads(found.line) == expected
    assert b'"temperature":1.0' in found.line
    assert (set(found.libraries), found.problems) == ({"handbook", "faq"}, [])


@pytest.mark.parametrize(
    "asked",
    [
        line("vs_1"),
        line("library:handbook", type="web_search"),
        b'{"custom_id": "a", "body": {"input": "library:handbook"}}',
        b'{"custom_id": "a", "body": {"tools": "library:handbook"}}',
        b'{"custom_id": "library:handbook"',
        line("library:handbook", 3),
    ],
)
def test_what_asks_no_library_comes_back_as_it_is(asked: bytes) -> None:
    assert named(asked, 1, resolve) == (asked, frozenset(), [])


def test_an_unknown_library_is_named_with_its_line() -> None:
    found = named(line("library:handbok", "library:faq"), 7, resolve)

    (problem,) = found.problems
    assert (problem.line, problem.code) == (7, "unknown_library")
    assert "'handbok'" in problem.message
    assert "drop its documents first" in problem.remedy


def test_a_library_without_a_store_is_waited_for() -> None:
    with pytest.raises(StoreNotMade):
        named(line("library:new"), 1, resolve)
