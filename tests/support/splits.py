"""Batch files of every kind, and what the splitter makes of them, read back as plain values."""

import io
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import cycle
from typing import Any, NamedTuple

from hypothesis import settings
from hypothesis import strategies as st

from shared.batchfile.lines import BLOCK, UTF8_MARK, Readable
from shared.batchfile.part_builder import Copying, PartBuilder
from shared.batchfile.schema import EMBEDDINGS, Limits
from shared.batchfile.splitter import Splitter
from shared.problems import Problem

# The same examples in every run: a red test is red for everybody.
bounded = settings(max_examples=100, deadline=None, derandomize=True)
PLENTY = 1 << 50


class ShortReads:
    """A reader that returns as many bytes as it likes, like a socket."""

    def __init__(self, data: bytes, sizes: Iterable[int]) -> None:
        self._data = io.BytesIO(data)
        self._sizes = cycle(sizes)

    def read(self, size: int = -1, /) -> bytes:
        return self._data.read(min(size, next(self._sizes)))


class FoundPart(NamedTuple):
    url: str
    model: str
    numbers: list[int]
    first_line: int
    last_line: int
    requests: int
    size: int
    inputs: int
    tokens: int
    data: bytes
    is_copy: bool


class Found(NamedTuple):
    parts: list[FoundPart]
    problems: list[Problem]
    by_code: dict[str, int]
    bad_lines: int
    lines: int
    requests: int
    notes: list[str]

    @property
    def marks(self) -> list[tuple[int | None, str, str | None]]:
        return [(each.line, each.code, each.param) for each in self.problems]

    @property
    def lines_by_number(self) -> list[tuple[int, bytes]]:
        """All parts' lines, in the order of the input."""
        return sorted(
            pair
            for part in self.parts
            for pair in zip(part.numbers, part.data.splitlines(), strict=True)
        )


def split_bytes(
    data: bytes,
    limits: Limits | None = None,
    *,
    skip: bool = False,
    sizes: Sequence[int] = (BLOCK,),
    packed: bool = False,
) -> Found:
    """As intake does it: a second pass where a custom_id may stand in the file twice."""
    suspects: set[int] | None = None
    while True:
        reread = None if packed else lambda start, length: [data[start : start + length]]
        copying = Copying(io.BytesIO, reread)
        splitter = Splitter(limits or Limits(), copying, skip=skip, suspects=suspects)
        parts = [_read(part, data) for part in splitter.split(ShortReads(data, sizes), PLENTY)]
        found = splitter.suspects()
        if suspects is not None or not found:
            break
        suspects = found
    problems = splitter.problems
    return Found(
        parts,
        problems.first,
        dict(problems.by_code),
        problems.bad_lines,
        splitter.lines,
        splitter.requests,
        splitter.notes,
    )


def _read(part: PartBuilder, data: bytes) -> FoundPart:
    if part.spool:
        part.spool.seek(0)
        content = part.spool.read()
        numbers = list(part.copied_numbers)
    else:
        content = data[part.start : part.end]
        numbers = list(range(part.first_line, part.first_line + part.requests))
    return FoundPart(
        part.url,
        part.model,
        numbers,
        part.first_line,
        part.last_line,
        part.requests,
        part.size,
        part.inputs,
        part.tokens,
        content if content.endswith(b"\n") else content + b"\n",
        part.spool is not None,
    )


def line(**changes: Any) -> bytes:
    """A good line, but for what is changed; `...` leaves a field out. Its body always asks."""
    fields = {
        "custom_id": "a",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {"model": "gpt-5-mini"},
    } | changes
    if isinstance(fields["body"], dict):
        fields["body"] = fields["body"] | {
            k: v for k, v in QUESTION.items() if k not in fields["body"]
        }
    return json.dumps({name: each for name, each in fields.items() if each is not ...}).encode()


QUESTION = {"messages": [{"content": []}], "input": "Hi", "prompt": "Hi"}  # at any endpoint


class BatchFile(NamedTuple):
    """A valid file, and its requests with the numbers of their lines."""

    data: bytes
    requests: list[tuple[int, bytes]]

    def limits(self, requests: int, capacity: int) -> Limits:
        """Such that every request fits somewhere: room for so many bytes above the largest."""
        largest = max((len(each) + 1 for _, each in self.requests), default=1)
        most_inputs = max((inputs_in(each) for _, each in self.requests), default=1)
        return Limits(
            requests=requests,
            bytes=largest + capacity,
            inputs=most_inputs + capacity % 3,
            tokens=-(-(largest + capacity // 2) // 4),
        )


def inputs_in(request: bytes) -> int:
    parsed = json.loads(request)
    given = parsed["body"].get("input")
    if parsed["url"] != EMBEDDINGS:
        return 0
    return len(given) if isinstance(given, list) and not isinstance(given[0], int) else 1


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
inputs = st.one_of(
    texts,
    st.lists(texts, min_size=1, max_size=4),
    st.lists(st.integers(-9, 9), min_size=1, max_size=4),
    st.lists(st.lists(st.integers(0, 9), max_size=3), min_size=1, max_size=4),
)
bodies = st.fixed_dictionaries(
    {
        "model": st.sampled_from(["gpt-5-mini", "gpt-4.1"]),
        "input": inputs,
        "messages": st.just([{"role": "user", "content": "Hello"}]),
    }
)
mixed = st.fixed_dictionaries(
    {"url": st.sampled_from(["/v1/chat/completions", EMBEDDINGS]), "body": bodies}
)
alike = st.fixed_dictionaries(
    {
        "url": st.just("/v1/responses"),
        "body": st.fixed_dictionaries({"model": st.just("gpt-5"), "input": texts}),
    }
)
ends = st.sampled_from([b"\n", b"\r\n", b"\n\n", b"\n \t\r\n", b"\r\r\n"])


@st.composite
def batch_files(draw: st.DrawFn, most: int = 12) -> BatchFile:
    """Mixed or all alike; blank lines, CRLF, BOM; with and without a newline at the end."""
    kinds, ended = draw(st.sampled_from([(mixed, ends), (alike, ends), (alike, st.just(b"\n"))]))
    ascii_only, marked, closed = draw(st.tuples(*[st.booleans()] * 3))
    data = UTF8_MARK if marked else b""
    requests = []
    for number, (fields, end) in enumerate(draw(st.lists(st.tuples(kinds, ended), max_size=most))):
        request = {"custom_id": f"r{number}", "method": "POST"} | fields
        content = json.dumps(request, ensure_ascii=ascii_only).encode()
        requests.append((data.count(b"\n") + 1, content))
        data += content + end
    return BatchFile(data if closed else data.rstrip(b"\r\n"), requests)


def reader(pieces: Iterator[bytes]) -> Readable:
    """What comes, piece by piece, from a file that need not exist."""
    return _Pieces(pieces)


class _Pieces:
    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def read(self, size: int = -1, /) -> bytes:
        return next(self._pieces, b"")
