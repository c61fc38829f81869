"""j. A table: rows become lines of requests, and answers become columns, against bare DuckDB."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import duckdb
import orjson

from functions.intake.table import Lines
from local.measure.bench.scale import Scale
from local.measure.kit.report import Section, judged
from local.measure.kit.timing import interleaved, ratio
from local.paths import ROOT
from local.world.workspace import temporary_home
from shared.problems import Problems
from shared.tables.columns import Columns
from shared.tables.reading import Connection
from shared.tables.recipe import Recipe, read_recipe
from shared.tables.templates import Templates
from shared.tables.writing import AnswerFile, write_results

RECIPE = b"""
request:
  url: /v1/responses
  body: {model: gpt-5-mini, input: "{{ title }}\\n\\n{{ text }}"}
answer: {columns: {label: $.label, score: $.score}}
"""
FILTERED = RECIPE.replace(b"{{ text }}", b"{{ text | trim }}")
TEXT = "'a word or two ' || repeat('word ', 230)"  # 1.2 kB a row
ODD_TEXT = "array_to_string([md5((i * 40 + j)::VARCHAR) FOR j IN range(36)], ' ')"  # not packed
ROWS = 4  # for each of the scale's requests
MOST = 512  # MB
ROW_GROUP = 100_000  # rows: about 128 MB
FLOOR, OURS = "floor: DuckDB fetches, orjson.dumps of ready bodies", "ours: rows to lines"
BARE, BACK = "floor: DuckDB reads the answers and joins them", "ours: answers to columns, written"
PEAK = """
import re, sys
from pathlib import Path
from local.measure.bench.tabling import RECIPE, lines_of
size = sum(map(len, lines_of(Path(sys.argv[1]), RECIPE)))
# Not ru_maxrss: that begins with what the parent had.
print(int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1_024)
"""

Row = tuple[str, ...]


def measured(scale: Scale) -> Section:
    columns = ("what", "rows/s", "time ÷ the floor's")
    number = scale.requests * ROWS
    with temporary_home() as home:
        rows = [row for kind in ("csv", "parquet") for row in _there(home, kind, number, scale)]
        rows += _back(home, number, scale)
        rows += _memory(home, scale)
    return Section("j", f"A table of {number:,} rows of 1.2 kB", columns, rows)


def make_table(path: Path, rows: int, text: str = TEXT) -> Path:
    """By DuckDB itself; Parquet in groups of about 128 MB."""
    query = f"SELECT i AS id, 'title ' || i AS title, {text} || i AS text FROM range({rows}) t(i)"
    kind = "FORMAT csv, HEADER" if path.suffix == ".csv" else f"ROW_GROUP_SIZE {ROW_GROUP}"
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({query}) TO '{path}' ({kind})")
    return path


def lines_of(path: Path, recipe: bytes) -> Iterator[bytes]:
    """The requests of a table, as intake writes them."""
    with Connection(path.parent) as connection:
        table = connection.opened(path)
        lines = Lines(Templates(_read(recipe)), table.names, lambda _: b"")
        yield from lines.of(connection.rows(table), Problems(), skip=False)


def _read(text: bytes) -> Recipe:
    recipe, problems = read_recipe(text)
    if recipe is None:
        raise AssertionError(problems)
    return recipe


def _there(home: Path, kind: str, number: int, scale: Scale) -> Iterator[Row]:
    path = make_table(home / f"table.{kind}", number)

    def floor() -> None:
        with Connection(home) as connection:
            table = connection.opened(path)
            head = {"method": "POST", "url": "/v1/responses"}
            for id_, title, text in connection.rows(table):
                body = {"model": "gpt-5-mini", "input": f"{title}\n\n{text}"}
                orjson.dumps({"custom_id": id_, **head, "body": body})

    def ours(recipe: bytes) -> None:
        for _ in lines_of(path, recipe):
            pass

    filtered = f"{OURS}, with a filter"
    runs = {FLOOR: floor, OURS: lambda: ours(RECIPE), filtered: lambda: ours(FILTERED)}
    times = interleaved(runs, scale.rounds)
    for what in runs:
        pace = number / min(times[what])
        share = 1 / ratio(times, what, FLOOR)
        said = judged(share, ">=", 0.6) if what == OURS else f"{share:.2f}"
        yield f"{kind}: {what}", f"{pace:,.0f}", f"{said} of its speed"


def _back(home: Path, number: int, scale: Scale) -> Iterator[Row]:
    path = home / "table.csv"
    results = home / "results.jsonl"
    with results.open("wb") as file:
        for n in range(number):
            file.write(_answer(n))
    columns = Columns(_read(RECIPE))

    def ours() -> None:
        answers = home / "answers.jsonl"
        with answers.open("wb") as file, results.open("rb") as lines:
            noted = AnswerFile(file)
            for row, line in enumerate(lines, 1):
                noted.add(row, columns.values(line))
        with Connection(home) as connection:
            table = connection.opened(path)
            write_results(connection, table, answers, columns.types, home / "ours.csv")

    def floor() -> None:
        inner = "json_extract_string(json, '$.response.body.output[0].content[0].text')"
        with duckdb.connect() as connection:
            connection.execute("SET threads = 1")  # as ours, and as a function's one processor
            connection.execute(
                f"COPY (SELECT t.*, json_extract_string({inner}, '$.label'), "
                f"json_extract({inner}, '$.score') FROM read_csv('{path}', all_varchar=true) t "
                f"POSITIONAL JOIN read_ndjson_objects('{results}')) TO '{home}/bare.csv'"
            )

    times = interleaved({BARE: floor, BACK: ours}, max(1, scale.rounds // 2))
    for what in times:
        said = "1.00" if what == BARE else judged(ratio(times, what, BARE), "<=", 2)
        yield what, f"{number / min(times[what]):,.0f}", said


def _answer(n: int) -> bytes:
    text = json.dumps({"label": "good" if n % 3 else "bad", "score": n % 10})
    content = [{"type": "output_text", "text": text, "annotations": []}]
    body = {"id": f"resp_{n}", "status": "completed", "output": [{"content": content}]}
    response = {"status_code": 200, "request_id": f"req_{n}", "body": body}
    line = {"id": f"b_{n}", "custom_id": f"row-{n}", "response": response, "error": None}
    return json.dumps(line).encode() + b"\n"


def _memory(home: Path, scale: Scale) -> Iterator[Row]:
    """Of a fresh process, at the largest CSV file of the scale and at large row groups."""
    most = max(scale.sizes)
    for path, rows, text in _large(home, most):
        make_table(path, rows, text)
        command = [sys.executable, "-c", PEAK, str(path)]
        ran = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
        peak = float(ran.stdout)
        size = path.stat().st_size
        path.unlink()
        what = f"peak memory, {path.suffix[1:]} of {size / 1e9:.1f} GB"
        yield what, "", judged(peak, "<=", MOST, " MB")


def _large(home: Path, size: int) -> Sequence[tuple[Path, int, str]]:
    csv, parquet = home / "large.csv", home / "large.parquet"
    return (csv, size // 1_200, TEXT), (parquet, size // 6_000, ODD_TEXT)
