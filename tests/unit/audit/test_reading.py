"""Bodies of the list endpoint, as they are documented and as they were seen."""

import json
from typing import Any

import pytest

from shared.audit.reading import documents, entries, one_line, read_page
from tests.unit.audit.timelines import at

ONE, TWO = at(0, "project.created", {"id": "a"}), at(1, "project.created", {"id": "b,]} "})


def body(*events: Any, **more: Any) -> bytes:
    listed = {"object": "list", "data": list(events), "has_more": False, "last_id": None}
    return json.dumps(listed | more).encode()


def test_a_page_as_documented() -> None:
    page = read_page(body(ONE, TWO, has_more=True, last_id="x"))

    assert [event.id for event in page.events] == [ONE["id"], TWO["id"]]
    assert (page.has_more, page.last_id, page.unreadable) == (True, "x", ())


def test_a_page_without_last_id_ends_with_its_last_event() -> None:
    assert read_page(body(ONE, TWO)).last_id == TWO["id"]


def test_an_empty_page() -> None:
    assert read_page(body()) == ((), (), False, None)


def test_an_event_is_kept_as_it_was_received() -> None:
    raw = '{ "id":"a",  "type":"x","effective_at":1, "n":1.0, "big":12345678901234567890 }'

    page = read_page(b'{"data":[' + raw.encode() + b'],"has_more":false}')

    assert page.events[0].line == raw.encode()


def test_an_event_over_many_lines_becomes_one_line() -> None:
    printed = json.dumps({"data": [ONE]}, indent=2).encode()

    (event,) = read_page(printed).events

    assert b"\n" not in event.line
    assert json.loads(event.line) == ONE


@pytest.mark.parametrize(
    "text",
    [
        body(ONE) + b"\n" + body(TWO),
        body(ONE) + body(TWO),
        b'{"data":[' + json.dumps(ONE).encode() + b",\n" + json.dumps(TWO).encode() + b", ],}",
        body(ONE, TWO, has_more="false"),
        b"\xef\xbb\xbf" + body(ONE, TWO),
    ],
    ids=["two documents", "without a gap", "trailing commas", "a text for a flag", "a BOM"],
)
def test_odd_bodies_are_read_all_the_same(text: bytes) -> None:
    page = read_page(text)

    assert [event.raw for event in page.events] == [ONE, TWO]


def test_an_unreadable_entry_is_kept_beside_the_events() -> None:
    page = read_page(body(ONE, {"id": 7}, "text", None))

    assert [event.id for event in page.events] == [ONE["id"]]
    assert page.unreadable == (b'{"id": 7}', b'"text"', b"null")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"<html>",
        b"{}",
        b'{"error": {"message": "no"}}',
        b'{"data": {}}',
        b'{"data": [',
        b"[" * 200_000,
        *(b'{"a": ' + b"[" * n + b"]" * n + b"}" for n in (600, 2_000, 100_000)),
    ],
)
def test_what_is_no_list_is_an_error(text: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it says, it is not read as empty
        read_page(text)


def test_entries_of_events_lists_and_arrays() -> None:
    text = f"{json.dumps(ONE)} {body(TWO).decode()} {json.dumps([ONE, [TWO]])}"

    assert [json.loads(each) for each in entries(text)] == [ONE, TWO, ONE, TWO]


def test_what_came_before_a_mistake_is_given_first() -> None:
    found = entries('{"id": 1} {"id": 2} {"id": ')

    assert next(found) == b'{"id":1}'
    assert next(found) == b'{"id":2}'
    with pytest.raises(ValueError, match="line 1"):
        next(found)


def test_commas_inside_texts_are_left_alone() -> None:
    assert list(documents('{"a": ",]", "b": "\\",}",}')) == [{"a": ",]", "b": '",}'}]


def test_one_line_leaves_one_line_alone() -> None:
    assert one_line(b'{"a":  1}') == b'{"a":  1}'
