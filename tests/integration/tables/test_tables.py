"""A table is dropped beside a recipe, and comes back with what the model answered."""

import csv
import gzip
import io
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import duckdb
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from functions.intake.flow import take_in, take_in_recipe
from functions.poll.flow import poll
from local.openai import SmallSettings
from shared.errors import Conflict
from shared.jobs.model import JobState
from shared.objects import Source
from tests.integration.jobs.test_source_lost import LOCKED, lock
from tests.support.batch_files import chats
from tests.support.interrupts import (
    WALK_STEP,
    Interrupt,
    Side,
    interrupted_session,
)
from tests.support.libraries import Folder
from tests.support.names import INBOX
from tests.support.refusing_s3 import Refusal, RefusingSession
from tests.support.survival import interrupted_edges, survive
from tests.support.table_files import CLASSIFIED, TEXT, back, csv_of, parquet, put
from tests.support.world import World

REVIEWS = 'title,text\n"a, ""b""",good\nc,"two\nlines, é"\nd,\n=x,-1\n'.encode()


@pytest.fixture
def world() -> Iterator[World]:
    with mock_aws():
        yield World(openai_settings=SmallSettings(working=1))


def test_a_table_comes_back_row_for_row_with_the_answers(world: World, tmp_path: Path) -> None:
    put(world, "inbox/shop/recipe.yaml", TEXT)

    job = world.run_job("shop/2026/reviews.csv", REVIEWS)

    head, *rows = back(world, job, tmp_path)
    assert job.state is JobState.COMPLETED
    assert head == ("title", "text", "answer", "_error")
    assert [row[:2] for row in rows] == [
        ('a, "b"', "good"),
        ("c", "two\nlines, é"),
        ("d", None),
        ("=x", "-1"),
    ]
    answers = [each["response"]["body"]["output"][0]["content"] for each in world.results(job)]
    assert [row[2] for row in rows] == [content[0]["text"] for content in answers]
    assert {row[3] for row in rows} == {None}
    assert [each["custom_id"] for each in world.results(job)] == [f"row-{n}" for n in (1, 2, 3, 4)]
    assert world.read(f"{job.results_prefix}recipe.yaml") == TEXT


@pytest.mark.parametrize(
    ("name", "packed"),
    [
        ("t.csv.gz", gzip.compress(REVIEWS)),
        ("t.csv.zst", zstandard.compress(REVIEWS)),
        ("t.CSV", REVIEWS),
        ("t.csv", b"\xef\xbb\xbf" + REVIEWS),
        ("t.csv", REVIEWS.replace(b",", b";").replace(b'"a; ""b"""', b'"a, ""b"""')),
    ],
    ids=["gzip", "zstd", "capitals", "a mark", "semicolons"],
)
def test_a_table_may_be_packed_or_kept_apart_otherwise(
    world: World, name: str, packed: bytes
) -> None:
    put(world, "inbox/recipe.yaml", TEXT)

    job = world.run_job(name, packed)

    assert job.state is JobState.COMPLETED, job.reason
    table = world.read(f"{job.results_prefix}results.csv").decode()
    delimiter = ";" if b";" in packed else ","
    rows = list(csv.reader(io.StringIO(table), delimiter=delimiter))
    assert [len(row) for row in rows] == [4] * 5
    assert [row[0] for row in rows[1:]] == ['a, "b"', "c", "d", "=x"]


def test_tabs_come_back_as_tabs(world: World) -> None:
    put(world, "inbox/recipe.yaml", TEXT)

    job = world.run_job("t.tsv", b'title\ttext\nx\t"y\tz"\n')

    found = world.read(f"{job.results_prefix}results.tsv").splitlines()
    assert found[0] == b"title\ttext\tanswer\t_error"
    assert found[1].startswith(b'x\t"y\tz"\t')


