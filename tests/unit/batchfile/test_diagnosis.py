"""A file that is no JSON Lines has one problem: what it is, and the command that mends it."""

import gzip
import io
import json
import subprocess
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from shared.batchfile.diagnosis import PEEK, refuse_other_formats
from shared.batchfile.lines import unpacked
from shared.batchfile.refusals import UnreadableFile
from tests.support.batch_files import chat, chats
from tests.support.splits import BatchFile, batch_files, bounded, split_bytes

REQUESTS = [chat(f"r{n}", text) for n, text in enumerate(["Grüße, [x]", "b}, ", 'it\'s "c"'])]
PLAIN = [chat(f"r{n}", temperature=None, store=True) for n in range(3)]
LINES = [json.dumps(each, ensure_ascii=False) for each in REQUESTS]
GOOD = "\n".join(LINES) + "\n"
PRETTY = "\n".join(json.dumps(each, indent=2, ensure_ascii=False) for each in REQUESTS)
COMMAS = ",\n".join(LINES) + ",\n"
INSIDE = "\n".join(json.dumps(each)[:-1] + ", }" for each in PLAIN) + "\n"
PYTHON = "\n".join(map(repr, PLAIN)) + "\n"
BIG = chat("big", "x" * 2 * PEEK)

MENDED: list[tuple[str, str, list[dict[str, Any]]]] = [
    ("json_array", json.dumps(REQUESTS), REQUESTS),
    ("json_array", json.dumps(REQUESTS, indent=2), REQUESTS),
    ("json_array", "[\n" + ",\n".join(LINES) + "\n]\n", REQUESTS),
    ("json_array", json.dumps([BIG, *REQUESTS]), [BIG, *REQUESTS]),
    ("pretty_printed", PRETTY, REQUESTS),
    ("pretty_printed", json.dumps(BIG, indent=4), [BIG]),
    ("pretty_printed", json.dumps(PLAIN[0], indent=0), PLAIN[:1]),
    ("pretty_printed", GOOD[:-1].replace(', "url"', ',\n  "url"'), REQUESTS),
    ("trailing_commas", COMMAS, REQUESTS),
    ("trailing_commas", COMMAS.replace(",\n", ", \r\n"), REQUESTS),
    ("trailing_commas", INSIDE, PLAIN),
    ("python_literals", PYTHON, PLAIN),
    ("python_literals", PYTHON.replace("'", '"'), PLAIN),
    ("line_ends", GOOD.replace("\n", "\r"), REQUESTS),
    ("invalid_encoding", GOOD.encode("utf-16").decode("latin-1"), REQUESTS),
]
ENCODED = [
    *(GOOD.encode(f"utf-{bits}-{end}") for bits in (16, 32) for end in ("le", "be")),
    *("\ufeff".encode(each) + GOOD.encode(each) for each in ("utf-16-be", "utf-32-be")),
    GOOD.encode("utf-16"),
    GOOD.encode("utf-32"),
    "\n".join([LINES[0]] * 2).encode("latin-1"),
]
OTHERS = [
    ("table", b"custom_id,prompt\n1,hello\n2,hi\n"),
    ("table", b"custom_id\tprompt\r\n1\thello\r\n"),
    ("table", b'"id";"text"\n"1";"a, b"\n'),
    ("table", b"a,b\n" * PEEK),
    ("binary_file", b"PK\x03\x04 xl/workbook.xml"),
    ("binary_file", b"PAR1\x15\x04"),
    ("binary_file", b"%PDF-1.7\n%\xe2\xe3"),
    ("binary_file", b"\x89PNG\r\n\x1a\n"),
    ("binary_file", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    ("binary_file", b"BZh91AY&SY"),
    ("binary_file", b"\xfd7zXZ\0\0"),
    ("invalid_encoding", gzip.compress(b"{}", mtime=0)),
    ("invalid_encoding", zstandard.compress(b"{}")),
    ("web_page", b"<!DOCTYPE html>\n<html><body>502, Bad Gateway</body></html>"),
    ("web_page", b"\n <HTML>"),
    ("web_page", b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'),
]


def diagnosed(data: bytes, *, skip: bool = False) -> UnreadableFile:
    with pytest.raises(UnreadableFile) as caught:
        refuse_other_formats(data, whole=True, skip=skip)
    return caught.value


@pytest.mark.parametrize(
    ("code", "text", "requests"), MENDED, ids=[f"{n} {each[0]}" for n, each in enumerate(MENDED)]
)
@pytest.mark.parametrize("skip", [False, True])
def test_command_of_the_remedy_mends_the_file(
    code: str, text: str, requests: list[dict[str, Any]], skip: bool, tmp_path: Any
) -> None:
    data = text.encode("latin-1" if text[:2] == "ÿþ" else "utf-8")
    found = diagnosed(data, skip=skip)
    command = found.remedy.split(": ", 1)[-1] if ": " in found.remedy else found.remedy
    command = command[command.index("(") + 1 : -1] if "(iconv" in command else command
    command = command.removeprefix("as in: ")

    (tmp_path / "FILE").write_bytes(data)
    subprocess.run(command, shell=True, check=True, cwd=tmp_path)  # it is ours

    assert found.code == code
    mended = (tmp_path / "requests.jsonl").read_bytes().removeprefix(b"\xef\xbb\xbf")
    assert [json.loads(line) for line in mended.splitlines() if line.strip()] == requests
    refuse_other_formats(mended, whole=True, skip=skip)


@pytest.mark.parametrize("data", ENCODED, ids=range(len(ENCODED)))
def test_text_that_is_no_utf8_is_named(data: bytes) -> None:
    found = diagnosed(data)

    assert (found.code, "iconv -f" in found.remedy) == ("invalid_encoding", True)


@pytest.mark.parametrize(("code", "data"), OTHERS, ids=range(len(OTHERS)))
def test_file_of_another_kind_is_named(code: str, data: bytes) -> None:
    assert (diagnosed(data).code, diagnosed(data, skip=True).code) == (code, code)


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (chats(1), "a.jsonl.gz", "not compressed"),
        (chats(1), "a.jsonl.zst", "not compressed"),
        (b"custom_id,b\n1,2", "a.jsonl.gz", "not compressed"),
        (zstandard.compress(chats(1)), "a.jsonl.gz", "zstd"),
        (gzip.compress(chats(1), mtime=0), "a.jsonl.zst", "gzip"),
        (b"PK\x03\x04", "a.jsonl.gz", "zip archive"),
    ],
)
def test_file_that_is_packed_otherwise_than_its_name_says_is_named(
    data: bytes, name: str, said: str
) -> None:
    with pytest.raises(UnreadableFile) as caught:
        unpacked(io.BytesIO(data), name).read(10)

    assert said.replace("not compressed", "but it is not") in str(caught.value)


