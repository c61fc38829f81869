"""Requests that a file asks more than once: which line asks first, and how many there are."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from io import BytesIO
from typing import Any, BinaryIO, NamedTuple, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.batchfile.hash_groups import HashGroups
from shared.batchfile.part_builder import Copying, GoodLines, PartBuilder
from shared.batchfile.passes import Pass, read_in_passes
from shared.batchfile.repeats import (
    LARGE,
    AskedOnce,
    Repeat,
    RepeatCounter,
    Repeats,
    RequestDigests,
    digest,
    read_repeat,
    tail_of,
)
from shared.batchfile.schema import CHAT, RESPONSES, Limits
from shared.batchfile.splitter import Splitter
from tests.support.batch_files import chat, lines
from tests.support.splits import PLENTY, bounded

Parts = list[list[int]]


class Found(NamedTuple):
    """The numbers of each part's lines, and what is left out of them."""

    parts: Parts
    repeats: int
    left_out: list[Repeat]


def passed(data: bytes, *, once: bool, skip: bool = False, most: int = 50_000) -> Found:
    def read(this: Pass) -> tuple[Splitter, Parts]:
        copying = Copying(BytesIO, lambda start, length: [data[start : start + length]])
        splitter = Splitter(
            Limits(requests=most), copying, skip=skip, suspects=this.suspects, repeats=this.repeats
        )
        parts = splitter.split(BytesIO(data), PLENTY)
        return splitter, [numbers_of(each) for each in parts]

    with ExitStack() as disk:
        spool = partial(_spool, disk)
        found = read_in_passes(read, spool, once=once)
        return Found(found.made, found.repeats.requests, list(_listed(found.repeats)))


def _spool(disk: ExitStack) -> BinaryIO:
    return disk.enter_context(cast(BinaryIO, tempfile.TemporaryFile()))


def _listed(repeats: Repeats) -> Iterator[Repeat]:
    if isinstance(repeats, AskedOnce):
        repeats.list.seek(0)
        yield from map(read_repeat, repeats.list)


def numbers_of(part: PartBuilder) -> list[int]:
    if part.spool:
        return list(part.copied_numbers)
    return list(range(part.first_line, part.first_line + part.requests))


def note(repeats: RepeatCounter | RequestDigests, *data: bytes, url: str = CHAT) -> None:
    for number, line in enumerate(data, 1):
        repeats.note(url, GoodLines(line, [number], None, tails=[tail_of(line)]))


def asked(body: str, custom_id: str = "a") -> bytes:
    return f'{{"custom_id":"{custom_id}","method":"POST","url":"{CHAT}","body":{body}}}'.encode()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"model":"m","n":1}', '{ "model": "m", "n": 1 }'),
        ('{"model":"é"}', '{"model":"\\u00e9"}'),
        ('{"t":0.50}', '{"t":0.5}'),
        ('{"a":[1,{"b":null}]}', '{"a":[1, {"b": null}]}'),
    ],
)
def test_the_same_in_other_spelling_is_the_same(one: str, other: str) -> None:
    assert digest(CHAT, asked(one)) == digest(CHAT, asked(other, "another"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"model":"m","n":1}', '{"model":"m","n":2}'),
        ('{"t":1}', '{"t":1.0}'),
        ('{"t":1}', '{"t":"1"}'),
        ('{"t":1}', '{"t":true}'),
        ('{"a":1,"b":2}', '{"b":2,"a":1}'),  # the order of a schema's properties
        ('{"a":null}', "{}"),
        ('{"a":"x "}', '{"a":"x"}'),
    ],
)
def test_what_differs_after_parsing_is_another_request(one: str, other: str) -> None:
    assert digest(CHAT, asked(one)) != digest(CHAT, asked(other))


def test_the_endpoint_is_part_of_what_is_asked() -> None:
    line = asked('{"model":"m"}')
    assert digest(CHAT, line) != digest(RESPONSES, line)
    counter = RepeatCounter(BytesIO())
    note(counter, line)
    note(counter, line, url=RESPONSES)
    counter.count()
    assert counter.requests == 0


