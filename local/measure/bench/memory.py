"""d. The most memory a function takes, in a fresh process for each measurement."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local.measure.bench.counting import open_batches
from local.measure.bench.landing import ended
from local.measure.bench.scale import Scale
from local.measure.bench.submitting import ASLEEP
from local.measure.kit.inputs import LINE, write_chats
from local.measure.kit.processes import start_helper
from local.measure.kit.report import Section, judged
from local.measure.kit.testbed import INBOX, Testbed, make_testbed
from local.paths import ROOT
from local.world.workspace import temporary_home
from shared.jobs.model import job_id

MOST = 300  # MB
REQUESTS = 50_000  # of a part whose output is large
SHORT = 1_000  # bytes of such a request

OPTIONS = ("dry-run=true", "duplicates=once")  # that have intake read a file in another way

Row = tuple[str, ...]


def measured(scale: Scale) -> Section:
    rows = _files(scale)
    for size in scale.sizes:
        rows.append(_output(size))
    columns = ("function", "what", "MB at most")
    return Section("d", "Peak memory of each function, each in a fresh process", columns, rows)


def _files(scale: Scale) -> list[Row]:
    """The functions that read the dropped file, and poll, which reads none."""
    with file_backed_testbed(ASLEEP) as (testbed, inbox):
        rows: list[Row] = [
            ("none", "imports and clients alone", f"{peak(testbed, 'nothing'):,.0f}")
        ]
        for size in scale.sizes:
            for models in (1, 3):
                path = write_chats(inbox / f"{models}-{size}.jsonl", size // LINE, models=models)
                rows += _dropped(testbed, path, models)
                path.unlink()
        open_batches(testbed.edges(), scale.open_batches)
        rows.append(_row("poll", f"{scale.open_batches:,} open batches", peak(testbed, "poll")))
    return rows


def _dropped(testbed: Testbed, path: Path, models: int) -> list[Row]:
    source = testbed.source(path)
    what = f"{source.size / 1e6:,.0f} MB dropped" + (", 3 models mixed" if models > 1 else "")
    rows = [_row("intake", what, peak(testbed, "intake", source.model_dump()))]
    if models == 1:
        rows += [_with(testbed, path, what, option) for option in OPTIONS]
        parts = testbed.edges().ledger.parts(job_id(INBOX, source.key, source.identity))
        asks = [{"job": part.job, "part": part.number} for part in parts]
        what = f"the {len(parts)} part(s) of {what}, one after the other"
        rows.append(_row("submit", what, peak(testbed, "submit", asks)))
    return rows


def _with(testbed: Testbed, path: Path, what: str, option: str) -> Row:
    """The same file under another name, dropped with an option."""
    name, _, value = option.partition("=")
    again = path.with_name(f"{name}-{path.name}")
    again.hardlink_to(path)
    again.with_name(f"{again.name}.metadata").write_text(json.dumps({name: value}))
    most = peak(testbed, "intake", testbed.source(again).model_dump())
    again.unlink()
    return _row("intake", f"{what}, {option}", most)


def _output(size: int) -> Row:
    """The function that reads a batch's output."""
    padding = ("--answer-padding", str(max(size // REQUESTS - 700, 0)))
    with file_backed_testbed(padding) as (testbed, inbox):
        edges = testbed.edges()
        path = write_chats(inbox / "chats.jsonl", REQUESTS, SHORT)
        part = ended(testbed, edges, testbed.source(path))[0]
        made = edges.openai.file(part.output_file_id or "").bytes
        most = peak(testbed, "land", [{"job": part.job, "part": part.number}])
    return _row("land", f"a batch's output of {made / 1e6:,.0f} MB", most)


@contextmanager
def file_backed_testbed(
    openai: Sequence[str], kept: Sequence[str] = ()
) -> Iterator[tuple[Testbed, Path]]:
    """A testbed whose S3 is a folder, and its inbox; `kept`: prefixes of what can be read back."""
    with temporary_home() as home:
        inbox = home / "s3" / INBOX / "inbox"
        inbox.mkdir(parents=True)
        s3 = start_helper(home, "s3", "local.measure.kit.file_store", [str(home / "s3"), *kept])
        yield make_testbed(home, openai, s3), inbox


def peak(testbed: Testbed, function: str, asked: Any = None) -> float:
    """MB."""
    wish = {"function": function, "settings": testbed.settings.model_dump(), "asked": asked}
    command = [sys.executable, "-m", "local.measure.bench.function_process"]
    done = subprocess.run(
        command, cwd=ROOT, input=json.dumps(wish), stdout=subprocess.PIPE, text=True, check=True
    )
    return int(done.stdout) / 1e6


def _row(function: str, what: str, most: float) -> Row:
    return (function, what, judged(most, "<=", MOST))