def test_parquet_keeps_its_types_and_a_schema_gives_the_answers_theirs(
    world: World, tmp_path: Path
) -> None:
    put(world, "inbox/recipe.yaml", CLASSIFIED)
    query = (
        "SELECT i AS id, 'text ' || i AS text, i * 1.5::DOUBLE AS price, "
        "DATE '2026-01-01' + i::INT AS day, [i, 2] AS list, {'a': i} AS struct, "
        "NULL::INT AS nothing FROM range(50) t(i)"
    )

    job = world.run_job("t.parquet", parquet(tmp_path, query))

    head, *rows = back(world, job, tmp_path, "parquet")
    own = ("id", "text", "price", "day", "list", "struct", "nothing")
    assert head == (*own, "label", "score", "_error")
    assert [row[0] for row in rows] == list(range(50))
    assert rows[3][2:7] == (4.5, rows[3][3], [3, 2], {"a": 3}, None)
    assert {type(row[8]) for row in rows} == {int}
    assert {row[7] for row in rows} <= {"a", "b"}
    assert [each["custom_id"] for each in world.results(job)] == [str(n) for n in range(50)]


ROWS = (
    b'{"title": "a", "text": "b\\n\\u00e9", "n": 1.50, "tags": ["x", {"y": 1}], "id": 1}\n'
    b"\n"
    b'  {"id": 12345678901234567890,"title": null, "text":"c", "answer": "mine"}\n'
)


@pytest.mark.parametrize("packed", [False, True])
def test_rows_of_json_come_back_byte_for_byte_with_the_answers(
    world: World, *, packed: bool
) -> None:
    put(world, "inbox/recipe.yaml", TEXT.replace(b"{{ text }}", b"{{ text }} {{ n }} {{ tags }}"))
    name, content = ("t.jsonl.gz", gzip.compress(ROWS)) if packed else ("t.jsonl", ROWS)

    job = world.run_job(name, content)

    assert job.state is JobState.COMPLETED, world.report(job)
    asked = [json.loads(each) for each in world.read(f"parts/{job.id}/table.jsonl").splitlines()]
    inputs = [each["body"]["input"] for each in asked]
    assert inputs == ['a: b\né 1.50 ["x", {"y": 1}]', ": c  "]
    first, second = world.read(f"{job.results_prefix}table.jsonl").splitlines()
    own = ROWS.splitlines()
    assert first.startswith(own[0].strip()[:-1] + b',"answer_2":"')
    assert second.startswith(own[2].strip()[:-1] + b',"answer_2":"')
    assert json.loads(second)["_error"] is None
    shown = world.report(job)["table"]["first"][0]
    assert (shown["n"], shown["tags"]) == ("1.5", '["x",{"y":1}]')


@pytest.mark.parametrize("wanted", ["csv", "parquet"])
def test_rows_of_json_come_back_as_another_table(world: World, tmp_path: Path, wanted: str) -> None:
    recipe = TEXT.replace(b"{answer: text}", b"{answer: text}, format: " + wanted.encode())
    put(world, "inbox/recipe.yaml", recipe)
    rows = (
        b'{"title": "a", "text": "b", "n": 1, "x": 1, "yes": true, "nested": {"a": [1]}}\n'
        b'{"title": "=c", "text": null, "n": null, "x": 2.5}\n'
    )

    job = world.run_job("t.jsonl", rows)

    head, first, second = back(world, job, tmp_path, wanted)
    assert head == ("title", "text", "n", "x", "yes", "nested", "answer", "_error")
    if wanted == "csv":
        assert first[:6] == ("a", "b", "1", "1", "true", '{"a": [1]}')
        assert second[:6] == ("=c", None, None, "2.5", None, None)
    else:
        assert first[:6] == ("a", "b", 1, 1.0, True, '{"a": [1]}')
        assert second[:6] == ("=c", None, None, 2.5, None, None)


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_a_table_may_come_back_as_lines_of_json(world: World, tmp_path: Path, name: str) -> None:
    recipe = TEXT.replace(b"{answer: text}", b"{answer: text}, format: jsonl")
    put(world, "inbox/recipe.yaml", recipe)
    made = {
        "t.csv": b'title,text\n"a ""b""",\n',
        "t.parquet": parquet(tmp_path, "SELECT 'a \"b\"' AS title, NULL::INT AS text, [1] AS l"),
    }

    job = world.run_job(name, made[name])

    (line,) = world.read(f"{job.results_prefix}table.jsonl").splitlines()
    row = json.loads(line)
    assert (row["title"], row["text"], row["_error"]) == ('a "b"', None, None)
    assert row["answer"]
    assert row.get("l") == ([1] if name == "t.parquet" else None)


