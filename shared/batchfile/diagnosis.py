"""Says what a file is that is no JSON Lines at all: one cause, with the command that mends it.

It looks at the first bytes alone, and never refuses a file that could be taken: its first line that
is not blank would be a JSON object, whole on that line.
"""

import ast
import csv
import json
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec

from shared.batchfile.refusals import UnreadableFile
from shared.nesting import is_too_deep

PEEK = 1 << 16  # bytes, unpacked
MOST_EVALUATED = 1 << 14  # bytes of a line that is read as Python
FORMAT = (
    'one request a line, as JSON: {"custom_id": "…", "method": "POST", "url": "…", "body": {…}}'
)

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_any = msgspec.json.Decoder(msgspec.Raw).decode
COMMA_AT_END = re.compile(rb",\s*$")
OBJECT = re.compile(r"^\W*\{|^\s*\[")
COMMA_INSIDE = re.compile(rb",(\s*[}\]])")


class _Head(NamedTuple):
    data: bytes
    whole: bool  # the file has no more

    def lines(self) -> list[bytes]:
        """That are not blank; the last one only if it is whole."""
        lines = self.data.split(b"\n")
        return [each for each in (lines if self.whole else lines[:-1]) if each.strip()]


Check = Callable[[_Head], UnreadableFile | None]


class Magic(NamedTuple):
    """How files of a format begin."""

    start: bytes
    what: str
    remedy: str


