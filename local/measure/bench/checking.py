"""a. Checking and splitting a file, against parsing it, reading it, and a script."""

import json
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import BinaryIO, TypedDict

import orjson

from functions.intake.reading import spool
from local.measure.bench.scale import Scale
from local.measure.kit.inputs import write_chats
from local.measure.kit.report import Section, judged
from local.measure.kit.timing import interleaved, ratio
from local.world.workspace import temporary_home
from shared.batchfile.lines import unpacked
from shared.batchfile.part_builder import Copying
from shared.batchfile.repeats import RepeatCounter
from shared.batchfile.schema import Limits
from shared.batchfile.splitter import Splitter

OURS, ORJSON, SORTED, LINES, SCRIPT = (
    "ours: read, check, cut",
    "orjson.loads of each line",
    "orjson.loads, each line written to its model's file",
    "reading lines only",
    "a script: json.loads and dict checks",
)
MOST_BYTES = 100_000_000_000


class Kind(TypedDict, total=False):
    """What is special about a file."""

    non_ascii: bool
    models: int


def measured(scale: Scale) -> Section:
    rows: list[tuple[str, ...]] = []
    kinds: dict[str, Kind] = {
        "ASCII": {},
        "beyond ASCII": {"non_ascii": True},
        "3 models mixed": {"models": 3},
    }
    with temporary_home() as home:
        for kind, how in kinds.items():
            path = write_chats(home / "chats.jsonl", scale.requests, **how)
            rows += _rows(path, scale, kind)
    columns = ("input", "what", "seconds", "MB/s", "lines/s", "speed ÷ the floor's")
    title = f"Check and split {scale.requests:,} chat requests on one core"
    return Section("a", title, columns, rows)


def _rows(path: Path, scale: Scale, kind: str) -> list[tuple[str, ...]]:
    runs = {
        ORJSON: lambda: with_orjson(path),
        OURS: lambda: ours(path),
        SORTED: lambda: sorted_with_orjson(path),
        LINES: lambda: lines_only(path),
        SCRIPT: lambda: as_a_script(path),
    }
    floor = SORTED if "models" in kind else ORJSON
    times = interleaved(runs, scale.rounds)
    size = path.stat().st_size / 1e6
    rows: list[tuple[str, ...]] = []
    for name in runs:
        middle = median(times[name])
        speed = ratio(times, floor, name)
        result = judged(speed, ">=", 0.80) if name == OURS else f"{speed:.2f}"
        what = f"floor: {name}" if name == floor else name
        pace, lines = f"{size / middle:,.0f}", f"{scale.requests / middle:,.0f}"
        rows.append((f"{kind}, {size:,.0f} MB", what, f"{middle:.3f}", pace, lines, result))
    return rows


def ours(path: Path) -> int:
    """Intake's one pass with all checks on; returns how many parts there are."""
    with ExitStack() as disk, path.open("rb", buffering=0) as source:
        copying = Copying(
            lambda: disk.enter_context(spool()),
            lambda start, length: (),
        )
        repeats = RepeatCounter(disk.enter_context(spool()))
        splitter = Splitter(Limits(), copying, skip=False, repeats=repeats)
        parts = list(splitter.split(unpacked(source, path.name), MOST_BYTES))
        repeats.count()
        if splitter.problems or splitter.suspects():
            raise AssertionError("the file was made without mistakes")
    return len(parts)


def with_orjson(path: Path) -> None:
    with path.open("rb") as lines:
        for line in lines:
            orjson.loads(line)


def sorted_with_orjson(path: Path) -> None:
    """The least that splitting mixed models takes: each line goes into its model's file."""
    files: dict[str, BinaryIO] = {}
    with ExitStack() as disk, path.open("rb") as lines:
        for line in lines:
            model = orjson.loads(line)["body"]["model"]
            if model not in files:
                files[model] = disk.enter_context(spool())
            files[model].write(line)


def lines_only(path: Path) -> int:
    with path.open("rb") as lines:
        return sum(1 for _ in lines)


def as_a_script(path: Path) -> None:
    """What people write: parse and check each line, collect ids in a set."""
    seen: set[str] = set()
    models: dict[tuple[str, str], int] = {}
    with path.open() as lines:
        for line in lines:
            request = json.loads(line)
            custom_id, body = request["custom_id"], request["body"]
            if not isinstance(custom_id, str) or custom_id in seen or request["method"] != "POST":
                raise AssertionError(custom_id)
            if body.get("stream") or not isinstance(body["model"], str):
                raise AssertionError(custom_id)
            seen.add(custom_id)
            group = (request["url"], body["model"])
            models[group] = models.get(group, 0) + 1