def test_lines_without_a_recipe_are_requests_and_the_report_speaks_of_recipes(
    world: World,
) -> None:
    job = world.run_job("t.jsonl", ROWS)

    report = world.report(job)
    assert job.state is JobState.REJECTED
    assert "missing_required_parameter" in report["problems_by_code"] or report["problems"]
    assert any("recipe.yaml" in note for note in report["notes"])


def test_requests_beside_a_recipe_are_requests(world: World) -> None:
    put(world, "inbox/recipe.yaml", TEXT)

    job = world.run_job("t.jsonl", chats(2))

    assert (job.state, job.table) == (JobState.COMPLETED, None)


def test_vectors_come_back_as_lists(world: World, tmp_path: Path) -> None:
    recipe = (
        b"request:\n  url: /v1/embeddings\n  body: {model: text-embedding-3-small, "
        b'input: "{{ text }}", dimensions: 8}\nanswer: {columns: {vector: embedding}, '
        b"format: parquet}\n"
    )
    put(world, "inbox/recipe.yaml", recipe)

    job = world.run_job("t.csv", b"text\none\ntwo\n")

    _, *rows = back(world, job, tmp_path, "parquet")
    assert [(row[0], len(row[1]), type(row[1][0])) for row in rows] == [
        ("one", 8, float),
        ("two", 8, float),
    ]


def test_the_nearest_recipe_counts_and_a_later_one_changes_nothing(
    world: World, tmp_path: Path
) -> None:
    put(world, "inbox/recipe.yaml", TEXT.replace(b"answer: text", b"far: text"))
    put(world, "inbox/a/recipe.yaml", TEXT.replace(b"answer: text", b"near: text"))
    job = world.drop("a/b/t.csv", b"title,text\nx,y\n")
    world.run_functions()
    put(world, "inbox/a/recipe.yaml", b"nonsense")
    put(world, "inbox/a/b/recipe.yaml", TEXT.replace(b"answer: text", b"later: text"))

    world.run_until_over(job)

    assert back(world, world.job(job), tmp_path)[0] == ("title", "text", "near", "_error")


def test_a_table_waits_for_its_recipe_and_then_says_how_to_write_one(world: World) -> None:
    first = world.drop("a/t.csv", b"Review text,title\nx,y\n")
    second = world.drop("b/t.csv", b"title,text\nx,y\n")
    world.run_functions()
    assert world.job(first).state is JobState.CHECKING
    world.tick()
    put(world, "inbox/b/recipe.yaml", TEXT)

    world.run_until_over(first, second)

    assert world.job(second).state is JobState.COMPLETED
    assert world.job(first).state is JobState.REJECTED
    (problem,) = world.report(world.job(first))["problems"]
    assert problem["code"] == "no_recipe"
    starter = problem["remedy"].partition(":\n")[2]
    put(world, "inbox/a/recipe.yaml", starter.encode())
    again = world.run_job("a/t.csv", b"Review text,title\nx,y\nz,\n")
    assert again.state is JobState.COMPLETED


def test_an_answer_that_misses_the_schema_is_asked_again_then_said(
    world: World, tmp_path: Path
) -> None:
    put(world, "inbox/recipe.yaml", CLASSIFIED)
    rows = [("id", "text"), ("1", "fine"), ("2", "small-openai:prose-once")]
    rows += [("3", "small-openai:prose"), ("4", "small-openai:400")]

    job = world.run_job("t.csv", csv_of(rows))

    _, *found = back(world, job, tmp_path)
    assert [row[4] for row in found[:2]] == [None, None]
    assert found[2][4] == "invalid_output: the answer is no JSON"
    assert found[3][4]
    assert "it is fine" in json.dumps(world.results(job)[2])
    assert world.report(job)["requests"]["failed"] == 2
    billed = [custom_id for _, custom_id in world.small.billed]
    assert sorted(billed) == ["1", "2", "2", "3", "3"]


def test_rows_that_can_not_be_asked_are_told_or_left_out(world: World, tmp_path: Path) -> None:
    recipe = TEXT.replace(b"{{ text }}", b"{{ text | int }}")
    put(world, "inbox/recipe.yaml", recipe)
    table = b"title,text\na,1\nb,two\nc\nd,4\ne,five\n"

    refused = world.run_job("t.csv", table)
    skipped = world.run_job("u.csv", table, bad_lines="skip")

    assert refused.state is JobState.REJECTED
    problems = world.report(refused)["problems"]
    assert [(each["code"], each["line"]) for each in problems] == [
        ("unfilled_template", 2),
        ("unfilled_template", 4),
        ("broken_row", 4),
    ]
    assert "Row 2 can't be filled in: request.body.input" in problems[0]["message"]
    _, *rows = back(world, skipped, tmp_path)
    assert [(row[0], bool(row[2]), row[3]) for row in rows] == [
        ("a", True, None),
        ("b", False, "skipped: the row could not be asked"),
        ("d", True, None),
        ("e", False, "skipped: the row could not be asked"),
    ]


