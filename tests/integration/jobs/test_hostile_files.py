"""Whatever is dropped ends in results or in a report of what is wrong; never in silence."""

import gzip
import io
import json
import time
import tracemalloc
from collections.abc import Callable
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest
import zstandard
from moto import mock_aws

from shared.batchfile.lines import BLOCK, HOPELESS_BYTES, MAX_LINE_BYTES, UTF8_MARK, Unreadable
from shared.batchfile.part_builder import Copying
from shared.batchfile.schema import Limits
from shared.batchfile.splitter import Splitter
from shared.jobs.model import Job, JobState
from shared.problems import KEPT
from tests.support.batch_files import chat, chats, lines
from tests.support.splits import PLENTY, cut, line, reader
from tests.support.world import World

Mark = tuple[int | None, str, str | None]
MEGABYTE = 1 << 20
GOOD = chats(3)
DUPLICATE = ("duplicate_custom_id", "custom_id")

TWENTY_FAULTS = b"\n".join(
    [
        line(custom_id="1"),
        line(custom_id=...),
        line(custom_id=3),
        line(custom_id=""),
        line(custom_id="5", method=...),
        line(custom_id="6", method="GET"),
        line(custom_id="7", method=None, url=None),
        line(custom_id="8", url="/v1/audio/speech"),
        line(custom_id="9", url=["/v1/responses"]),
        line(custom_id="10", body=...),
        line(custom_id="11", body="text"),
        line(custom_id="12", body={}),
        line(custom_id="13", body={"model": 5, "stream": True}),
        line(custom_id="14", body={"model": "m", "stream": "yes"}),
        line(custom_id="1"),
        b"not JSON",
        b"",
        b"[1, 2]",
        line(custom_id="18").replace(b"gpt", b"\xff"),
        line(custom_id="19") + line(custom_id="20"),
        line(custom_id="21")[:50],
        line(custom_id="21")[50:],
        line(custom_id="22", body={"model": "x" * 300}),
        b'{"custom_id": 0, ' + line(custom_id="23")[1:],
        line(custom_id="6"),
        line(custom_id="25").replace(b"[]", b'"\\ud800"'),
        line(custom_id="26").replace(b"[]", b'"\0"'),
        line(custom_id="27").replace(b"[]", b"NaN"),
    ]
)
EACH_NAMED: list[Mark] = [
    (2, "missing_required_parameter", "custom_id"),
    (3, "invalid_type", "custom_id"),
    (4, "invalid_value", "custom_id"),
    (5, "missing_required_parameter", "method"),
    (6, "invalid_value", "method"),
    (7, "missing_required_parameter", "method"),
    (7, "missing_required_parameter", "url"),
    (8, "invalid_url", "url"),
    (9, "invalid_type", "url"),
    (10, "missing_required_parameter", "body"),
    (11, "invalid_type", "body"),
    (12, "invalid_request", "body.model"),
    (13, "invalid_type", "body.model"),
    (13, "streaming_unsupported", "body.stream"),
    (14, "invalid_type", "body.stream"),
    (15, *DUPLICATE),
    (16, "invalid_json_line", None),
    (18, "invalid_json_line", None),
    (19, "invalid_encoding", None),
    (20, "invalid_json_line", None),
    (21, "invalid_json_line", None),
    (22, "invalid_json_line", None),
    (23, "invalid_value", "body.model"),
    (24, "duplicate_key", None),
    (25, *DUPLICATE),
    (26, "invalid_json_line", None),
    (27, "invalid_json_line", None),
    (28, "invalid_json_line", None),
]

