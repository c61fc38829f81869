"""Whatever is dropped ends in results or in a report of what is wrong; never in silence."""

import gzip
import io
import json
import tracemalloc
from collections.abc import Callable
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import pytest
import zstandard
from moto import mock_aws

from shared.batchfile.hash_groups import WINDOW
from shared.batchfile.lines import BLOCK, GIVE_UP_BYTES, MAX_LINE_BYTES, UTF8_MARK
from shared.batchfile.part_builder import Copying
from shared.batchfile.refusals import UnreadableFile
from shared.batchfile.schema import Limits
from shared.batchfile.splitter import Splitter
from shared.jobs.model import Job, JobState
from shared.problems import KEPT
from tests.support.batch_files import chat, chats, lines
from tests.support.splits import PLENTY, line, reader, split_bytes
from tests.support.world import World

Mark = tuple[int | None, str, str | None]
MEGABYTE = 1 << 20
GOOD = chats(3)
DEEP = line(custom_id="deep", extra=json.loads("[" * 400 + "]" * 400))
TOO_DEEP = line(custom_id="deeper", extra=json.loads("[" * 600 + "]" * 600))
DUPLICATE = ("duplicate_custom_id", "custom_id")

MANY_PROBLEMS = b"\n".join(
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
EACH_REPORTED: list[Mark] = [
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
    ("many problems.jsonl", MANY_PROBLEMS, EACH_REPORTED),
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
    (
        "truncated.jsonl.gz",
        gzip.compress(GOOD, mtime=0)[:-4],
        [(None, "invalid_compression", None)],
    ),
    ("truncated.jsonl.zst", zstandard.compress(GOOD)[:-4], [(None, "invalid_compression", None)]),
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
    ("array.jsonl", json.dumps([chat("a")]).encode(), [(None, "json_array", None)]),
    (
        "pretty.jsonl",
        json.dumps(chat("a"), indent=8).encode(),
        [(None, "pretty_printed", None)],
    ),
    ("table.jsonl", b"custom_id,body\n1,2\n", [(None, "table", None)]),
    ("nested.jsonl", b'{"a":' * 100_000, [(1, "invalid_json_line", None)]),
    ("deep.jsonl", GOOD + TOO_DEEP + b"\n" + DEEP, [(4, "invalid_json_line", None)]),
    ("old mac.jsonl", GOOD.replace(b"\n", b"\r"), [(None, "line_ends", None)]),
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
    ("table.xlsx", GOOD, [(None, "unsupported_suffix", None)]),
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
    world.run_functions()
    return world.job(job)


@pytest.mark.parametrize(
    ("name", "content", "marks"), REFUSED, ids=[name or "inbox" for name, *_ in REFUSED]
)
def test_bad_file_ends_in_a_report_of_every_problem(
    world: World, name: str, content: bytes, marks: list[Mark]
) -> None:
    job = taken_in(world, name, content)

    assert job.state is JobState.REJECTED
    assert job.results_prefix.startswith("rejected/")
    written = report(world, job)
    assert [
        (each.get("line"), each["code"], each.get("param")) for each in written["problems"]
    ] == marks
    assert all(each["message"] and each["remedy"] for each in written["problems"])
    assert written["problems_total"] == sum(written["problems_by_code"].values()) == len(marks)
    assert written["source"]["key"] == f"inbox/{name}"
    assert [each["MessageAttributes"]["type"]["Value"] for each in world.published()] == [
        "Job Rejected"
    ]
    assert (world.parts(job.id), world.small.files) == ([], {})


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_file_name_works_like_any_other(world: World, name: str) -> None:
    good, bad = world.run_job(name, GOOD), taken_in(world, name, b"nonsense")

    assert (good.state, bad.state) == (JobState.COMPLETED, JobState.REJECTED)
    assert len(world.results(good)) == 3
    assert report(world, bad)["source"]["key"] == f"inbox/{name}"


def test_odd_but_good_lines_are_answered(world: World) -> None:
    job = world.run_job("odd.jsonl", ODD_BUT_GOOD)

    assert [each["custom_id"] for each in world.results(job)] == ODD_IDS
    assert job.notes == ["A byte order mark at the start of the file was removed."]


def test_skip_answers_good_lines_and_reports_bad_ones(world: World) -> None:
    job = world.run_job("mixed.jsonl", MANY_PROBLEMS + b"\n" + GOOD, bad_lines="skip")

    assert [each["custom_id"] for each in world.results(job)] == ["1", "6", "r/1", "r/2", "r/3"]
    written = report(world, job)
    marks = [(each["line"], each["code"], each["param"]) for each in written["skipped"]["problems"]]
    assert marks == [each for each in EACH_REPORTED if each != (25, *DUPLICATE)]
    assert written["requests"]["skipped"] == written["skipped"]["lines"]
    assert written["requests"]["total"] == 5


def test_skip_still_rejects_a_file_without_a_good_line(world: World) -> None:
    job = taken_in(world, "bad.jsonl", b"nonsense\n", bad_lines="skip")

    assert job.state is JobState.REJECTED
    assert report(world, job)["options"] == {"bad-lines": "skip"}


def test_skip_still_rejects_a_truncated_compressed_file(world: World) -> None:
    content = gzip.compress(chats(5_000))[:-4]

    job = taken_in(world, "truncated.jsonl.gz", content, bad_lines="skip")

    assert job.state is JobState.REJECTED


def test_invalid_option_rejects_the_file_before_it_is_read(world: World) -> None:
    job = taken_in(world, "a.jsonl", b"nonsense", bad_line="skip", max_attempts="0")

    written = report(world, job)
    assert written["problems_by_code"] == {"unknown_option": 1, "invalid_option": 1}
    assert written["options"] == {"bad-line": "skip", "max-attempts": "0"}


def test_file_deleted_before_it_was_read_is_rejected(world: World) -> None:
    job = world.drop("a.jsonl", GOOD)
    version = world.s3.list_object_versions(Bucket="test-inbox")["Versions"][0]["VersionId"]
    world.s3.delete_object(Bucket="test-inbox", Key="inbox/a.jsonl", VersionId=version)

    world.run_functions()

    assert report(world, world.job(job))["problems_by_code"] == {"object_gone": 1}


@pytest.mark.parametrize(
    ("name", "pack"), [("a.jsonl.gz", gzip.compress), ("a.jsonl.zst", zstandard.compress)]
)
def test_compression_bomb_is_rejected_at_the_limit(
    name: str, pack: Callable[[bytes], bytes]
) -> None:
    with mock_aws():
        world = World(settings={"max_file_bytes": 10 * MEGABYTE})
        job = taken_in(world, name, pack((b" " * 999 + b"\n") * 50_000))

        assert report(world, job)["problems_by_code"] == {"file_too_large": 1}


def test_limits_of_a_part_split_a_file_and_reject_a_request() -> None:
    with mock_aws():
        world = World(settings={"max_part_bytes": 600, "max_part_requests": 2})
        job = world.run_job("a.jsonl", lines([chat("a"), chat("b"), chat("c"), chat("d")]))
        large = taken_in(world, "large.jsonl", lines([chat("a"), chat("b", "x" * 600)]))

        assert [part.requests for part in world.parts(job.id)] == [2, 2]
        assert [each["line"] for each in report(world, large)["problems"]] == [2]


def test_report_of_many_problems_is_bounded_and_counts_all(world: World) -> None:
    job = taken_in(world, "bad.jsonl", b"{}\n" * 5_000 + GOOD)

    written = report(world, job)
    assert len(written["problems"]) == KEPT
    assert written["problems_by_code"] == {"missing_required_parameter": 20_000}
    assert (written["lines"], written["bad_lines"]) == (5_003, 5_000)


def test_many_bad_lines_are_counted_and_the_first_kept() -> None:
    block = line(method="GET") + b"\n" + line(custom_id=...) + b"\n"
    copying = Copying(io.BytesIO, None)
    splitter = Splitter(Limits(), copying, skip=True)

    source = chain([line(custom_id="good") + b"\n"], repeat(block * 1_000, 100))
    (part,) = splitter.split(reader(source), PLENTY)

    assert part.requests == 1
    assert len(splitter.problems.first) == KEPT
    assert splitter.problems.bad_lines == 200_000
    assert splitter.problems.by_code == {
        "invalid_value": 100_000,
        "missing_required_parameter": 100_000,
    }


def test_single_line_of_two_gigabytes_is_refused_in_bounded_memory() -> None:
    source = reader(chain([b'{"custom_id": "'], repeat(b"x" * BLOCK, (2 << 30) // BLOCK)))
    splitter = Splitter(Limits(), Copying(io.BytesIO, None), skip=True)
    tracemalloc.start()

    with pytest.raises(UnreadableFile, match=f"more than {GIVE_UP_BYTES:,} bytes"):
        list(splitter.split(source, PLENTY))

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < MAX_LINE_BYTES + 8 * MEGABYTE


@pytest.mark.parametrize("last", [b'"}]}}\n', b'"}]\n'])
def test_line_of_many_megabytes_is_split_with_two_copies_in_memory(last: bytes) -> None:
    opening = lines([chat("a", "")]).partition(b'"}]}}')[0]
    pieces = chain([opening], repeat(("😀" * (BLOCK // 4)).encode(), 128), [last])
    tracemalloc.start()

    with Path("/dev/null").open("r+b") as nowhere:
        splitter = Splitter(Limits(), Copying(lambda: nowhere, None), skip=True)
        list(splitter.split(reader(pieces), PLENTY))

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert splitter.lines == 1
    assert peak < 2 * 128 * BLOCK + 16 * MEGABYTE


def test_too_long_line_is_reported_and_the_rest_is_read() -> None:
    long = chain([line(custom_id="1") + b"\n"], repeat(b"x" * BLOCK, 257), [b"\n" + line()])
    splitter = Splitter(Limits(), Copying(io.BytesIO, None), skip=True)

    (part,) = splitter.split(reader(long), PLENTY)

    assert list(part.copied_numbers) == [1, 3]
    assert [(each.line, each.code) for each in splitter.problems.first] == [
        (2, "request_too_large")
    ]


def test_duplicates_are_found_across_parts() -> None:
    data = chats(2_000) + lines([chat("r/1", model="gpt-4.1"), chat("r/1999")])

    found = split_bytes(data, Limits(requests=100))

    assert found.marks == [(2_001, *DUPLICATE), (2_002, *DUPLICATE)]
    assert [each.remedy for each in found.problems] == [
        "line 1 has it already: give each line its own",
        "line 1999 has it already: give each line its own",
    ]


def test_file_that_repeats_itself_counts_every_duplicate() -> None:
    found = split_bytes(chats(5_000) * 2)

    assert found.by_code == {"duplicate_custom_id": 5_000}
    assert len(found.problems) == KEPT
    assert found.problems[0].line == 5_001


@pytest.mark.parametrize("is_doubled", [False, True])
def test_more_lines_than_are_remembered_in_memory(*, is_doubled: bool) -> None:
    """Their custom_ids go to the disk, and are compared while that is there."""
    one = (
        b'{"custom_id":"%d","method":"POST","url":"/v1/responses","body":{"model":"m","input":"a"}}'
    )
    numbers = [*range(WINDOW + 9), 0 if is_doubled else -1]
    data = b"\n".join(one % each for each in numbers)
    with mock_aws():
        world = World()
        dropped = world.drop("a.jsonl", data)
        world.run_function("intake")
        job = world.job(dropped)

    assert job.state is (JobState.REJECTED if is_doubled else JobState.ACCEPTED)
    assert job.requests == (0 if is_doubled else len(numbers))