def test_a_table_without_a_recipe_that_s3_keeps_back_for_a_moment_is_told_all_the_same(
    world: World,
) -> None:
    """It is read for the names of its columns."""
    job = world.drop("a/t.csv", b"Review text,title\nx,y\n")
    world.run_functions()
    world.clock.advance(minutes=6)
    refusal = Refusal(403, "AccessDenied")
    session = RefusingSession(refusal, "GetObject", while_=lambda: True, within="t.csv")
    poll(world.edges)
    world.run_functions(world.connect(session))
    assert world.job(job).state is JobState.CHECKING
    assert "AccessDenied" in world.job(job).reason

    world.run_until_over(job)

    (problem,) = world.report(world.job(job))["problems"]
    assert problem["code"] == "no_recipe"


def test_a_row_that_validation_refuses_is_named_by_its_number(world: World) -> None:
    recipe = TEXT.replace(b"model: gpt-5-mini", b'model: "{{ title }}"')
    put(world, "inbox/recipe.yaml", recipe)

    job = world.run_job("t.csv", b"title,text\ngpt-5-mini,x\n,y\n gpt-5-mini,z\n")

    assert [each["line"] for each in world.report(job)["problems"]] == [2, 3]


@pytest.mark.parametrize("answers", ["=1+1", "+1", "-1", "@x"])
def test_a_spreadsheet_executes_nothing_that_a_model_wrote(
    world: World, tmp_path: Path, answers: str
) -> None:
    schema = f'{{type: object, properties: {{v: {{type: string, enum: ["{answers}"]}}}}'
    recipe = CLASSIFIED.replace(b"columns: {label: $.label, score: $.score}", b"columns: {v: $.v}")
    lines = recipe.decode().splitlines()
    at = next(n for n, line in enumerate(lines) if line.strip() == "schema:")
    lines[at : at + 5] = [f"        schema: {schema}, required: [v], additionalProperties: false}}"]
    put(world, "inbox/recipe.yaml", "\n".join(lines).encode())

    job = world.run_job("t.csv", b"id,text\n1,=mine\n")

    _, row = back(world, job, tmp_path)
    assert row == ("1", "=mine", f"'{answers}", None)


def test_a_recipe_is_checked_when_it_is_dropped(world: World) -> None:
    put(world, "inbox/a/recipe.yaml", TEXT)
    assert take_in_recipe(world.edges, Source(bucket=INBOX, key="inbox/a/recipe.yaml"))
    assert world.subjects() == ["Recipe Accepted"]

    bad = TEXT.replace(b"url:", b"ulr:").replace(b"{{ title }}", b"{{ title }")
    source = Source(bucket=INBOX, key="inbox/b/recipe.yaml")
    put(world, source.key, bad)
    assert not take_in_recipe(world.edges, source)
    job = world.run_job("b/recipe.yaml", bad)

    assert job.state is JobState.REJECTED
    problems = world.report(job)["problems"]
    assert {each["code"] for each in problems} == {"invalid_recipe"}
    assert {"request.ulr", "request.url"} == {each["param"] for each in problems}
    assert next(each["line"] for each in problems if each["param"] == "request.ulr") == 3
    assert "did you mean 'url'" in " ".join(each["remedy"] for each in problems)


def test_a_column_that_is_not_there_is_one_problem(world: World) -> None:
    put(world, "inbox/recipe.yaml", TEXT.replace(b"{{ text }}", b"{{ txet }}"))

    job = world.run_job("t.csv", b"title,text\n" + b"a,b\n" * 1_000)

    (problem,) = world.report(job)["problems"]
    assert problem["code"] == "unknown_column"
    assert "'text'" in problem["remedy"]


