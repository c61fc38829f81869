"""What is wrong with the name of a dropped file, and what its owner can do."""

import shlex

from shared.jobs import keys
from shared.library.paths import LIBRARIES
from shared.objects import Source
from shared.problems import Problem
from shared.tables.files_beside import SUFFIXES

TABLE = "save it as CSV in UTF-8, and drop it beside a recipe.yaml (docs/tables.md)"
NAMED = (
    "if rows of a table name it, write {{ file(column) }} in the recipe.yaml beside the table "
    "(docs/tables.md); otherwise nothing is done with it here"
)
RECIPE = "a recipe for the tables beside it is called recipe.yaml (docs/tables.md)"
PACK_AGAIN = "unpack it, compress it with gzip or zstd, and name it ….jsonl.gz or ….jsonl.zst"
RENAME = "it is the same format: drop it again under a name that ends in .jsonl"
REMEDIES = {  # by what the name ends in
    "/.jsonl": "give it a name before the suffix, such as requests.jsonl",
    "/.jsonl.gz": "give it a name before the suffix, such as requests.jsonl.gz",
    "/.jsonl.zst": "give it a name before the suffix, such as requests.jsonl.zst",
    "/_success": "nothing to do: this is a marker of the program that wrote the files beside it",
    "/.ds_store": "nothing to do: this is a file of the Finder",
    ".crc": "nothing to do: this is the checksum of a file beside it",
    ".ndjson": RENAME,
    ".jsonlines": RENAME,
    ".ldjson": RENAME,
    ".ndjson.gz": "it is the same format: drop it again under a name that ends in .jsonl.gz",
    ".ndjson.zst": "it is the same format: drop it again under a name that ends in .jsonl.zst",
    ".json": "if it has one object a line, name it ….jsonl; otherwise jq -c '.[]' FILE > "
    "requests.jsonl (of an array) or jq -c . FILE > requests.jsonl makes it so",
    **dict.fromkeys(SUFFIXES, NAMED),
    **dict.fromkeys((".yaml", ".yml"), RECIPE),
    "recipe.json": RECIPE,
    ".xlsx": TABLE,
    ".xls": TABLE,
    ".jsonl.bz2": PACK_AGAIN,
    ".jsonl.xz": PACK_AGAIN,
    ".jsonl.zip": PACK_AGAIN,
    ".zip": "unpack it, and drop the file of requests that is in it as ….jsonl",
    ".tar": "unpack it, and drop the files of requests that are in it as ….jsonl",
    ".tar.gz": "unpack it, and drop the files of requests that are in it as ….jsonl",
    ".tgz": "unpack it, and drop the files of requests that are in it as ….jsonl",
    ".jsonl.tmp": "drop it under its final name: S3 shows an object only once it is whole",
    ".jsonl.part": "drop it under its final name: S3 shows an object only once it is whole",
    ".gz": "if JSON Lines are in it, name it ….jsonl.gz",
    ".zst": "if JSON Lines are in it, name it ….jsonl.zst",
}
OTHER = "write JSON Lines, one request a line, and name the file ….jsonl"


def wrong_name(key: str) -> Problem:
    suffixes = ", ".join((*keys.SUFFIXES, *keys.TABLES))
    if key.endswith("/"):
        return Problem(
            code="not_a_file",
            message="This is a directory marker, not a file of requests.",
            remedy="nothing to do; to submit requests, drop a file that ends in " + suffixes,
        )
    return Problem(
        code="unsupported_suffix",
        message=f"The name does not end in one of: {suffixes}.",
        remedy=_remedy(key.lower()),
    )


def wrong_place(source: Source) -> Problem:
    """It lies beside the folders that anybody looks into, for which S3 tells capitals apart."""
    path = source.key.lstrip("/")
    first, _, rest = path.partition("/")
    folders = {keys.INBOX[:-1]: keys.INBOX, LIBRARIES[:-1]: LIBRARIES, "library": LIBRARIES}
    folder = folders.get(first.lower()) if rest else None
    bucket, right = f"s3://{source.bucket}/", f"{folder}{rest}" if folder else keys.INBOX + path
    command = shlex.join(["aws", "s3", "mv", bucket + source.key, bucket + right])
    return Problem(
        code="wrong_place",
        message=f"The file does not lie under {keys.INBOX} (requests) or {LIBRARIES} (documents), "
        "so nothing was done with it.",
        remedy=f"move it to where it belongs: {command}",
    )


def _remedy(key: str) -> str:
    """That of the longest ending."""
    ends = sorted(filter(key.endswith, REMEDIES), key=len)
    return REMEDIES[ends[-1]] if ends else OTHER