REFUSED: list[tuple[str, bytes, list[Mark]]] = [
    ("twenty faults.jsonl", TWENTY_FAULTS, EACH_NAMED),
    ("empty.jsonl", b"", [(None, "empty_file", None)]),
    ("blank.jsonl", b"\n\n \t\n\r\n", [(None, "empty_file", None)]),
    ("mark.jsonl", UTF8_MARK, [(None, "empty_file", None)]),
    ("empty.jsonl.gz", b"", [(None, "empty_file", None)]),
    ("empty inside.jsonl.gz", gzip.compress(b"", mtime=0), [(None, "empty_file", None)]),
    ("empty inside.jsonl.zst", zstandard.compress(b""), [(None, "empty_file", None)]),
    ("utf16-le.jsonl", GOOD.decode().encode("utf-16"), [(None, "invalid_encoding", None)]),
    (
        "utf16-be.jsonl",
        b"\xfe\xff" + GOOD.decode().encode("utf-16-be"),
        [(None, "invalid_encoding", None)],
    ),
    ("two marks.jsonl", UTF8_MARK * 2 + GOOD, [(1, "invalid_json_line", None)]),
    ("packed.jsonl", gzip.compress(GOOD, mtime=0), [(None, "invalid_encoding", None)]),
    ("packed too.jsonl", zstandard.compress(GOOD), [(None, "invalid_encoding", None)]),
    (
        "twice.jsonl.gz",
        gzip.compress(gzip.compress(GOOD, mtime=0), mtime=0),
        [(None, "invalid_encoding", None)],
    ),
    ("plain.jsonl.gz", GOOD, [(None, "invalid_compression", None)]),
    ("plain.jsonl.zst", GOOD, [(None, "invalid_compression", None)]),
    ("cut.jsonl.gz", gzip.compress(GOOD, mtime=0)[:-4], [(None, "invalid_compression", None)]),
    ("cut.jsonl.zst", zstandard.compress(GOOD)[:-4], [(None, "invalid_compression", None)]),
    (
        "more.jsonl.gz",
        gzip.compress(GOOD, mtime=0) + b"more",
        [(None, "invalid_compression", None)],
    ),
    ("more.jsonl.zst", zstandard.compress(GOOD) + b"more", [(None, "invalid_compression", None)]),
    (
        "binary.jsonl",
        b"\x7fELF\x02\x01\0\xff\n\0\xfe",
        [(1, "invalid_encoding", None), (2, "invalid_encoding", None)],
    ),
    ("array.jsonl", json.dumps([chat("a")]).encode(), [(1, "invalid_json_line", None)]),
    (
        "pretty.jsonl",
        json.dumps(chat("a"), indent=8).encode(),
        [(number, "invalid_json_line", None) for number in range(1, 15)],
    ),
    ("table.jsonl", b"custom_id,body\n1,2\n", [(n, "invalid_json_line", None) for n in (1, 2)]),
    ("nested.jsonl", b'{"a":' * 100_000, [(1, "invalid_json_line", None)]),
    ("old mac.jsonl", GOOD.replace(b"\n", b"\r"), [(1, "invalid_json_line", None)]),
    ("far.jsonl", GOOD + b"\n" * 9 + lines([chat("r/1")]), [(13, *DUPLICATE)]),
    (
        "other model.jsonl",
        lines([chat("a"), chat("a", model="gpt-4.1"), chat("a")]),
        [(2, *DUPLICATE), (3, *DUPLICATE)],
    ),
    (
        "models.jsonl",
        lines(chat(str(n), model=f"m{n}") for n in range(201)),
        [(None, "too_many_models", None)],
    ),
    ("notes.txt", GOOD, [(None, "unsupported_suffix", None)]),
    ("no suffix", GOOD, [(None, "unsupported_suffix", None)]),
    ("table.jsonl.csv", GOOD, [(None, "unsupported_suffix", None)]),
    (".jsonl", GOOD, [(None, "unsupported_suffix", None)]),
    ("", b"", [(None, "not_a_file", None)]),
    ("folder/", b"", [(None, "not_a_file", None)]),
    ("folder.jsonl/", b"", [(None, "not_a_file", None)]),
]
ODD_NAMES = [
    "with space.jsonl",
    "plus+and%20percent&amp.jsonl",
    "ünï/码/😀.jsonl",
    "x" * 900 + ".jsonl",
    "ü" * 450 + ".jsonl",
    "a/" * 400 + "deep.jsonl",
    "../../etc/passwd.jsonl",
    "./here.jsonl",
    "quote'\"<>|*?.jsonl",
    "UPPER.JSONL",
    "dots....jsonl",
    "twice.jsonl.jsonl",
    " .jsonl",
]

ODD_BUT_GOOD = b"\r\n".join(
    [
        UTF8_MARK + line(custom_id="\0"),
        line(custom_id="\u2028 😀 \x85"),
        b"",
        b"  " + line(custom_id='"quoted\\"') + b" \t",
        line(custom_id="big").replace(b"[]", b'[{"role": "user", "content": "x", "n": 1e999}]'),
        b'{"custom_id": "first", ' + line(custom_id="last wins")[1:],
        line(custom_id="x" * 5_000),
        line(custom_id="../../" * 20),
    ]
)
ODD_IDS = [
    "\0",
    "\u2028 😀 \x85",
    '"quoted\\"',
    "big",
    "last wins",
    "x" * 5_000,
    "../../" * 20,
]