def test_a_hundred_thousand_rows_come_back_equal(world: World, tmp_path: Path) -> None:
    """Compared by DuckDB: unicode, quotes, newlines and nulls, types included."""
    put(world, "inbox/recipe.yaml", TEXT.replace(b"answer: text", b"answer: text, again: text"))
    odd = (
        "['é 😀', 'a ' || chr(34) || 'quoted' || chr(34), 'two\nlines', ' ', ',;|', NULL, "
        "chr(39), '=x'][1 + i % 8]"
    )
    number = int(os.environ.get("TABLE_ROWS", "100000"))
    query = (
        f"SELECT i::BIGINT AS id, {odd} AS title, i || {odd} AS text, i / 3 AS share, "
        f"DATE '2020-01-01' + (i % 999)::INT AS day, i % 2 = 0 AS even FROM range({number}) t(i)"
    )

    job = world.run_job("t.parquet", parquet(tmp_path, query))

    assert job.requests == number
    came = tmp_path / "came.parquet"
    came.write_bytes(world.read(f"{job.results_prefix}results.parquet"))
    with duckdb.connect() as connection:
        own = f"SELECT * EXCLUDE (answer, again, _error) FROM '{came}'"
        for one, other in ((own, query), (query, own)):
            found = connection.execute(f"({one}) EXCEPT ALL ({other})").fetchall()
            assert found == []
        order = connection.execute(f"SELECT id FROM '{came}'").fetchall()
        assert order == [(n,) for n in range(number)]
        answers = f"SELECT count(*) FROM '{came}' WHERE answer <> '' AND answer = again"
        assert connection.execute(answers).fetchone() == (number,)
        described = connection.execute(f"DESCRIBE SELECT * FROM '{came}'").fetchall()
        assert [each[1] for each in described[:6]] == [
            *("BIGINT", "VARCHAR", "VARCHAR", "DOUBLE", "DATE", "BOOLEAN")
        ]


@pytest.mark.parametrize("refusal", [*LOCKED, None], ids=str)
def test_a_table_that_is_taken_away_keeps_no_job_open(
    world: World, refusal: Refusal | None
) -> None:
    """What was paid for lands; the table itself can't come back."""
    put(world, "inbox/recipe.yaml", TEXT)
    job = world.drop("t.csv", b"title,text\na,b\n")
    world.run_functions()
    if refusal is None:
        versions = world.s3.list_object_versions(Bucket=INBOX, Prefix="inbox/t.csv")["Versions"]
        for each in versions:
            world.s3.delete_object(Bucket=INBOX, Key=each["Key"], VersionId=each["VersionId"])
    else:
        lock(world, refusal)

    world.run_until_over(job)

    ended = world.job(job)
    assert ended.state is JobState.COMPLETED
    assert len(world.results(ended)) == 1
    assert any("does not come back" in note for note in world.report(ended)["notes"])


TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), min_size=0, max_size=12
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=12), data=st.data())
def test_any_table_comes_back_whole_and_in_order(
    rows: list[tuple[str, str]], data: st.DataObject, tmp_path: Path
) -> None:
    template = data.draw(
        st.sampled_from(
            [
                "{{ text }}",
                "{{ title | trim }}-{{ text | truncate(3) }}",
                "{{ row['text'] | tojson }}",
            ]
        )
    )
    recipe = TEXT.replace(b"{{ title }}: {{ text }}", f"x {template}".replace('"', "'").encode())
    with mock_aws():
        world = World(openai_settings=SmallSettings(working=1))
        put(world, "inbox/recipe.yaml", recipe)
        job = world.run_job("t.csv", csv_of([("title", "text"), *rows]))

        assert job.state is JobState.COMPLETED, world.report(job)
        _, *found = back(world, job, tmp_path)
        assert [row[:2] for row in found] == [(a or None, b or None) for a, b in rows]
        assert all(row[2] and not row[3] for row in found)


@pytest.mark.parametrize("quarter", range(4))
def test_killed_at_any_call_the_table_comes_back_once(quarter: int) -> None:
    calls = len(story(Interrupt())[0])

    for number in range(1 + quarter, calls + 1, 4 * WALK_STEP):
        interrupt = Interrupt(number)
        _, table, billed = story(interrupt)
        assert len(table.splitlines()) == 4, interrupt.place
        assert billed == ["row-1", "row-2", "row-3"], interrupt.place


