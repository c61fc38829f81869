"""The output and error files of a batch that has ended."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from local.openai.batches.batch import Batch
from local.openai.batches.input_check import PlannedRequest
from local.openai.http.messages import Json
from local.openai.inference.outcomes import CANCELLED, EXPIRED, Outcome
from local.openai.inference.prompt import usage
from local.openai.inference.spoiling import spoiled
from local.openai.quirks import Quirk

Answer = Callable[[Batch, Json, float], Json]
UNDONE = {"expired": EXPIRED, "cancelled": CANCELLED}
TROUBLE = Outcome("http", 500, "The server had an error.", "server_error")


@dataclass
class Written:
    output: Path
    errors: Path
    paid: list[str] = field(default_factory=list)
    input_tokens: int = 0
    output_tokens: int = 0


class Results:
    """Writes the files of one ended batch, in the order its requests were executed."""

    def __init__(self, batch: Batch, folder: Path, now: float, answer: Answer) -> None:
        self.batch = batch
        self.now = now
        self.answer = answer
        self.written = Written(folder / f"{batch.id}.output", folder / f"{batch.id}.errors")

    def write(self) -> Written:
        """Every request gets a line in one of the files, except those that a quirk loses."""
        done = self.batch.executed(self.now)
        undone = UNDONE.get(self.batch.status)
        with self.written.output.open("wb") as output, self.written.errors.open("wb") as errors:
            output.writelines(damaged(self._answers(done), self.batch.quirks))
            if "failed_first" in self.batch.quirks:
                errors.writelines(self._failure(each, TROUBLE) for each in self._answered(done)[:1])
            for request in self.batch.requests[:done]:
                if request.outcome.kind in ("http", "code", "no_status"):
                    errors.write(self._failure(request, request.outcome))
            for request in self.batch.requests[done:] if undone else ():
                errors.write(self._failure(request, undone or EXPIRED))
        return self.written

    def _answered(self, done: int) -> list[PlannedRequest]:
        requests = self.batch.requests[:done]
        return [each for each in requests if each.outcome.kind == "answered"]

    def _answers(self, done: int) -> Iterator[bytes]:
        lost = lost_lines(self.batch.quirks)
        if self.batch.input is None:
            return
        with self.batch.input.open("rb") as lines:
            for request in self.batch.requests[:done]:
                if request.outcome.kind not in ("answered", "spoiled"):
                    continue
                lines.seek(request.offset)
                line = self._answer(request, lines.readline())
                # A lost answer is not billed: else asking again would look like paying twice.
                if lost <= 0 and request.outcome.billed:
                    self.written.paid.append(request.custom_id)
                lost -= 1
                yield line

    def _answer(self, request: PlannedRequest, raw: bytes) -> bytes:
        body = orjson.loads(raw)["body"]
        answer = self.answer(self.batch, body, self.now)
        if request.outcome.billed:
            input_tokens, output_tokens = usage(answer)
            self.written.input_tokens += input_tokens
            self.written.output_tokens += output_tokens
        if request.outcome.kind == "spoiled":
            return self._line(request, 200, spoiled(request.outcome.code or "", answer))
        return self._line(request, 200, answer)

    def _failure(self, request: PlannedRequest, outcome: Outcome) -> bytes:
        if outcome.kind == "no_status":
            return self._line(request, 0, {}, request_id="")
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
                "id": f"batch_req_{self._fingerprint(request)}",
                "custom_id": request.custom_id,
                "response": None,
                "error": error,
            }
        )

    def _line(
        self, request: PlannedRequest, status: int, body: object, request_id: str | None = None
    ) -> bytes:
        fingerprint = self._fingerprint(request)
        if request_id is None:
            request_id = fingerprint
        response = {"status_code": status, "request_id": request_id, "body": body}
        return _dump(
            {
                "id": f"batch_req_{fingerprint}",
                "custom_id": request.custom_id,
                "response": response,
                "error": None,
            }
        )

    def _fingerprint(self, request: PlannedRequest) -> str:
        name = f"{self.batch.id} {request.custom_id}".encode()
        return hashlib.blake2s(name, digest_size=16).hexdigest()


def lost_lines(quirks: Mapping[str, Quirk]) -> int:
    """How many of the first output lines are missing or broken."""
    missing = quirks.get("missing_lines")
    lost = 0 if missing is None else int(missing.number("count", 1))
    return lost + ("malformed_line" in quirks)


def damaged(lines: Iterator[bytes], quirks: Mapping[str, Quirk]) -> Iterator[bytes]:
    """The output lines with the damage that quirks ask for."""
    if "bom" in quirks:
        yield b"\xef\xbb\xbf"
    broken = "malformed_line" in quirks
    missing = lost_lines(quirks) - broken
    last = b""
    for number, line in enumerate(lines):
        last = line
        if number < missing:
            continue
        yield _half(line) if broken and number == missing else line
        if "blank_lines" in quirks:
            yield b"\n"
    yield from _extra(last, quirks)


def _extra(line: bytes, quirks: Mapping[str, Quirk]) -> Iterator[bytes]:
    if line and "repeated_custom_id" in quirks:
        yield line
    if line and "unknown_custom_id" in quirks:
        yield _dump(orjson.loads(line) | {"custom_id": "nobody-sent-this"})


def _half(line: bytes) -> bytes:
    return line[: len(line) // 2] + b"\n"


def _dump(line: Json) -> bytes:
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
