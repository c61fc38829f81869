"""b. From the drop to the batch at OpenAI, against bare copying of the same bytes."""

import io
import time
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

from functions.intake.flow import take_in
from functions.submit.flow import submit
from local.measure.bench.scale import Scale
from local.measure.kit.inputs import write_chats
from local.measure.kit.report import Section, judged
from local.measure.kit.testbed import INTERNET, LOOPBACK, Testbed, make_testbed
from local.measure.kit.timing import interleaved, ratio
from local.world.workspace import temporary_home
from shared.jobs.edges import JobEdges
from shared.jobs.model import JobState
from shared.objects import PartRef, Source

STREAMED, STORED, OURS = (
    "floor: S3 streamed into the upload",
    "a script: download to disk, upload",
    "ours: check, cut, submit",
)
READ, SENT = "of it: read from S3, checked, cut", "of it: read from S3 again, uploaded"
ASLEEP = ("--speed", "1", "--validating", "1e9")  # uploads are not checked meanwhile


class Body(io.RawIOBase):
    """An S3 object's bytes as a file whose size is known."""

    def __init__(self, answer: Any) -> None:
        self._body = answer["Body"]
        self._size = answer["ContentLength"]

    def read(self, size: int = -1, /) -> bytes:
        data: bytes = self._body.read(size)
        return data

    def tell(self) -> int:
        return 0

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._size if whence else 0


def measured(scale: Scale) -> Section:
    title = f"From the drop of {scale.requests:,} requests to batches at OpenAI"
    columns = ("wires", "what", "seconds", "MB/s", "time ÷ the bare copy's")
    rows: list[tuple[str, ...]] = []
    for network in (LOOPBACK, INTERNET):
        with temporary_home() as home:
            testbed = make_testbed(home, ASLEEP, network=network)
            rows += _rows(testbed, write_chats(home / "chats.jsonl", scale.requests), scale)
    return Section("b", title, columns, rows)


def _rows(testbed: Testbed, path: Path, scale: Scale) -> list[tuple[str, ...]]:
    source = testbed.put(path, duplicate_file="run")  # it is dropped again and again
    edges, fresh = testbed.edges(), count()
    phases: dict[str, list[float]] = {READ: [], SENT: []}

    def ours() -> None:
        submitted(edges, source.model_copy(update={"etag": f"{next(fresh)}"}), phases)

    runs = {
        STREAMED: lambda: streamed(testbed, source),
        OURS: ours,
        STORED: lambda: stored(testbed, source, path.with_name("copy")),
    }
    times = interleaved(runs, scale.rounds)
    times |= {name: taken[1:] for name, taken in phases.items()}
    rows: list[tuple[str, ...]] = []
    for name in (STREAMED, OURS, READ, SENT, STORED):
        middle, cost = median(times[name]), ratio(times, name, STREAMED)
        result = judged(cost, "<=", 1.3) if name == OURS else f"{cost:.2f}"
        pace = f"{source.size / middle / 1e6:,.0f}"
        rows.append((testbed.network.name, name, f"{middle:.2f}", pace, result))
    return rows


def submitted(edges: JobEdges, source: Source, phases: dict[str, list[float]]) -> None:
    began = time.perf_counter()
    job = take_in(edges, source)
    checked = time.perf_counter()
    if job.state is not JobState.ACCEPTED:
        raise AssertionError(job.state)
    for number in range(1, job.parts + 1):
        outcome = submit(edges, PartRef(job=job.id, part=number))
        if outcome != "submitted":
            raise AssertionError(outcome)
    phases[READ].append(checked - began)
    phases[SENT].append(time.perf_counter() - checked)


def streamed(testbed: Testbed, source: Source) -> None:
    upload(testbed, Body(testbed.client("s3").get_object(Bucket=source.bucket, Key=source.key)))


def stored(testbed: Testbed, source: Source, copy: Path) -> None:
    testbed.client("s3").download_file(source.bucket, source.key, str(copy))
    with copy.open("rb") as file:
        upload(testbed, file)


def upload(testbed: Testbed, file: Any) -> None:
    with testbed.openai() as http:
        files = {"file": ("copy.jsonl", file, "application/jsonl")}
        http.post("/files", data={"purpose": "batch"}, files=files).raise_for_status()