def report(world: World, job: Job) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(world.read(f"{job.results_prefix}report.json"))
    return found


def taken_in(world: World, name: str, content: bytes, **options: str) -> Job:
    job = world.drop(name, content, **options)
    world.work()
    return world.job(job)


@pytest.mark.parametrize(
    ("name", "content", "marks"), REFUSED, ids=[name or "inbox" for name, *_ in REFUSED]
)
def test_a_bad_file_ends_in_a_report_of_all_that_is_wrong(
    world: World, name: str, content: bytes, marks: list[Mark]
) -> None:
    job = taken_in(world, name, content)

    assert job.state is JobState.REJECTED
    assert job.results_prefix.startswith("rejected/")
    told = report(world, job)
    assert [
        (each.get("line"), each["code"], each.get("param")) for each in told["problems"]
    ] == marks
    assert all(each["message"] and each["remedy"] for each in told["problems"])
    assert told["problems_total"] == sum(told["problems_by_code"].values()) == len(marks)
    assert told["source"]["key"] == f"inbox/{name}"
    assert [each["MessageAttributes"]["type"]["Value"] for each in world.told()] == ["Job Rejected"]
    assert (world.parts(job.id), world.small.files) == ([], {})


@pytest.mark.parametrize("name", ODD_NAMES)
def test_an_odd_name_is_a_name_like_any_other(world: World, name: str) -> None:
    good, bad = world.run(name, GOOD), taken_in(world, name, b"nonsense")

    assert (good.state, bad.state) == (JobState.COMPLETED, JobState.REJECTED)
    assert len(world.results(good)) == 3
    assert report(world, bad)["source"]["key"] == f"inbox/{name}"


def test_odd_lines_that_are_good_are_answered(world: World) -> None:
    job = world.run("odd.jsonl", ODD_BUT_GOOD)

    assert [each["custom_id"] for each in world.results(job)] == ODD_IDS
    assert job.notes == ["A byte order mark at the start of the file was taken off."]


def test_with_skip_the_good_lines_are_answered_and_the_bad_ones_reported(world: World) -> None:
    job = world.run("mixed.jsonl", TWENTY_FAULTS + b"\n" + GOOD, bad_lines="skip")

    assert [each["custom_id"] for each in world.results(job)] == ["1", "6", "r/1", "r/2", "r/3"]
    told = report(world, job)
    marks = [(each["line"], each["code"], each["param"]) for each in told["skipped"]["problems"]]
    assert marks == [each for each in EACH_NAMED if each != (25, *DUPLICATE)]
    assert told["requests"]["skipped"] == told["skipped"]["lines"]
    assert told["requests"]["total"] == 5


def test_with_skip_a_file_without_a_good_line_is_refused(world: World) -> None:
    job = taken_in(world, "bad.jsonl", b"nonsense\n", bad_lines="skip")

    assert job.state is JobState.REJECTED
    assert report(world, job)["options"] == {"bad-lines": "skip"}


def test_with_skip_an_archive_that_is_cut_is_refused_all_the_same(world: World) -> None:
    content = gzip.compress(chats(5_000))[:-4]

    job = taken_in(world, "cut.jsonl.gz", content, bad_lines="skip")

    assert job.state is JobState.REJECTED


def test_a_wish_that_cannot_be_is_refused_before_the_file_is_read(world: World) -> None:
    job = taken_in(world, "a.jsonl", b"nonsense", bad_line="skip", max_attempts="0")

    told = report(world, job)
    assert told["problems_by_code"] == {"unknown_option": 1, "invalid_option": 1}
    assert told["options"] == {"bad-line": "skip", "max-attempts": "0"}


def test_a_file_that_was_deleted_before_it_was_read_is_reported(world: World) -> None:
    job = world.drop("a.jsonl", GOOD)
    version = world.s3.list_object_versions(Bucket="test-inbox")["Versions"][0]["VersionId"]
    world.s3.delete_object(Bucket="test-inbox", Key="inbox/a.jsonl", VersionId=version)

    world.work()

    assert report(world, world.job(job))["problems_by_code"] == {"object_gone": 1}


@pytest.mark.parametrize(
    ("name", "pack"), [("a.jsonl.gz", gzip.compress), ("a.jsonl.zst", zstandard.compress)]
)
def test_a_bomb_is_refused_at_the_limit(name: str, pack: Callable[[bytes], bytes]) -> None:
    with mock_aws():
        world = World(settings={"max_file_bytes": 10 * MEGABYTE})
        job = taken_in(world, name, pack((b" " * 999 + b"\n") * 50_000))

        assert report(world, job)["problems_by_code"] == {"file_too_large": 1}


