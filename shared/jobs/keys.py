"""The keys of the data bucket: made from content, never longer than S3 allows."""

import hashlib

from shared.jobs.model import Job
from shared.jobs.part import Part
from shared.text import sanitize_key

BINARY = "application/octet-stream"
PAGE = "text/html; charset=utf-8"
INBOX = "inbox/"
SUFFIXES = (".jsonl", ".jsonl.gz", ".jsonl.zst")
TABLES = (".csv", ".csv.gz", ".csv.zst", ".tsv", ".tsv.gz", ".tsv.zst", ".parquet")
RECIPE = "recipe.yaml"
LONGEST = 1_024  # bytes of an S3 key
LONGEST_FILE = len("/extras-900001.jsonl")  # space kept behind the prefix


def accepted_suffix(key: str) -> str | None:
    """The suffix by which a file is read, or None for one that is refused."""
    return _suffix(key, SUFFIXES + TABLES)


def table_suffix(key: str) -> str:
    """Empty for what is no table."""
    return _suffix(key, TABLES) or ""


def is_recipe(key: str) -> bool:
    return is_in_inbox(key) and _base(key) == RECIPE


def _suffix(key: str, among: tuple[str, ...]) -> str | None:
    name = key.lower()
    return next((each for each in among if name.endswith(each) and _base(name) != each), None)


def is_in_inbox(key: str) -> bool:
    return key.startswith(INBOX)


def is_packed(key: str) -> bool:
    return key.lower().endswith((".gz", ".zst"))


def results_prefix(job_id: str, key: str) -> str:
    return _prefix("results", job_id, key)


def rejected_prefix(job_id: str, key: str) -> str:
    return _prefix("rejected", job_id, key)


def part_key(part: Part) -> str:
    return f"parts/{part.job}/{part.number:06d}.jsonl"


def lines_key(part: Part) -> str:
    """Line numbers of a part whose lines do not lie side by side: 4 bytes each, little-endian."""
    return f"parts/{part.job}/{part.number:06d}.lines"


def table_lines_key(job: Job) -> str:
    """The requests of a table, one for each row."""
    return f"parts/{job.id}/table.jsonl"


def repeats_key(job: Job) -> str:
    """Lines that are not asked, and whose answer each gets: [line, line that is asked, custom_id].

    In the order of the file.
    """
    return f"parts/{job.id}/repeats.jsonl"


def landed_key(part: Part) -> str:
    """The part's results in the order of its lines, until the job's are put together."""
    return f"parts/{part.job}/{part.number:06d}.results.jsonl"


def landed_lines_key(part: Part) -> str:
    """Their line numbers, where they answer more lines than the part has."""
    return f"parts/{part.job}/{part.number:06d}.results.lines"


def retry_key(parent: Part) -> str:
    """The requests of a part that are retried; its name keeps them apart from all others."""
    return f"parts/{parent.job}/{parent.number:06d}.retry.jsonl"


def retry_lines_key(parent: Part) -> str:
    return f"parts/{parent.job}/{parent.number:06d}.retry.lines"


def split_lines_key(parent: Part, first: int) -> str:
    return f"parts/{parent.job}/{parent.number:06d}.from-{first}.lines"


def extras_key(job: Job, part: Part) -> str:
    """Answers that belong to no request of the part, or to one that has an answer already."""
    return f"{job.results_prefix}extras-{part.number:06d}.jsonl"


def _base(key: str) -> str:
    return key.rsplit("/", 1)[-1]


def _prefix(root: str, job_id: str, key: str) -> str:
    """`results/any/path/name/job/`; a path too long is cut and closed with a hash of the whole."""
    path = key.removeprefix(INBOX)
    suffix = accepted_suffix(key)
    path = path[: -len(suffix)] if suffix else path.rstrip("/")
    path = sanitize_key(path)
    space = LONGEST - len(f"{root}//{job_id}/") - LONGEST_FILE
    encoded = path.encode(errors="surrogatepass")
    if len(encoded) > space:
        mark = "~" + hashlib.sha256(encoded).hexdigest()[:16]
        path = encoded[: space - len(mark)].decode(errors="ignore") + mark
    return "/".join(filter(None, (root, path, job_id))) + "/"
