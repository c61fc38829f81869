"""Tables that are broken, huge, or lie about what they are: each ends in a report."""

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zstandard
from moto import mock_aws

from local.openai import SmallSettings
from shared.jobs.model import JobState
from shared.tables import download
from tests.support.table_files import TEXT, parquet, put
from tests.support.world import World

GOOD = b"title,text\na,b\n"
MB = 1 << 20


@pytest.fixture
def world() -> Iterator[World]:
    with mock_aws():
        world = World(openai_settings=SmallSettings(working=1))
        put(world, "inbox/recipe.yaml", TEXT)
        yield world


REFUSED: dict[str, tuple[str, bytes | Callable[[Path], bytes], str]] = {
    "nothing": ("t.csv", b"", "unnamed_column"),
    "a header only": ("t.csv", b"title,text\n", "empty_table"),
    "a header without its newline": ("t.csv", b"title,text", "empty_table"),
    "nothing in it, as Parquet": (
        "t.parquet",
        lambda folder: parquet(folder, "SELECT 'a' AS title, 'b' AS text WHERE false"),
        "empty_table",
    ),
    "one name twice": ("t.csv", b"title,text,title\na,b,c\n", "column_named_twice"),
    "one name in two cases": ("t.csv", b"title,text,TITLE\na,b,c\n", "column_named_twice"),
    "a column without a name": ("t.csv", b"title,,text\na,b,c\n", "unnamed_column"),
    "10,000 columns": (
        "t.csv",
        b"title,text," + b",".join(b"c%d" % n for n in range(10_000)) + b"\n",
        "too_many_columns",
    ),
    "UTF-16": ("t.csv", GOOD.decode().encode("utf-16"), "wrong_encoding"),
    "UTF-16 without a mark": ("t.csv", (GOOD * 200).decode().encode("utf-16-le"), "wrong_encoding"),
    "Latin-1": ("t.csv", "title,text\na,é\n".encode("latin-1"), "wrong_encoding"),
    "half a letter at the end": ("t.csv", GOOD + b"x,\xc3", "wrong_encoding"),
    "ragged rows": ("t.csv", GOOD + b"c\nd,e,f\n", "broken_row"),
    "a cell of 100 MB": ("t.csv", GOOD + b'x,"' + b"y" * (100 * MB) + b'"\n', "broken_row"),
    "an open quote": ("t.csv", GOOD + b'x,"open\ny,z\n', "broken_row"),
    "a quote inside a value": ("t.csv", GOOD + b'x,"a"b\n', "broken_row"),
    "CSV named Parquet": ("t.parquet", GOOD, "not_a_table"),
    "Parquet named CSV": (
        "t.csv",
        lambda folder: parquet(folder, "SELECT 'a' AS title, 'b' AS text"),
        "not_a_table",
    ),
    "half a Parquet file": (
        "t.parquet",
        lambda folder: parquet(folder, "SELECT i AS title, i AS text FROM range(9999) t(i)")[
            :5_000
        ],
        "not_a_table",
    ),
    "no gzip": ("t.csv.gz", GOOD, "invalid_compression"),
    "half a gzip": ("t.csv.gz", gzip.compress(GOOD * 500)[:60], "not_a_table"),
    "half a zstd": ("t.csv.zst", zstandard.compress(GOOD * 5_000)[:-4], "not_a_table"),
    "gzip without its name": ("t.csv", gzip.compress(GOOD), "not_a_table"),
    "an Excel file": ("t.csv", b"PK\x03\x04" + b"x" * 100, "not_a_table"),
    "one column where two are meant": ("t.csv", b"title text\na b\n", "unknown_column"),
    "rows of JSON of which none is one": (
        "t.jsonl",
        b'{"title": 1, "text": 2}\n[1]\n{"a"\n',
        "broken_row",
    ),
    "rows of JSON without a name in them": ("t.jsonl", b"{}\n{}\n", "empty_table"),
    "rows of JSON with 10,000 names": (
        "t.jsonl",
        b"".join(b'{"title": 1, "c%d": 2}\n' % n for n in range(10_000)),
        "too_many_columns",
    ),
    "rows of JSON with one name in two cases": (
        "t.jsonl",
        b'{"title": 1, "text": 2}\n{"Title": 3}\n',
        "column_named_twice",
    ),
    "half a gzip of rows": (
        "t.jsonl.gz",
        gzip.compress(b'{"title": 1}\n' * 9)[:-9],
        "invalid_compression",
    ),
    "a page": ("t.csv", b"<!DOCTYPE html>\n<html></html>\n", "unknown_column"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_table_ends_in_a_report(world: World, tmp_path: Path, kind: str) -> None:
    name, content, code = REFUSED[kind]
    content = content(tmp_path) if callable(content) else content

    job = world.run_job(name, content)

    assert job.state is JobState.REJECTED
    problems = world.report(job)["problems"]
    assert code in {each["code"] for each in problems}, problems
    assert all(each["remedy"] and len(each["message"]) < 600 for each in problems)
    assert world.small.files == {}


TAKEN: dict[str, bytes] = {
    "mixed line ends": b"title,text\r\na,b\nc,d\r\n",
    "old Mac's line ends": b"title,text\ra,b\rc,d\r",
    "NUL bytes": b"title,text\na,b\0c\nd,e\n",
    "formulas": b"title,text\n=cmd|' /C calc'!A0,@SUM(1)\nx,+1\n",
    "markup": b"title,text\n<script>alert(1)</script>,</title>\nx,y\n",
    "templates": b"title,text\n{{ text }},{% for %}\nx,y\n",
    "right to left": "title,text\n\u202eabc,\u2066x\ny,z\n".encode(),
    "a name with blanks and quotes": b'title,text,"a ""b"", c"\na,b,c\nd,e,f\n',
    "a column with our names": b"title,text,_error,answer\na,b,c,d\ne,f,g,h\n",
}


@pytest.mark.parametrize("kind", TAKEN)
def test_what_is_only_odd_is_asked_and_comes_back(world: World, kind: str) -> None:
    job = world.run_job("t.csv", TAKEN[kind])

    assert job.state is JobState.COMPLETED, world.report(job)
    assert len(world.results(job)) == 2
    assert world.keys(f"{job.results_prefix}results.csv")


def test_a_bomb_is_met_by_the_disk_not_filled_with(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = gzip.compress(b"title,text\n" + b"a,b\n" * (30 * MB))
    assert len(bomb) < MB
    monkeypatch.setattr(download, "DISK_SHARE", 0.000_01)

    job = world.run_job("t.csv.gz", bomb)

    (problem,) = world.report(job)["problems"]
    assert problem["code"] == "table_too_large"
    assert "split the table" in problem["remedy"]


@pytest.mark.parametrize(
    "template",
    [
        "{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}",
        "{{ text.__class__ }}",
        "{{ text | nonsense }}",
        "{% include '/etc/passwd' %}",
        "{{ nothing }}",
    ],
)
def test_a_template_neither_runs_for_ever_nor_reaches_out(world: World, template: str) -> None:
    put(world, "inbox/a/recipe.yaml", TEXT.replace(b"{{ text }}", template.encode()))

    job = world.run_job("a/t.csv", GOOD)

    assert job.state is JobState.REJECTED
    assert world.small.files == {}