JSON_LINES = f"write JSON Lines, {FORMAT}"
UNPACK = "unpack it, and drop the file of requests that is in it (….jsonl or ….jsonl.gz)"
MAGICS = (
    Magic(b"PK\x03\x04", "a zip archive (an Excel or a Word file is one too)", UNPACK),
    Magic(b"PK\x05\x06", "an empty zip archive", UNPACK),
    Magic(b"7z\xbc\xaf\x27\x1c", "a 7z archive", UNPACK),
    Magic(b"BZh", "compressed with bzip2", "unpack it (bunzip2), then gzip it if it is large"),
    Magic(b"\xfd7zXZ\0", "compressed with xz", "unpack it (unxz), then gzip it if it is large"),
    Magic(b"PAR1", "a Parquet file", JSON_LINES),
    Magic(b"ARROW1", "an Arrow file", JSON_LINES),
    Magic(b"Obj\x01", "an Avro file", JSON_LINES),
    Magic(b"SQLite format 3\0", "an SQLite database", JSON_LINES),
    Magic(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel or Word file", JSON_LINES),
    Magic(b"%PDF-", "a PDF", JSON_LINES),
    Magic(b"\x89PNG\r\n", "a PNG image", JSON_LINES),
    Magic(b"\xff\xd8\xff", "a JPEG image", JSON_LINES),
    Magic(b"GIF8", "a GIF image", JSON_LINES),
    Magic(b"\x80\x04\x95", "a Python pickle", JSON_LINES),
    Magic(b"\x80\x05\x95", "a Python pickle", JSON_LINES),
)
LONGEST_MAGIC = max(len(each.start) for each in MAGICS)
GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
PACKED = {GZIP: ("gzip", ".jsonl.gz"), ZSTD: ("zstd", ".jsonl.zst")}
ENCODINGS = (  # the longer mark first
    (b"\xff\xfe\0\0", "UTF-32"),
    (b"\0\0\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
ZEROS: dict[
    tuple[bool, ...], str
] = {  # of four ASCII characters without a mark: which bytes are zero
    (True, True, True, False): "UTF-32BE",
    (False, True, True, True): "UTF-32LE",
    (True, False, True, False): "UTF-16BE",
    (False, True, False, True): "UTF-16LE",
}
PAGES = (b"<!doctype", b"<html", b"<?xml", b"<error")


def refuse_other_formats(data: bytes, *, whole: bool, skip: bool) -> None:
    """Takes a file's first bytes, unpacked, without a UTF-8 mark. Raises UnreadableFile."""
    head = _Head(data[:PEEK], whole and len(data) <= PEEK)
    for diagnose in _checks(head, skip=skip):
        if found := diagnose(head):
            raise found


def _checks(head: _Head, *, skip: bool) -> tuple[Check, ...]:
    """One good line, and the file is what it says; a bad line then is that line's own matter."""
    requests = [_is_request(each) for each in head.lines()]
    if skip and any(requests):
        return OF_FILES if not requests[0] else ()
    return (_misencoded,) if any(requests[:1]) else OF_FILES + OF_LINES


def refuse_not_packed(data: bytes, magic: bytes) -> None:
    """Takes the first bytes of a file whose name says that it is packed. Raises UnreadableFile."""
    if not data or magic.startswith(data[: len(magic)]) or data.startswith(magic):
        return
    if found := _packed(_Head(data, whole=False)) or _magic(_Head(data, whole=False)):
        raise found
    if data[:4] == b"\x50\x2a\x4d\x18" or (magic == ZSTD and data[1:4] == b"\x2a\x4d\x18"):
        return  # a zstd frame that holds no content
    how, suffix = PACKED[magic]
    raise UnreadableFile(
        "invalid_compression",
        f"The name says that the file is compressed with {how}, but it is not.",
        f"name it ….jsonl, or compress it ({how} FILE) and name it …{suffix}",
    )


def _is_request(line: bytes) -> bool:
    """Roughly: a JSON object that has one of a request's fields."""
    try:
        return not _fields(line).keys().isdisjoint({"custom_id", "method", "url", "body"})
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def _is_json(line: bytes) -> bool:
    try:
        _any(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _packed(head: _Head) -> UnreadableFile | None:
    for magic, (how, suffix) in PACKED.items():
        if head.data.startswith(magic):
            return UnreadableFile(
                "invalid_encoding",
                f"The file is compressed with {how} and its name does not say so, or it is "
                "compressed twice.",
                f"compress it once, and name it …{suffix}",
            )
    return None


def _magic(head: _Head) -> UnreadableFile | None:
    for magic in MAGICS:
        if head.data.startswith(magic.start):
            message = f"The file is {magic.what}, not JSON Lines."
            return UnreadableFile("binary_file", message, magic.remedy)
    return None


def _encoding(head: _Head) -> UnreadableFile | None:
    marked = (name for mark, name in ENCODINGS if head.data.startswith(mark))
    name = next(marked, "") or ZEROS.get(tuple(each == 0 for each in head.data[:4]), "")
    if not name:
        return None
    return UnreadableFile(
        "invalid_encoding",
        f"The file is {name}.",
        f"save it as UTF-8 without a byte order mark (iconv -f {name} -t UTF-8 FILE > "
        "requests.jsonl)",
    )


def _web_page(head: _Head) -> UnreadableFile | None:
    if not head.data.lstrip().lower().startswith(PAGES):
        return None
    return UnreadableFile(
        "web_page",
        "The file is an HTML or XML page, such as the error page of a failed download.",
        "look at it (head FILE), download the file again, and drop that",
    )


def _array(head: _Head) -> UnreadableFile | None:
    if not re.match(rb"\s*\[\s*(\{|\]\s*$|$)", head.data):
        return None
    return UnreadableFile(
        "json_array",
        "The file is one JSON array, not one JSON object a line.",
        "write its elements one a line: jq -c '.[]' FILE > requests.jsonl",
    )


def _pretty(head: _Head) -> UnreadableFile | None:
    """An object that goes over several lines."""
    text = head.data.decode(errors="ignore").lstrip()
    first = text.split("\n", 1)[0]
    if not first.startswith("{") or "\n" not in text or is_too_deep(head.data):
        return None
    try:
        _, end = json.JSONDecoder().raw_decode(text)
    except RecursionError:
        end = 0
    except ValueError:
        broken = first.strip() == "{" and not head.whole  # its end was not seen
        end = len(text) if broken else 0
    if "\n" not in text[:end].strip():
        return None
    return UnreadableFile(
        "pretty_printed",
        "The JSON objects in the file go over several lines.",
        "write each on a line of its own: jq -c . FILE > requests.jsonl",
    )


def _line_ends(head: _Head) -> UnreadableFile | None:
    if b"\n" in head.data or not any(map(_is_request, head.data.split(b"\r")[:-1])):
        return None
    return UnreadableFile(
        "line_ends",
        "The lines of the file end with carriage returns alone.",
        "end them with newlines: tr '\\r' '\\n' < FILE > requests.jsonl",
    )


def _commas(head: _Head) -> UnreadableFile | None:
    line = _first(head)
    if not _opens(line) or _is_json(line):
        return None
    at_end, inside = COMMA_AT_END.sub(b"", line), COMMA_INSIDE.sub(rb"\1", line)
    if _is_json(at_end):
        command = "sed 's/,[[:space:]]*$//' FILE > requests.jsonl"
    elif _is_json(inside) or _is_json(COMMA_INSIDE.sub(rb"\1", at_end)):
        command = "sed -E 's/,[[:space:]]*([]}])/\\1/g; s/,[[:space:]]*$//' FILE > requests.jsonl"
    else:
        return None
    return UnreadableFile(
        "trailing_commas",
        "The lines of the file have commas with nothing behind them.",
        f"take them out, as in: {command}",
    )


def _python(head: _Head) -> UnreadableFile | None:
    line = _first(head)
    if not _opens(line) or _is_json(line) or not _is_python(line):
        return None
    command = "import ast, json, sys; [print(json.dumps(ast.literal_eval(x))) for x in sys.stdin]"
    return UnreadableFile(
        "python_literals",
        "The lines of the file are Python's, not JSON's (single quotes, True, None).",
        f"write them with json.dumps, as in: python3 -c '{command}' < FILE > requests.jsonl",
    )


def _is_python(line: bytes) -> bool:
    if len(line) > MOST_EVALUATED or is_too_deep(line):
        return line.lstrip().startswith(b"{'")
    try:
        return isinstance(ast.literal_eval(line.decode().strip()), dict)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return False


def _table(head: _Head) -> UnreadableFile | None:
    lines = [each.decode(errors="replace") for each in head.lines()[:20]]
    if any(OBJECT.search(each) for each in lines) or not any(_columns(lines)):
        return None
    return UnreadableFile(
        "table",
        "The file is a table (CSV or TSV), not JSON Lines.",
        f"write one request for each row, {FORMAT}",
    )


def _columns(lines: list[str]) -> Iterator[bool]:
    """For each separator, whether the rows have as many columns, and more than one."""
    for separator in ",\t;|":
        try:
            rows = list(csv.reader(lines, delimiter=separator))
        except csv.Error:
            continue
        yield len(rows) > 1 and len(rows[0]) > 1 and len(rows[0]) == len(rows[1])


def _misencoded(head: _Head) -> UnreadableFile | None:
    """Text of one byte a character: every line would be JSON if read so, and none is UTF-8."""
    lines = [each for each in head.lines() if not each.isascii()]
    if len(lines) < 2 or any(map(_is_utf8, lines)):  # one byte that is damaged is none
        return None
    if not all(_is_json(each.decode("latin-1").encode()) for each in head.lines()):
        return None
    return UnreadableFile(
        "invalid_encoding",
        "The file is not UTF-8: it seems to be Latin-1 or Windows-1252.",
        "save it as UTF-8 (iconv -f WINDOWS-1252 -t UTF-8 FILE > requests.jsonl)",
    )


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _first(head: _Head) -> bytes:
    return next(iter(head.lines()), b"")


def _opens(line: bytes) -> bool:
    return line.lstrip().startswith(b"{")


OF_FILES: tuple[Check, ...] = (_packed, _magic, _encoding, _web_page, _array, _pretty, _line_ends)
OF_LINES: tuple[Check, ...] = (_commas, _python, _table, _misencoded)
