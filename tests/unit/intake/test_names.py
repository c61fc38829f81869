"""Each wrong name has a remedy of its own."""

import pytest

from functions.intake.names import OTHER, wrong_name


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("a.ndjson", "the same format"),
        ("A.NDJSON", "the same format"),
        ("a.jsonlines", "the same format"),
        ("a.ndjson.gz", "ends in .jsonl.gz"),
        ("a.json", "jq -c '.[]'"),
        ("a.xlsx", "save it as CSV"),
        ("a.xls", "save it as CSV"),
        ("a.gz", "name it ….jsonl.gz"),
        ("a.json.zst", "name it ….jsonl.zst"),
        ("a.tar.gz", "unpack it"),
        ("a.zip", "unpack it"),
        ("a.jsonl.bz2", "gzip or zstd"),
        ("a.jsonl.part", "final name"),
        (".jsonl", "before the suffix"),
        (".jsonl.gz", "before the suffix"),
        ("_SUCCESS", "nothing to do"),
        (".part-0.jsonl.crc", "nothing to do"),
        ("a.txt", OTHER),
        ("no suffix", OTHER),
        ("jsonl", OTHER),
    ],
)
def test_wrong_name_has_its_own_remedy(name: str, remedy: str) -> None:
    problem = wrong_name(f"inbox/some folder/{name}")

    assert (problem.code, remedy in problem.remedy) == ("unsupported_suffix", True)