def story(interrupt: Interrupt) -> tuple[list[str], bytes, list[str]]:
    """A table from its drop to its return, through one process that is replaced when it dies."""
    with mock_aws():
        world = World(openai_settings=SmallSettings(working=20))
        edges = interrupted_edges(world, interrupt)
        put(world, "inbox/recipe.yaml", TEXT)
        job = world.drop("t.csv", b"title,text\na,1\nb,2\nc,3\n")
        survive(world, edges, job, steps=20)
        ended = world.job(job)
        assert ended.state is JobState.COMPLETED, interrupt.place
        table = world.read(f"{ended.results_prefix}results.csv")
        return interrupt.calls, table, sorted(custom_id for _, custom_id in world.small.billed)


ASKS_A_LIBRARY = b"""
request:
  url: /v1/responses
  body:
    model: gpt-5-mini
    input: "{{ question }}"
    tools: [{type: file_search, vector_store_ids: ["library:{{ where }}"]}]
answer: {columns: {answer: text}}
"""


def test_a_recipe_may_ask_a_library_that_each_row_names(world: World, tmp_path: Path) -> None:
    folder = Folder(world)
    folder.put("a.md", "Cats sleep all day.")
    folder.settle()
    put(world, "inbox/recipe.yaml", ASKS_A_LIBRARY)

    job = world.run_job("t.csv", b"question,where\nHow long do cats sleep?,handbook\n")

    assert job.state is JobState.COMPLETED, world.report(job)
    (part,) = world.parts(job.id)
    assert part.libraries == ["handbook"]
    _, (_, _, answer, _) = back(world, job, tmp_path)
    assert "Cats sleep all day" in answer


@pytest.mark.parametrize("name", ["recipe.yml", "Recipe.yaml", "recipe.json", "receipe.yaml"])
def test_a_recipe_under_another_name_is_told_its_name(world: World, name: str) -> None:
    job = world.run_job(f"shop/{name}", TEXT)

    (problem,) = world.report(job)["problems"]
    assert problem["code"] == "unsupported_suffix"
    assert "recipe.yaml" in problem["remedy"]


def test_a_schema_that_is_none_is_told_before_a_row_is_asked(world: World) -> None:
    put(world, "inbox/recipe.yaml", CLASSIFIED.replace(b"type: integer", b"type: whole"))

    job = world.run_job("t.csv", b"id,text\n1,a\n")

    assert job.state is JobState.REJECTED
    (problem,) = world.report(job)["problems"]
    assert problem["code"] == "invalid_recipe"
    assert problem["param"] == "request.body.text.format.schema.properties.score.type"
    assert "whole" in problem["message"]


@pytest.mark.parametrize("side", ["before", "after"])
def test_two_intakes_of_one_table_make_one_job(side: Side) -> None:
    """At each call of the first one the second runs whole, as if its lease were over."""
    calls, _ = raced(Interrupt())

    for number in range(1, len(calls) + 1, WALK_STEP):
        interrupt = Interrupt(number, side)
        _, billed = raced(interrupt)
        assert billed == ["row-1", "row-2"], interrupt.place


def raced(interrupt: Interrupt) -> tuple[list[str], list[str]]:
    with mock_aws():
        world = World(openai_settings=SmallSettings(working=20))
        put(world, "inbox/recipe.yaml", TEXT)
        put(world, "inbox/t.csv", b"title,text\na,1\nb,2\n")
        (job,) = world.all_jobs("t.csv")
        version = world.s3.head_object(Bucket=INBOX, Key="inbox/t.csv")["VersionId"]
        source = Source(bucket=INBOX, key="inbox/t.csv", version=version)

        def another(place: str) -> None:
            world.clock.advance(seconds=world.config.lease_seconds + 1)
            take_in(world.edges, source)

        interrupt.act = another
        session = interrupted_session()
        session.interrupt = interrupt
        with suppress(Conflict):  # the other was faster
            take_in(world.connect(session), source)
        session.interrupt = None
        world.clock.advance(seconds=world.config.lease_seconds + 1)
        take_in(world.edges, source)
        world.run_until_over(job)
        ended = world.job(job)
        assert ended.state is JobState.COMPLETED, interrupt.place
        assert len(world.read(f"{ended.results_prefix}results.csv").splitlines()) == 3
        return interrupt.calls, sorted(custom_id for _, custom_id in world.small.billed)
