"""Names in the data bucket: made from the dropped name, and never too long for S3."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.jobs import keys
from tests.support.records import job, part
from tests.support.splits import bounded

JOB = "0123456789abcdef"
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=1_024)


@pytest.mark.parametrize(
    ("key", "suffix"),
    [
        ("inbox/a.jsonl", ".jsonl"),
        ("inbox/a.b/c.jsonl.gz", ".jsonl.gz"),
        ("inbox/A.JSONL.ZST", ".jsonl.zst"),
        ("inbox/ .jsonl", ".jsonl"),
        ("inbox/.jsonl", None),
        ("inbox/a/.jsonl.gz", None),
        ("inbox/a.json", None),
        ("inbox/a.jsonl.txt", None),
        ("inbox/a.gz", None),
        ("inbox/a.jsonl/", None),
        ("inbox/ajsonl", None),
        ("inbox/", None),
    ],
)
def test_accepted_suffix_is_known_by_the_name(key: str, suffix: str | None) -> None:
    assert keys.accepted_suffix(key) == suffix


@pytest.mark.parametrize(
    ("key", "packed"),
    [("a.jsonl", False), ("a.jsonl.gz", True), ("a.JSONL.GZ", True), ("a.jsonl.zst", True)],
)
def test_is_packed_is_known_by_the_name(key: str, packed: bool) -> None:
    assert keys.is_packed(key) is packed


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("inbox/a.jsonl", "a"),
        ("inbox/any/path/a.jsonl.gz", "any/path/a"),
        ("inbox/with space+plus/ü.jsonl", "with space+plus/ü"),
        ("inbox/a.txt", "a.txt"),
        ("inbox/folder/", "folder"),
        ("inbox/../../etc/passwd.jsonl", "_/_/etc/passwd"),
        ("inbox/./a.jsonl", "_/a"),
        ("inbox/...jsonl", "_"),
        ("inbox/.jsonl", ".jsonl"),
        ("elsewhere/a.jsonl", "elsewhere/a"),
    ],
)
def test_results_prefix_follows_the_path_of_the_file(key: str, path: str) -> None:
    assert keys.results_prefix(JOB, key) == f"results/{path}/{JOB}/"
    assert keys.rejected_prefix(JOB, key) == f"rejected/{path}/{JOB}/"


@pytest.mark.parametrize("key", ["inbox/", "inbox//", ""])
def test_results_prefix_of_an_empty_name_is_the_job(key: str) -> None:
    assert keys.rejected_prefix(JOB, key) == f"rejected/{JOB}/"


@bounded
@given(names)
def test_results_prefix_leaves_space_for_every_file_name(name: str) -> None:
    prefix = keys.rejected_prefix(JOB, f"inbox/{name}")

    assert len(f"{prefix}extras-900001.jsonl".encode()) <= keys.LONGEST
    assert prefix.startswith("rejected/")
    assert prefix.endswith(f"/{JOB}/")
    assert not {".", ".."} & set(prefix.split("/"))


def test_two_long_names_have_different_prefixes() -> None:
    one, two = (keys.results_prefix(JOB, f"inbox/{'ü' * 500}{end}.jsonl") for end in "ab")

    assert one != two
    assert one.startswith("results/" + "ü" * 400)
    assert len(f"{one}extras-900001.jsonl".encode()) <= keys.LONGEST


def test_keys_of_a_part_hold_its_number() -> None:
    named = [
        each(part(number=7))
        for each in (
            keys.part_key,
            keys.lines_key,
            keys.landed_key,
            keys.retry_key,
            keys.retry_lines_key,
        )
    ]

    assert named == [
        "parts/j1/000007.jsonl",
        "parts/j1/000007.lines",
        "parts/j1/000007.results.jsonl",
        "parts/j1/000007.retry.jsonl",
        "parts/j1/000007.retry.lines",
    ]
    assert keys.split_lines_key(part(number=7), 31) == "parts/j1/000007.from-31.lines"


def test_extra_answers_lie_beside_the_results() -> None:
    found = keys.extras_key(job(results_prefix="results/a/j1/"), part(number=900_001))

    assert found == "results/a/j1/extras-900001.jsonl"
    assert len("extras-900001.jsonl") <= keys.LONGEST_FILE
