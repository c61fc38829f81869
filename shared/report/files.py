"""Where a job's files are, and how to ask again what failed."""

import json
import shlex
from collections.abc import Iterator
from urllib.parse import quote

from shared.jobs.keys import INBOX
from shared.jobs.options import Options
from shared.report.format import number
from shared.report.markup import Html, el, joined, text_of
from shared.report.model import JobReport
from shared.report.problem_table import more
from shared.text import sanitize, sanitize_key

FILES = 20  # listed; report.json beside the page has all
LONGEST_COMMAND = 20_000  # characters: two keys, and 13 pairs of metadata
NOTE = (
    "The links work where the files lie side by side: in a downloaded folder, or where the keys "
    "are served. A presigned address opens this page alone: copy the s3:// paths then."
)


def file_list(report: JobReport) -> Iterator[Html | None]:
    """Relative links, and the paths to copy where those lead nowhere."""
    keys = [key for name, key in report.files.items() if name != "page"]
    listed = (el("li", file_link(report.bucket, key)) for key in keys[:FILES])
    yield el("ul", *listed, class_="files")
    yield more(len(keys), FILES)
    yield el("p", NOTE, class_="note")


def file_link(bucket: str, key: str) -> Html:
    name = key.rsplit("/", 1)[-1]
    return joined((el("a", name, href=quote(name)), " ", el("code", _path(bucket, key))))


def ask_again(report: JobReport) -> Iterator[Html | None]:
    """Drops the failed requests, with the options that the file had."""
    retry = report.files["retry"]
    folder, _, name = report.source.key.removeprefix(INBOX).rpartition("/")
    stem = name.split(".jsonl", 1)[0]
    target = f"{INBOX}{folder}/{stem}-retry.jsonl" if folder else f"{INBOX}{stem}-retry.jsonl"
    words = ["aws", "s3", "cp", _path(report.bucket, retry)]
    words += [_path(report.source.bucket, sanitize_key(target)), *_metadata(report.options)]
    yield el(
        "p",
        f"retry.jsonl holds the {number(report.requests.failed)} requests that failed, as they "
        "were asked. Mend what has to be mended, then drop it:",
    )
    command = sanitize(shlex.join(words), LONGEST_COMMAND)
    yield el("p", el("code", text_of(command), class_="command"))


def _metadata(options: Options) -> list[str]:
    """Those that differ from the defaults, as a shell takes them."""
    given = options.model_dump(by_alias=True, exclude_defaults=True)
    texts = {name: _written(value) for name, value in given.items()}
    return ["--metadata", json.dumps(texts)] if texts else []


def _written(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _path(bucket: str, key: str) -> str:
    return f"s3://{bucket}/{key}"
