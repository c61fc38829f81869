"""Tables and recipes as users drop them."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from shared.jobs.model import Job
from shared.tables.writing import name_of
from tests.support.names import INBOX
from tests.support.world import World

TEXT = b"""
request:
  url: /v1/responses
  body: {model: gpt-5-mini, input: "{{ title }}: {{ text }}"}
answer: {columns: {answer: text}}
"""
CLASSIFIED = b"""
request:
  url: /v1/responses
  body:
    model: gpt-5-mini
    input: "{{ text }}"
    text:
      format:
        type: json_schema
        name: review
        strict: true
        schema:
          type: object
          properties: {label: {type: string, enum: [a, b]}, score: {type: integer}}
          required: [label, score]
          additionalProperties: false
  custom_id: "{{ id }}"
answer: {columns: {label: $.label, score: $.score}}
options: {max-attempts: 2}
"""

DESCRIBED = b"""
request:
  url: /v1/responses
  body:
    model: gpt-5-mini
    input:
      - role: user
        content:
          - {type: input_text, text: "What is it? {{ name }}"}
          - {type: input_image, image_url: "{{ file(image) }}"}
answer: {columns: {what: text}}
"""


def put(world: World, key: str, content: bytes) -> None:
    world.s3.put_object(Bucket=INBOX, Key=key, Body=content)


def back(world: World, job: Job, folder: Path, suffix: str = "csv") -> list[tuple[Any, ...]]:
    """The table that came back, with its header as the first row."""
    path = folder / f"back.{suffix}"
    path.write_bytes(world.read(f"{job.results_prefix}{name_of(suffix)}"))
    return rows_of(path)


def rows_of(path: Path) -> list[tuple[Any, ...]]:
    """A CSV file's values as texts, nothing for an empty one; Parquet's by their types."""
    if path.suffix != ".parquet":
        with path.open(newline="") as file:
            return [tuple(each or None for each in row) for row in csv.reader(file)]
    with duckdb.connect() as connection:
        read = connection.read_parquet(str(path))
        return [tuple(read.columns), *read.fetchall()]


def parquet(folder: Path, query: str, options: str = "") -> bytes:
    path = folder / "made.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet{options})")
    return path.read_bytes()


def csv_of(rows: Sequence[Sequence[str]]) -> bytes:
    """With every value in quotes."""
    lines = [",".join('"' + each.replace('"', '""') + '"' for each in row) for row in rows]
    return "\n".join(lines).encode() + b"\n"
