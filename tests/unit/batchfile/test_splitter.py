"""Parts hold exactly the lines of the file, within every limit, however it is read."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.batchfile.lines import BLOCK, UTF8_MARK
from shared.batchfile.part_builder import Copying
from shared.batchfile.refusals import UnreadableFile
from shared.batchfile.schema import EMBEDDINGS, Limits
from shared.batchfile.splitter import Splitter
from tests.support.batch_files import chat, chats, lines, question
from tests.support.splits import (
    PLENTY,
    BatchFile,
    ShortReads,
    batch_files,
    bounded,
    inputs_in,
    line,
    split_bytes,
)

sizes = st.lists(st.integers(1, 3000), min_size=1, max_size=4)


@bounded
@given(batch_files(), st.integers(1, 6), st.integers(0, 400), sizes, st.booleans())
def test_parts_hold_exactly_the_lines_of_the_file(
    file: BatchFile, requests: int, room: int, sizes: list[int], packed: bool
) -> None:
    limits = file.limits(requests, room)

    found = split_bytes(file.data, limits, sizes=sizes, packed=packed)

    assert found.problems == []
    assert found.lines_by_number == file.requests
    assert found.requests == len(file.requests)
    assert [part.numbers for part in found.parts] == [sorted(p.numbers) for p in found.parts]


@bounded
@given(batch_files(), st.integers(1, 6), st.integers(0, 400), sizes, st.booleans())
def test_part_counts_what_it_holds_and_keeps_every_limit(
    file: BatchFile, requests: int, room: int, sizes: list[int], packed: bool
) -> None:
    limits = file.limits(requests, room)

    found = split_bytes(file.data, limits, sizes=sizes, packed=packed)

    assert [
        (
            [(part.url, part.model)] * part.requests,
            part.first_line,
            part.last_line,
            part.size,
            part.inputs,
            part.tokens,
        )
        for part in found.parts
    ] == [
        (
            [(each["url"], each["body"]["model"]) for each in map(json.loads, held)],
            part.numbers[0],
            part.numbers[-1],
            len(part.data),
            sum(inputs_in(each) for each in held),
            -(-len(part.data) // 4),
        )
        for part in found.parts
        for held in [part.data.splitlines()]
    ]
    assert all(part.requests <= limits.requests for part in found.parts)
    assert all(part.size <= limits.bytes for part in found.parts)
    assert all(part.inputs <= limits.inputs for part in found.parts)
    assert all(part.tokens <= limits.tokens for part in found.parts)


@bounded
@given(batch_files(), sizes, st.booleans())
def test_file_that_fits_becomes_one_part_per_endpoint_and_model(
    file: BatchFile, sizes: list[int], packed: bool
) -> None:
    found = split_bytes(file.data, sizes=sizes, packed=packed)

    requests = [json.loads(each) for _, each in file.requests]
    kinds = {(each["url"], each["body"]["model"]) for each in requests}
    assert {(part.url, part.model) for part in found.parts} == kinds
    assert len(found.parts) == len(kinds)


@bounded
@given(batch_files(), sizes, st.booleans())
def test_split_does_not_depend_on_the_sizes_of_reads(
    file: BatchFile, sizes: list[int], skip: bool
) -> None:
    assert split_bytes(file.data, sizes=sizes, skip=skip) == split_bytes(
        file.data, sizes=[BLOCK], skip=skip
    )


@bounded
@given(
    batch_files(),
    st.sampled_from([(b"\xff", "invalid_encoding"), (b"\0", "invalid_json_line")]),
    st.integers(0),
    sizes,
)
def test_damaged_byte_is_reported_with_its_line(
    file: BatchFile, damage: tuple[bytes, str], where: int, sizes: list[int]
) -> None:
    byte, code = damage
    data = file.data + b"\n" + line(custom_id="last") + b"\n"
    places = [at for at in range(len(UTF8_MARK), len(data)) if data[at : at + 1] != b"\n"]
    at = places[where % len(places)]

    found = split_bytes(data[:at] + byte + data[at + 1 :], sizes=sizes)

    within = data[at] >= 0x80  # of a longer character, which is no UTF-8 any more
    expected = "invalid_encoding" if within else code
    assert found.marks == [(data[:at].count(b"\n") + 1, expected, None)]
    assert found.parts == []


@bounded
@given(batch_files(most=6), batch_files(most=6), sizes)
def test_duplicate_custom_id_is_reported_with_both_lines(
    file: BatchFile, again: BatchFile, sizes: list[int]
) -> None:
    data = file.data + b"\n" + again.data.removeprefix(UTF8_MARK)
    shift = file.data.count(b"\n") + 1
    common = min(len(file.requests), len(again.requests))

    found = split_bytes(data, sizes=sizes)

    assert [(each.line, each.code) for each in found.problems] == [
        (number + shift, "duplicate_custom_id") for number, _ in again.requests[:common]
    ]
    assert [each.remedy.split(" already")[0] for each in found.problems] == [
        f"line {number} has it" for number, _ in file.requests[:common]
    ]


@bounded
@given(batch_files(most=6), batch_files(most=6), sizes)
def test_skip_leaves_out_the_second_use_of_a_custom_id(
    file: BatchFile, again: BatchFile, sizes: list[int]
) -> None:
    data = file.data + b"\n" + again.data.removeprefix(UTF8_MARK)
    shift = file.data.count(b"\n") + 1

    found = split_bytes(data, sizes=sizes, skip=True)

    fresh = again.requests[len(file.requests) :]
    assert found.lines_by_number == file.requests + [(n + shift, each) for n, each in fresh]
    assert found.bad_lines == len(again.requests) - len(fresh)


def test_file_that_fits_as_it_is_becomes_a_part_without_a_copy() -> None:
    data = UTF8_MARK + chats(3000) + b"\n\n"

    (part,) = split_bytes(data).parts

    assert not part.is_copy
    assert part.data == chats(3000)


def test_long_file_of_one_model_is_split_into_spans() -> None:
    data = chats(7000)

    found = split_bytes(data, Limits(requests=3000))

    assert [part.requests for part in found.parts] == [3000, 3000, 1000]
    assert b"".join(part.data for part in found.parts) == data
    assert not any(part.is_copy for part in found.parts)


def test_parts_of_a_mixed_file_are_copies() -> None:
    data = lines([chat("a"), chat("b"), chat("c", model="gpt-4.1"), chat("d"), chat("e")])

    first, second = split_bytes(data).parts

    assert (first.numbers, first.is_copy) == ([1, 2, 4, 5], True)
    assert (second.numbers, second.is_copy) == ([3], False)


def test_carriage_returns_at_line_ends_are_removed() -> None:
    data = chats(3).replace(b"\n", b"\r\n").replace(b"\r\n", b"\r\r\n", 1)

    (part,) = split_bytes(data).parts

    assert part.data == chats(3)
    assert part.size == len(chats(3))


def test_carriage_returns_inside_a_line_stay_and_cost_no_time() -> None:
    data = line().replace(b" ", b"\r" * 1_000_000, 1) + b"\r" * 1_000_000 + b"\n"

    (part,) = split_bytes(data).parts

    assert part.data == data.rstrip() + b"\n"


def test_byte_order_mark_is_removed_and_noted() -> None:
    found = split_bytes(UTF8_MARK + chats(1), sizes=[1])

    assert found.problems == []
    assert found.notes == ["A byte order mark at the start of the file was removed."]


def test_second_byte_order_mark_is_a_problem() -> None:
    assert split_bytes(UTF8_MARK * 2 + chats(1)).marks == [(1, "invalid_json_line", None)]


def test_refused_file_makes_no_parts_but_counts_every_line() -> None:
    found = split_bytes(b"nonsense\n" + chats(3), Limits(requests=1))

    assert found.parts == []
    assert (found.lines, found.requests, found.bad_lines) == (4, 3, 1)


def test_skip_keeps_the_line_numbers_of_good_lines() -> None:
    data = lines([chat("a")]) + b"nonsense\n\n" + lines([chat("b"), chat("c")])

    found = split_bytes(data, skip=True)

    (part,) = found.parts
    assert part.numbers == [1, 4, 5]
    assert found.marks == [(2, "invalid_json_line", None)]
    assert (found.bad_lines, found.lines) == (1, 5)


def test_request_of_more_estimated_tokens_than_a_part_goes_alone() -> None:
    data = lines([chat("small"), chat("large", "x" * 400), chat("other")])

    found = split_bytes(data, Limits(tokens=100), skip=False)

    assert found.marks == []
    assert [part.numbers for part in found.parts] == [[1], [2], [3]]


def test_first_request_may_be_estimated_as_larger_than_any_part() -> None:
    data = lines([chat("big", "x" * 2_000), chat("small")])

    found = split_bytes(data, Limits(tokens=100), skip=False)

    assert [part.requests for part in found.parts] == [1, 1]


def test_image_by_value_does_not_count_by_its_bytes() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 400_000}}
    body = {"model": "m", "messages": [{"role": "user", "content": [image]}]}

    found = split_bytes(line(custom_id="a", body=body) + b"\n", Limits(), skip=False)

    assert 1_500 <= found.parts[0].tokens < 1_700


def test_request_that_fits_no_part_is_reported() -> None:
    data = lines([chat("large", "x" * 400), chat("small")])

    found = split_bytes(data, Limits(bytes=400), skip=True)

    assert found.marks == [(1, "request_too_large", None)]
    assert "bytes" in found.problems[0].message
    assert [(p.first_line, p.numbers, p.is_copy) for p in found.parts] == [(2, [2], False)]


@pytest.mark.parametrize(("count", "marks"), [(3, []), (4, [(1, "request_too_large", None)])])
def test_request_may_have_as_many_inputs_as_a_part(
    count: int, marks: list[tuple[int, str, None]]
) -> None:
    request = line(url=EMBEDDINGS, body={"model": "m", "input": ["x"] * count})

    assert split_bytes(request, Limits(inputs=3)).marks == marks


def test_inputs_are_summed_over_the_lines_of_a_part() -> None:
    data = b"\n".join(
        line(custom_id=str(n), url=EMBEDDINGS, body={"model": "m", "input": ["x", "y"]})
        for n in range(4)
    )

    found = split_bytes(data, Limits(inputs=5))

    assert [(part.requests, part.inputs) for part in found.parts] == [(2, 4), (2, 4)]


@pytest.mark.parametrize(("spare", "parts"), [(0, [2]), (-1, [1, 1])])
@pytest.mark.parametrize("models", [["m", "m"], ["m", "other", "m"]])
def test_tokens_of_a_part_may_reach_the_limit_exactly(
    models: list[str], spare: int, parts: list[int]
) -> None:
    data = lines(chat(str(n), model=model) for n, model in enumerate(models))
    tokens = -(-len(lines([chat("0", model="m")]) * 2) // 4)

    found = split_bytes(data, Limits(tokens=tokens + spare))

    assert [part.requests for part in found.parts if part.model == "m"] == parts


def test_line_of_exactly_the_byte_limit_passes() -> None:
    assert split_bytes(line(), Limits(bytes=len(line()) + 1)).marks == []
    assert split_bytes(line(), Limits(bytes=len(line()))).marks == [(1, "request_too_large", None)]


def test_custom_id_of_a_bad_line_counts_as_used_in_a_refused_file() -> None:
    data = b"\n".join([line(method="GET"), line(), line(url="/v2"), line(custom_id="b")])

    assert split_bytes(data).marks == [
        (1, "invalid_value", "method"),
        (2, "duplicate_custom_id", "custom_id"),
        (3, "invalid_url", "url"),
        (3, "duplicate_custom_id", "custom_id"),
    ]


def test_skipped_line_leaves_its_custom_id_to_others() -> None:
    data = b"\n".join([line(method="GET"), line(), line(custom_id="b")])

    found = split_bytes(data, skip=True)

    assert found.marks == [(1, "invalid_value", "method")]
    assert [part.numbers for part in found.parts] == [[2, 3]]


def test_too_large_request_leaves_its_custom_id_only_when_skipped() -> None:
    data = lines([chat("a", "x" * 999), chat("a"), chat("a")])

    kept = split_bytes(data, Limits(bytes=500), skip=True)
    refused = split_bytes(data, Limits(bytes=500))

    assert [(each.line, each.code) for each in kept.problems] == [
        (1, "request_too_large"),
        (3, "duplicate_custom_id"),
    ]
    assert [(each.line, each.code) for each in refused.problems] == [
        (1, "request_too_large"),
        (2, "duplicate_custom_id"),
        (3, "duplicate_custom_id"),
    ]


def test_file_with_too_many_models_is_refused() -> None:
    limits = Limits(groups=3)
    data = lines(chat(str(n), model=f"m{n % 3}") for n in range(9))

    assert [part.numbers for part in split_bytes(data, limits).parts] == [
        [1, 4, 7],
        [2, 5, 8],
        [3, 6, 9],
    ]
    with pytest.raises(UnreadableFile, match="more than 3 different endpoints and models"):
        split_bytes(data + lines([chat("x", model="m3")]), limits)


def test_part_is_full_when_its_library_names_are_too_long() -> None:
    copying = Copying(io.BytesIO, None, resolve=lambda name: f"vs_{name}")
    splitter = Splitter(Limits(library_names=40), copying, skip=False)
    questions = [question(str(n), f"library:{10 + n % 45}") for n in range(90)]

    parts = list(splitter.split(io.BytesIO(lines(questions)), 1 << 20))

    assert splitter.problems.total == 0
    assert [len(part.libraries) for part in parts] == [20, 20, 20, 20, 10]
    assert sum(part.requests for part in parts) == 90


def test_file_with_too_many_parts_is_refused() -> None:
    limits = Limits(requests=1, parts=3)

    assert len(split_bytes(chats(3), limits).parts) == 3
    with pytest.raises(UnreadableFile, match="more than 3 parts"):
        split_bytes(chats(4), limits)


def test_file_with_too_many_duplicates_is_refused_with_a_sample() -> None:
    suspects = {hash(f"r/{n}") for n in range(1, 6)}
    limits, copying = Limits(suspects=5), Copying(io.BytesIO, None)
    splitter = Splitter(limits, copying, skip=True, suspects=suspects)

    with pytest.raises(UnreadableFile, match="at least 5 custom_ids"):
        list(splitter.split(ShortReads(chats(9) + chats(9), [BLOCK]), PLENTY))

    assert splitter.problems.by_code == {"duplicate_custom_id": 5}


def test_equal_hashes_of_different_custom_ids_are_no_duplicate() -> None:
    suspects = {hash("r/2")}
    copying = Copying(io.BytesIO, None)
    splitter = Splitter(Limits(), copying, skip=False, suspects=suspects)

    (part,) = splitter.split(ShortReads(chats(3), [BLOCK]), PLENTY)

    assert part.requests == 3
    assert not splitter.problems
    assert splitter.suspects() == set()
