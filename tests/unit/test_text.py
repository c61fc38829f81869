"""Texts from outside as people are shown them: nothing unseen, nothing endless."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.text import plain, sanitize_json, sanitize_key, sanitize_lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("search/ünï 😀.jsonl", "search/ünï 😀.jsonl"),
        ("a\nb\r\x1b[31m", "a\\u000ab\\u000d\\u001b[31m"),
        ("gnp\u202e.exe", "gnp\\u202e.exe"),
        ("x" * 301, "x" * 299 + "…"),
    ],
)
def test_a_text_is_shown_on_one_line_with_all_its_characters_to_be_seen(
    text: str, shown: str
) -> None:
    assert plain(text) == shown


def test_line_ends_of_ours_stay() -> None:
    assert sanitize_lines("one\ntwo\x1b") == "one\ntwo\\u001b"


def test_what_is_not_to_be_seen_is_an_underscore_in_a_name() -> None:
    assert sanitize_key("a\n/\u202eb/ü") == "a_/_b/ü"


@given(st.text())
def test_json_says_the_same_and_shows_all(text: str) -> None:
    written = sanitize_json(json.dumps({"a": text}, ensure_ascii=False, indent=2))

    assert json.loads(written) == {"a": text}
    assert all(line.isprintable() or max(line) >= "\xa0" for line in written.decode().split("\n"))


@given(st.text())
def test_nothing_plain_ends_a_line_or_is_endless(text: str) -> None:
    assert len(plain(text).splitlines()) <= 1
    assert len(plain(text * 10_000)) < 2_000
