"""Texts from outside, made safe to show: nothing invisible, nothing endless."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.text import (
    keep_secret,
    masked,
    sanitize,
    sanitize_json,
    sanitize_key,
    sanitize_lines,
    shorten,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("search/ünï 😀.jsonl", "search/ünï 😀.jsonl"),
        ("a\nb\r\x1b[31m", "a\\u000ab\\u000d\\u001b[31m"),
        ("gnp\u202e.exe", "gnp\\u202e.exe"),
        ("x" * 301, "x" * 299 + "…"),
    ],
)
def test_sanitize_shows_one_line_of_visible_characters(text: str, shown: str) -> None:
    assert sanitize(text) == shown


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        (
            "Incorrect API key provided: sk-proj-***AbCd. You can",
            "Incorrect API key provided: … You can",
        ),
        ("Illegal header value b'Bearer xyz12345'", "Illegal header value b'…'"),
        ("key abcd****wxyz is not known", "key … is not known"),
        ("no key: none-of-openai's,form;)", "no key: …"),
        ("cut short: none-of-open", "cut short: …"),
        ("only its end: s,form;) and more", "only its end: … and more"),
        ("nothing to hide: 2*3, a risk-free desk", "nothing to hide: 2*3, a risk-free desk"),
    ],
)
def test_masked_text_shows_nothing_of_a_key(said: str, shown: str) -> None:
    keep_secret("none-of-openai's,form;)")

    assert masked(said) == shown


@pytest.mark.parametrize(
    ("text", "short"), [("", ""), ("four", "four"), ("five!", "fiv…"), ("x" * 9, "xxx…")]
)
def test_shorten_marks_a_text_that_is_too_long(text: str, short: str) -> None:
    assert shorten(text, 4) == short


def test_sanitize_lines_keeps_our_line_ends() -> None:
    assert sanitize_lines("one\ntwo\x1b") == "one\ntwo\\u001b"


def test_sanitize_key_replaces_invisible_characters_and_dots() -> None:
    assert sanitize_key("a\n/\u202eb/../ü") == "a_/_b/_/ü"


@given(st.text())
def test_sanitize_json_keeps_the_meaning_and_hides_nothing(text: str) -> None:
    written = sanitize_json(json.dumps({"a": text}, ensure_ascii=False, indent=2))

    assert json.loads(written) == {"a": text}
    assert all(line.isprintable() or max(line) >= "\xa0" for line in written.decode().split("\n"))


@given(st.text())
def test_sanitize_never_ends_a_line_and_bounds_the_length(text: str) -> None:
    assert len(sanitize(text).splitlines()) <= 1
    assert len(sanitize(text * 10_000)) < 2_000