def test_a_large_body_is_compared_as_it_is_written() -> None:
    long = "x" * LARGE
    one, other = asked(f'{{"a":"{long}"}}'), asked(f'{{"a": "{long}"}}')
    assert digest(CHAT, one) == digest(CHAT, one)
    assert digest(CHAT, one) != digest(CHAT, other)


def test_a_number_that_no_float_holds_is_no_mistake() -> None:
    assert digest(CHAT, asked('{"a":1e999}')) == digest(CHAT, asked('{"a":1e999}', "b"))


def test_names_of_any_length_change_nothing() -> None:
    counter = RepeatCounter(BytesIO())
    data = [asked('{"model":"m"}', "x" * n) for n in range(1, 50)]
    note(counter, *data)
    counter.count()
    assert counter.requests == 48
    assert counter.bytes == 48 * len(b'{"model":"m"}}') + 48  # with the colon before it


small = st.builds(
    lambda url, body, id_: {"custom_id": id_, "method": "POST", "url": url, "body": body},
    st.sampled_from([CHAT, RESPONSES]),
    st.fixed_dictionaries(
        {
            "model": st.sampled_from(["a", "b"]),
            "messages": st.just([{"role": "user", "content": "Hi"}]),
            "input": st.sampled_from(["one", "two", "three"]),
        },
        optional={"max_tokens": st.integers(1, 2)},
    ),
    st.just(""),
)


def named(requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each | {"custom_id": f"r{n}"} for n, each in enumerate(requests)]


def first_lines(requests: list[dict[str, Any]]) -> dict[int, int]:
    """By brute force: of each line that repeats another the first that asks it."""
    seen: dict[str, int] = {}
    found = {}
    for number, each in enumerate(requests, 1):
        what = json.dumps([each["url"], each["body"]])
        first = seen.setdefault(what, number)
        if first != number:
            found[number] = first
    return found


@bounded
@given(st.lists(small, min_size=1, max_size=40), st.integers(1, 9))
def test_each_line_is_asked_or_has_the_first_that_asks_the_same(
    requests: list[dict[str, Any]], most: int
) -> None:
    requests = named(requests)
    expected = first_lines(requests)

    found = passed(lines(requests), once=True, most=most)

    assert {each.number: each.first for each in found.left_out} == expected
    assert [each.custom_id for each in found.left_out] == [f"r{n - 1}" for n in sorted(expected)]
    held = sorted(number for part in found.parts for number in part)
    assert held == [n for n in range(1, len(requests) + 1) if n not in expected]
    counted = passed(lines(requests), once=False, most=most)
    assert counted.repeats == len(expected)


@bounded
@given(st.lists(st.tuples(small, st.sampled_from("gdb")), min_size=1, max_size=30))
def test_bad_lines_between_them_change_nothing(
    drawn: list[tuple[dict[str, Any], str]],
) -> None:
    """d: a custom_id that line 1 has; b: no JSON. Both are left out as bad lines."""
    requests = named([each for each, _ in drawn])
    kinds = ["g", *(kind for _, kind in drawn[1:])]
    data = [
        b"no JSON\n"
        if kind == "b"
        else lines([each | ({"custom_id": "r0"} if kind == "d" else {})])
        for each, kind in zip(requests, kinds, strict=True)
    ]
    seen: dict[str, int] = {}
    expected = {}
    for number, (each, kind) in enumerate(zip(requests, kinds, strict=True), 1):
        if kind == "g":
            what = json.dumps([each["url"], each["body"]])
            first = seen.setdefault(what, number)
            if first != number:
                expected[number] = first

    found = passed(b"".join(data), once=True, skip=True)

    assert {each.number: each.first for each in found.left_out} == expected


def test_a_file_without_repeats_is_split_as_it_always_is() -> None:
    data = lines(chat(f"r{n}", f"question {n}") for n in range(100))

    found = passed(data, once=True, most=30)

    assert found.left_out == []
    assert found.parts == passed(data, once=False, most=30).parts


def test_many_groups_go_to_disk_and_come_back_in_their_order() -> None:
    groups = HashGroups(BytesIO(), window=10)
    for number in range(100):
        groups.groups[number % 3].append(number)
        groups.grew(1)

    assert [list(each) for each in groups][:3] == [list(range(n, 100, 3)) for n in range(3)]
