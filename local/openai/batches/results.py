"""The output and error files of a batch that has ended."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from local.openai.batches.batch import Batch
from local.openai.batches.input_check import Planned
from local.openai.batches.prompt import usage
from local.openai.batches.scripted_outcomes import CANCELLED, EXPIRED, Outcome
from local.openai.http.messages import Json
from local.openai.quirks import Quirk

Answer = Callable[[Batch, Json, float], Json]
UNDONE = {"expired": EXPIRED, "cancelled": CANCELLED}


@dataclass
class Written:
    output: Path
    errors: Path
    paid: list[str] = field(default_factory=list)
    input_tokens: int = 0
    output_tokens: int = 0


class Results:
    """Writes one ended batch's files into a folder, in the order the requests were executed."""

    def __init__(self, batch: Batch, folder: Path, now: float, answer: Answer) -> None:
        self.batch = batch
        self.now = now
        self.answer = answer
        self.written = Written(folder / f"{batch.id}.output", folder / f"{batch.id}.errors")

    def write(self) -> Written:
        """Every request gets a line in one of the files, save those that go missing."""
        done = self.batch.executed(self.now)
        undone = UNDONE.get(self.batch.status)
        with self.written.output.open("wb") as output, self.written.errors.open("wb") as errors:
            output.writelines(damaged(self._answers(done), self.batch.flaws))
            for request in self.batch.requests[:done]:
                if request.outcome.kind in ("http", "code"):
                    errors.write(self._failure(request, request.outcome))
            for request in self.batch.requests[done:] if undone else ():
                errors.write(self._failure(request, undone or EXPIRED))
        return self.written

    def _answers(self, done: int) -> Iterator[bytes]:
        lost = lost_lines(self.batch.flaws)
        if self.batch.input is None:
            return
        with self.batch.input.open("rb") as lines:
            for request in self.batch.requests[:done]:
                if request.outcome.kind != "answered":
                    continue
                lines.seek(request.offset)
                line = self._answer(request, lines.readline())
                # What never reaches its reader is never paid, or trying again would be double.
                if lost <= 0 and request.outcome.paid:
                    self.written.paid.append(request.custom_id)
                lost -= 1
                yield line

    def _answer(self, request: Planned, raw: bytes) -> bytes:
        if not request.outcome.paid:
            return self._line(request, 0, "")
        body = orjson.loads(raw)["body"]
        made = self.answer(self.batch, body, self.now)
        given, spent = usage(made)
        self.written.input_tokens += given
        self.written.output_tokens += spent
        return self._line(request, 200, made)

    def _failure(self, request: Planned, outcome: Outcome) -> bytes:
        if outcome.kind == "http":
            body = {
                "error": {
                    "message": outcome.message,
                    "type": outcome.type,
                    "param": outcome.param,
                    "code": outcome.code,
                }
            }
            return self._line(request, outcome.status, body)
        error = {"code": outcome.code, "message": outcome.message}
        return _dump(
            {
                "id": f"batch_req_{self._print(request)}",
                "custom_id": request.custom_id,
                "response": None,
                "error": error,
            }
        )

    def _line(self, request: Planned, status: int, body: object) -> bytes:
        fingerprint = self._print(request)
        response = {"status_code": status, "request_id": fingerprint, "body": body}
        return _dump(
            {
                "id": f"batch_req_{fingerprint}",
                "custom_id": request.custom_id,
                "response": response,
                "error": None,
            }
        )

    def _print(self, request: Planned) -> str:
        told = f"{self.batch.id} {request.custom_id}".encode()
        return hashlib.blake2s(told, digest_size=16).hexdigest()


def lost_lines(flaws: Mapping[str, Quirk]) -> int:
    """How many of the first output lines never reach their reader."""
    missing = flaws.get("missing_lines")
    lost = 0 if missing is None else int(missing.number("count", 1))
    return lost + ("malformed_line" in flaws)


def damaged(lines: Iterator[bytes], flaws: Mapping[str, Quirk]) -> Iterator[bytes]:
    """The output lines with the damage that was asked for."""
    if "bom" in flaws:
        yield b"\xef\xbb\xbf"
    broken = "malformed_line" in flaws
    missing = lost_lines(flaws) - broken
    last = b""
    for number, line in enumerate(lines):
        last = line
        if number < missing:
            continue
        yield _half(line) if broken and number == missing else line
        if "blank_lines" in flaws:
            yield b"\n"
    yield from _extra(last, flaws)


def _extra(line: bytes, flaws: Mapping[str, Quirk]) -> Iterator[bytes]:
    if line and "repeated_custom_id" in flaws:
        yield line
    if line and "unknown_custom_id" in flaws:
        yield _dump(orjson.loads(line) | {"custom_id": "nobody-sent-this"})


def _half(line: bytes) -> bytes:
    return line[: len(line) // 2] + b"\n"


def _dump(line: Json) -> bytes:
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
