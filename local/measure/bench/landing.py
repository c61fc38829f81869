"""c. Landing a batch's answers in the order of the input, against bare copying them."""

import io
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any, cast

from functions.intake.flow import take_in
from functions.land.flow import land
from functions.poll.flow import poll
from functions.submit.flow import submit
from local.measure.bench.scale import Scale
from local.measure.kit.inputs import write_chats
from local.measure.kit.report import Section, judged
from local.measure.kit.testbed import DATA, INTERNET, LOOPBACK, Testbed, make_testbed
from local.measure.kit.timing import interleaved, ratio
from local.world.workspace import temporary_home
from shared.jobs.edges import JobEdges
from shared.jobs.model import Job
from shared.jobs.part import Part, PartState
from shared.objects import PartRef, Source

PADDING = 3_000  # bytes of an answer, besides about 700 that are always there
COPIED, OURS = "floor: downloaded into S3", "ours: landed in order, counted, reported"
CHUNK = 1 << 18
LARGEST = 209_715_200  # bytes of a part, the most there may be: all in one batch


class Incoming(io.RawIOBase):
    """A download as a file to read."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._held = bytearray()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        while len(self._held) < size and (chunk := next(self._chunks, b"")):
            self._held += chunk
        taken = bytes(self._held[:size])
        del self._held[:size]
        return taken


def measured(scale: Scale) -> Section:
    title = f"Landing {scale.requests:,} shuffled results in the order of the input"
    columns = ("wires", "what", "seconds", "MB/s of output", "time ÷ the bare copy's")
    rows: list[tuple[str, ...]] = []
    for network in (LOOPBACK, INTERNET):
        with temporary_home() as home:
            testbed = make_testbed(home, ("--answer-padding", str(PADDING)), network=network)
            rows += _rows(testbed, write_chats(home / "chats.jsonl", scale.requests), scale)
    return Section("c", title, columns, rows)


def _rows(testbed: Testbed, path: Path, scale: Scale) -> list[tuple[str, ...]]:
    edges = testbed.edges(max_part_bytes=LARGEST)
    part = ended(testbed, edges, testbed.put(path, keep_files="true"))[0]
    rows_kept, size = testbed.rows(), edges.openai.file(part.output_file_id or "").bytes

    def landed() -> None:
        if land(edges, PartRef(job=part.job, part=part.number)) != "completed":
            raise AssertionError("it did not land")

    def again() -> None:
        testbed.restore(rows_kept)

    runs = {COPIED: lambda: copied(testbed, part), OURS: landed}
    times = interleaved(runs, scale.rounds, before=again)
    rows: list[tuple[str, ...]] = []
    for name in runs:
        middle, cost = median(times[name]), ratio(times, name, COPIED)
        result = judged(cost, "<=", 2) if name == OURS else f"{cost:.2f}"
        pace = f"{size / middle / 1e6:,.0f}"
        rows.append((testbed.network.name, name, f"{middle:.2f}", pace, result))
    return rows


def ended(testbed: Testbed, edges: JobEdges, source: Source) -> list[Part]:
    """The parts of a dropped file, each with a batch that has ended."""
    job = take_in(edges, source)
    for number in range(1, job.parts + 1):
        submit(edges, PartRef(job=job.id, part=number))
    testbed.wait_for_batches(edges.ledger.parts(job.id))
    poll(edges)
    return _all_ended(edges, job)


def _all_ended(edges: JobEdges, job: Job) -> list[Part]:
    parts = edges.ledger.parts(job.id)
    if {part.state for part in parts} != {PartState.ENDED}:
        raise AssertionError([(part.name, part.state, part.reason) for part in parts])
    return parts


def copied(testbed: Testbed, part: Part) -> None:
    with testbed.openai() as http:
        url = f"/files/{part.output_file_id}/content"
        with http.stream("GET", url) as answer:
            body = cast(Any, Incoming(answer.iter_raw(CHUNK)))
            testbed.client("s3").upload_fileobj(body, DATA, "copy.jsonl")
