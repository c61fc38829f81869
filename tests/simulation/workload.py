"""Files that users drop: good, odd and bad ones, each with what has to come of it."""

import csv
import gzip
import io
import json
import random
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.simulation.calls import Error
from tests.support.batch_files import chat, lines, question

MODELS = ("gpt-5-mini", "gpt-4.1")
TABLES = 0.15  # of the files are tables
TABLE_FOLDER = "inbox/tables"
RECIPE = b"""
request:
  url: /v1/chat/completions
  body: {model: "{{ model }}", messages: [{role: user, content: "{{ text }}"}]}
  custom_id: "{{ id }}"
answer: {columns: {answer: text}}
"""
FINE = 14  # of so many requests to one that asks for something
ASKS = (
    "500-once",
    "429-once",
    "timeout-once",
    "missing-once",
    "status0-once",
    "503-until-attempt-3",
    "500",
    "429",
    "expired",
    "400",
    "404",
    "unknown-code",
    "error-body-once",
    "failed-body",
    "incomplete",
)


@dataclass
class Drop:
    """One file, as dropped."""

    key: str
    content: bytes
    options: dict[str, str] = field(default_factory=dict)
    accepted: bool = True
    asked: dict[str, str] = field(default_factory=dict)  # custom_id → how it shall end
    job: str = ""
    version: str = ""
    at: datetime | None = None  # when it was dropped
    not_given: Error | None = None  # how S3 refuses to give it
    times: int | None = None  # so often; None: always
    again: bool = False  # the same file was dropped before
    word: str = ""  # what a person says if it is held
    notes: list[str] = field(default_factory=list)  # faults that it is
    requests: bytes = b""  # of a table, whose content holds none

    @property
    def ids(self) -> list[str]:
        return list(self.asked)

    def lines_of(self, custom_ids: set[str]) -> bytes:
        """The requests' own bytes, in their order."""
        packed = self.key.endswith(".gz")
        content = gzip.decompress(self.content) if packed else self.content
        found = (self.requests or content).splitlines(keepends=True)
        return b"".join(line for line in found if _custom_id(line) in custom_ids)

    def first_asking(self, custom_id: str) -> str:
        """Whose answer it gets: another's that asks the same, if the file is asked once."""
        if self.options.get("duplicates") != "once":
            return custom_id
        wanted = self._body_of(custom_id)
        return next(each for each in self.ids if self._body_of(each) == wanted)

    def _body_of(self, custom_id: str) -> Any:
        return json.loads(self.lines_of({custom_id}))["body"]

    @property
    def max_attempts(self) -> int:
        return int(self.options.get("max-attempts", 3))

    @property
    def keeps_files(self) -> bool:
        return self.options.get("keep-files") == "true"


def _custom_id(line: bytes) -> str:
    try:
        return str(json.loads(line)["custom_id"])
    except (ValueError, KeyError):
        return ""


NEVER_GIVEN: tuple[Error, ...] = (
    ("InvalidObjectState", "The object is archived.", 403),
    ("KMS.DisabledException", "The key is disabled.", 400),
    ("AccessDenied", "Access Denied", 403),
)
DENIED: Error = ("AccessDenied", "Access Denied", 403)  # a policy that is being mended


def again(draw: random.Random, first: Drop) -> Drop:
    """The same file once more, as a task that is tried again does it."""
    option = draw.choice(("ask", "ask", "ask", "run", "reject"))
    options = first.options | ({} if option == "ask" else {"duplicate-file": option})
    accepted = first.accepted or first.not_given is not None  # this version is given
    drop = Drop(first.key, first.content, options, accepted, first.asked, again=True)
    drop.requests = first.requests
    drop.word = draw.choice(("approve", "approve", "cancel"))
    drop.notes.append("file dropped twice")
    return drop


def some_drop(draw: random.Random, number: int, library: str | None) -> Drop:
    asked: dict[str, str] = {}
    models = draw.sample(MODELS, draw.choice((1, 1, 2)))
    everyone = draw.choice(("429-once", "429")) if draw.random() < 0.04 else ""
    requests = [
        _request(draw, f"r{n}", models, asked, everyone) for n in range(draw.randint(1, 12))
    ]
    if library and draw.random() < 0.6:
        asks = question("What do cats and dogs do?", f"library:{library}", model=MODELS[0])
        requests.insert(draw.randrange(len(requests) + 1), asks)
    asked = {each["custom_id"]: asked.get(each["custom_id"], "") for each in requests}
    drop = Drop(f"inbox/file {number}.jsonl", lines(requests), _options(draw), asked=asked)
    if draw.random() < TABLES and not any("tools" in each["body"] for each in requests):
        drop = as_table(drop, requests, number)
    if everyone:
        drop.notes.append("all are refused")
    return drop if drop.requests else _oddly(draw, drop)


def as_table(drop: Drop, requests: list[dict[str, Any]], number: int) -> Drop:
    """The same requests as rows of a table, which the recipe beside it makes requests of."""
    file = io.StringIO()
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(["id", "model", "text"])
    for each in requests:
        body = each["body"]
        rows.writerow([each["custom_id"], body["model"], body["messages"][0]["content"]])
    drop.key = f"{TABLE_FOLDER}/file {number}.csv"
    drop.content = file.getvalue().encode()
    made = (json.dumps(each, separators=(",", ":")) + "\n" for each in requests)
    drop.requests = "".join(made).encode()
    return drop


def _request(
    draw: random.Random, custom_id: str, models: list[str], asked: dict[str, str], everyone: str
) -> dict[str, Any]:
    asks = everyone or (draw.choice(ASKS) if draw.randrange(FINE + 8) >= FINE else "")
    asked[custom_id] = asks
    text = f"small-openai:{asks}" if asks else "x" * draw.choice((5, 40, 300))
    return chat(custom_id, text, model=draw.choice(models))


def _options(draw: random.Random) -> dict[str, str]:
    options: dict[str, str] = {}
    if draw.random() < 0.3:
        options["max-attempts"] = str(draw.randint(1, 4))
    if draw.random() < 0.1:
        options["keep-files"] = "true"
    if draw.random() < 0.3:
        options["duplicates"] = "once"
    if draw.random() < 0.1:
        options["metadata"] = '{"team": "search"}'
    if draw.random() < 0.2:
        options["max-cost"] = draw.choice(("0.0001", "0.002", "0.02"))  # too little, tight, enough
    return options


def _oddly(draw: random.Random, drop: Drop) -> Drop:
    """Most files are plain."""
    kind = draw.randrange(14)
    if kind == 0:
        drop.key += ".gz"
        drop.content = gzip.compress(drop.content, mtime=0)
    elif kind == 1:
        drop.content += b"not JSON\n"
        drop.accepted = False
    elif kind == 2:
        drop.content = b"not JSON\n" + drop.content
        drop.options["bad-lines"] = "skip"
    elif kind == 3:
        drop.key = drop.key.replace(".jsonl", ".csv")
        drop.accepted = False
    elif kind == 4:
        drop.not_given = draw.choice(NEVER_GIVEN)
        drop.accepted = False
    elif kind == 5:
        drop.not_given, drop.times = DENIED, draw.choice((1, 2))
    if drop.not_given:
        drop.notes.append("object not given")
    return drop