@bounded
@given(batch_files(), st.booleans(), st.integers(1, 400))
def test_valid_file_is_never_diagnosed_away(file: BatchFile, skip: bool, cut: int) -> None:
    data = file.data.removeprefix(b"\xef\xbb\xbf")

    refuse_other_formats(data, whole=True, skip=skip)
    refuse_other_formats(data[:cut], whole=False, skip=skip)
    assert split_bytes(file.data, skip=skip).problems == []


@pytest.mark.parametrize("start", [b"", b"\n \r\n", b" "])
def test_request_longer_than_what_is_looked_at_is_no_other_format(start: bytes) -> None:
    data = start + json.dumps(BIG).encode() + b"\n" + GOOD.encode()

    refuse_other_formats(data[:PEEK], whole=False, skip=False)
    refuse_other_formats(data, whole=True, skip=True)


@pytest.mark.parametrize(
    "first", [b"nonsense", b"a,b\nc,d", b"{'a': 1}", b"{},", b"#, comment\n#, more"]
)
def test_skip_takes_good_lines_behind_a_bad_one(first: bytes) -> None:
    found = split_bytes(first + b"\n" + chats(3), skip=True)

    assert found.requests == 3


@pytest.mark.parametrize("data", [b"nonsense\n", b"{}\n", b"{\n", b"{'a': \n", b"", b"Hello, you"])
def test_lines_are_looked_at_where_no_cause_is_known(data: bytes) -> None:
    refuse_other_formats(data, whole=True, skip=False)
