"""Why a file is no table that can be read, and what its owner can do."""

from shared.batchfile.refusals import UnreadableFile
from shared.problems import Problem
from shared.text import sanitize

WHY = {  # DuckDB's words for a line that is no row
    "MISSING COLUMNS": ("has fewer values than the table has columns", "add what is missing"),
    "TOO MANY COLUMNS": (
        "has more values than the table has columns",
        "put values that hold the delimiter or a line's end in double quotes",
    ),
    "UNQUOTED VALUE": (
        "has a quote in the middle of a value",
        'put the value in double quotes, and write a quote in it twice: ""',
    ),
    "LINE SIZE OVER MAXIMUM": ("is longer than 16 MB", "shorten it"),
    "INVALID ENCODING": ("is not UTF-8", "write the file anew in UTF-8"),
    "INVALID STATE": (
        "ends inside a quoted value or has text behind one",
        'close the quotes, and write a quote inside a value twice: ""',
    ),
}


def broken_row(line: int, kind: str, message: str) -> Problem:
    what, remedy = WHY.get(kind, (sanitize(message, 200), "mend the line"))
    return Problem(
        line=line,
        code="broken_row",
        message=f"Line {line:,} is no row of the table: it {what}.",
        remedy=f"{remedy}, and drop the table again",
    )


def not_a_table(reason: str) -> UnreadableFile:
    said = sanitize(reason.partition("\n")[0], 200)
    return UnreadableFile(
        "not_a_table",
        f"The file can't be read as the table that its name says it is: {said}.",
        "name it by what it is (….csv, ….tsv or ….parquet), or write it anew",
    )


def too_large(reason: str) -> UnreadableFile:
    said = sanitize(reason.partition("\n")[0], 120)
    return UnreadableFile(
        "table_too_large",
        f"The table does not fit in the function's memory: {said}.",
        "write Parquet anew with smaller row groups, such as COPY (FROM 'old.parquet') TO "
        "'new.parquet' (ROW_GROUP_SIZE 10000) in DuckDB, or split the table",
    )


def no_room(size: int, room: int) -> UnreadableFile:
    return UnreadableFile(
        "table_too_large",
        f"The table has more than {size:,} bytes, and the function's disk holds {room:,}.",
        "split the table into several, and drop each",
    )


def wrong_encoding(name: str, where: str) -> UnreadableFile:
    return UnreadableFile(
        "wrong_encoding",
        f"The table is not UTF-8 ({where}); it looks like {name}.",
        f"iconv -f {name} -t UTF-8 FILE > NEW, and drop that",
    )


def empty() -> UnreadableFile:
    return UnreadableFile(
        "empty_table",
        "The table has no rows.",
        "write one row for each request below the line that names the columns",
    )