def test_limits_of_a_part_cut_a_file_and_refuse_a_request() -> None:
    with mock_aws():
        world = World(settings={"max_part_bytes": 600, "max_part_requests": 2})
        job = world.run("a.jsonl", lines([chat("a"), chat("b"), chat("c"), chat("d")]))
        large = taken_in(world, "large.jsonl", lines([chat("a"), chat("b", "x" * 600)]))

        assert [part.requests for part in world.parts(job.id)] == [2, 2]
        assert [each["line"] for each in report(world, large)["problems"]] == [2]


def test_a_report_of_very_many_problems_is_bounded_and_counts_all(world: World) -> None:
    job = taken_in(world, "bad.jsonl", b"{}\n" * 5_000 + GOOD)

    told = report(world, job)
    assert len(told["problems"]) == KEPT
    assert told["problems_by_code"] == {"missing_required_parameter": 20_000}
    assert (told["lines"], told["bad_lines"]) == (5_003, 5_000)


def test_a_million_bad_lines_are_counted_in_seconds() -> None:
    block = line(method="GET") + b"\n" + line(custom_id=...) + b"\n"
    copying = Copying(io.BytesIO, None)
    cutter = Splitter(Limits(), copying, skip=True)
    started = time.process_time()

    drafts = list(cutter.drafts(reader(repeat(block * 1_000, 500)), PLENTY))

    assert time.process_time() - started < 60  # 8 on a slow core
    assert drafts == []
    assert len(cutter.problems.first) == KEPT
    assert cutter.problems.bad_lines == 1_000_000
    assert cutter.problems.by_code == {
        "invalid_value": 500_000,
        "missing_required_parameter": 500_000,
    }


def test_a_single_line_of_two_gigabytes_is_refused_in_bounded_memory() -> None:
    source = reader(chain([b'{"custom_id": "'], repeat(b"x" * BLOCK, (2 << 30) // BLOCK)))
    cutter = Splitter(Limits(), Copying(io.BytesIO, None), skip=True)
    tracemalloc.start()

    with pytest.raises(Unreadable, match=f"more than {HOPELESS_BYTES:,} bytes"):
        list(cutter.drafts(source, PLENTY))

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < MAX_LINE_BYTES + 8 * MEGABYTE


@pytest.mark.parametrize("last", [b'"}]}}\n', b'"}]\n'])
def test_a_line_of_many_megabytes_good_or_bad_is_in_memory_twice_at_most(last: bytes) -> None:
    opening = lines([chat("a", "")]).partition(b'"}]}}')[0]
    pieces = chain([opening], repeat(("😀" * (BLOCK // 4)).encode(), 128), [last])
    tracemalloc.start()

    with Path("/dev/null").open("r+b") as nowhere:
        cutter = Splitter(Limits(), Copying(lambda: nowhere, None), skip=True)
        list(cutter.drafts(reader(pieces), PLENTY))

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert cutter.lines == 1
    assert peak < 2 * 128 * BLOCK + 16 * MEGABYTE


def test_a_line_that_is_too_long_is_named_and_the_rest_is_read() -> None:
    long = chain([line(custom_id="1") + b"\n"], repeat(b"x" * BLOCK, 257), [b"\n" + line()])
    cutter = Splitter(Limits(), Copying(io.BytesIO, None), skip=True)

    (draft,) = cutter.drafts(reader(long), PLENTY)

    assert list(draft.lines) == [1, 3]
    assert [(each.line, each.code) for each in cutter.problems.first] == [(2, "request_too_large")]


def test_duplicates_are_found_windows_apart_and_across_parts() -> None:
    data = chats(2_000) + lines([chat("r/1", model="gpt-4.1"), chat("r/1999")])

    found = cut(data, Limits(requests=100))

    assert found.marks == [(2_001, *DUPLICATE), (2_002, *DUPLICATE)]
    assert [each.remedy for each in found.problems] == [
        "it stands on line 1 already: give each line its own",
        "it stands on line 1999 already: give each line its own",
    ]


def test_a_file_that_stands_in_itself_twice_is_counted_whole() -> None:
    found = cut(chats(5_000) * 2)

    assert found.by_code == {"duplicate_custom_id": 5_000}
    assert len(found.problems) == KEPT
    assert found.problems[0].line == 5_001
