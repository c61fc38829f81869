"""The options of a dropped file, from S3 object metadata (x-amz-meta-…)."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError

from shared.dollars import millionths
from shared.model import FrozenModel, mistakes
from shared.nesting import read_json
from shared.problems import Problem

USUAL_WINDOW_HOURS = 24
OPENAIS_WINDOW = "24h"  # the only one it takes today
OUR_METADATA = 3  # job_id, part and attempt take three of the 16 pairs a batch may carry
# What clients add on their own: no options of the person.
ADDED_BY_CLIENTS = frozenset(
    {"mtime", "atime", "ctime", "mode", "uid", "gid", "s3cmd-attrs", "md5chksum", "xattr"}
    | {"user-agent", "user-agent-id", "file-owner", "file-group", "file-permissions"}
    | {"file-mtime", "file-atime"}
)  # rclone, s3cmd, Cyberduck, s3fs; AWS DataSync, Storage Gateway and Transfer Family

MetadataKey = Annotated[str, StringConstraints(min_length=1, max_length=64)]
MetadataValue = Annotated[str, StringConstraints(max_length=512)]


TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
NO_BOOLEAN = "neither"

# A number of requests, or a share of them.
MaxFailures = Annotated[
    str, StringConstraints(pattern=r"^([0-9]{1,9}|100%|[0-9]{1,2}(\.[0-9]{1,3})?%)$")
]


# Dollars, kept as they were written: a sum of money is no fraction of base two.
Dollars = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,9}(\.[0-9]{1,6})?$")]


def _parsed(value: object) -> object:
    return read_json(value) if isinstance(value, str) else value


def _truth(value: object) -> object:
    return TRUTH.get(value.lower(), NO_BOOLEAN) if isinstance(value, str) else value


def _to_dashes(name: str) -> str:
    return name.replace("_", "-")


class Options(FrozenModel):
    """One file's options, with the defaults."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=_to_dashes, populate_by_name=True
    )

    bad_lines: Literal["reject", "skip"] = "reject"
    completion_window: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,3}[hd]$")] = (
        OPENAIS_WINDOW
    )
    dry_run: Annotated[
        bool, BeforeValidator(_truth), Field(description="tell the price, and do no more")
    ] = False
    duplicates: Literal["each", "once"] = "each"  # requests that ask the same
    duplicate_file: Literal["ask", "run", "reject"] = "ask"  # the same bytes at the same key
    keep_files: Annotated[
        bool, BeforeValidator(_truth), Field(description="leave input and output at OpenAI")
    ] = False
    max_attempts: Annotated[int, Field(ge=1, le=10)] = 3
    max_cost: Dollars | None = None  # None: as much as the stack allows
    max_failures: MaxFailures | None = None  # None: a job fails only if no request succeeds
    metadata: Annotated[
        dict[MetadataKey, MetadataValue],
        BeforeValidator(_parsed),
        Field(max_length=16 - OUR_METADATA),
    ] = {}

    @property
    def window_hours(self) -> int:
        return int(self.completion_window[:-1]) * (24 if self.completion_window[-1] == "d" else 1)

    @property
    def max_cost_millionths(self) -> int | None:
        return millionths(self.max_cost or "")

    def is_exceeded_by(self, failed: int, total: int) -> bool:
        """Whether more requests failed than `max-failures` allows."""
        if self.max_failures is None:
            return False
        if self.max_failures.endswith("%"):
            return failed * 100 > Decimal(self.max_failures[:-1]) * total
        return failed > int(self.max_failures)


HOW = {
    "bad-lines": "write `reject` (refuse the file, the default) or `skip` (submit the good lines)",
    "completion-window": "write `24h`, the only window OpenAI takes, or one of the stack's "
    "parameter CompletionWindows",
    "duplicate-file": "write `ask` (a file that was dropped before waits for a word, the default), "
    "`run` (it is a job like any other) or `reject`",
    "duplicates": "write `each` (every line is asked, the default) or `once` (lines that ask the "
    "same share one answer)",
    "dry-run": "write `true` (check the file and say what it would cost) or `false`, the default",
    "keep-files": "write `true` or `false` (or `yes`, `no`, `1`, `0`)",
    "max-attempts": "write a whole number from 1 to 10",
    "max-cost": "write how many dollars the job may cost, such as `5` or `2.50`; a job that is "
    "expected to cost more is held until a person approves it",
    "max-failures": "write how many requests may fail, as a number such as `10` or as a share of "
    "them such as `5%`; without it a job fails only if no request succeeds",
    "metadata": 'write a JSON object of at most 13 pairs, such as {"team": "search"}: '
    "keys of 1 to 64 characters, values text of at most 512; "
    "job_id, part and attempt are ours",
}


CLOSE = 2  # edits between a name and one of ours
WORDS = frozenset(word for name in HOW for word in name.split("-"))
FIRST_WORDS = frozenset(name.split("-")[0] for name in HOW if "-" in name)


def read_options(
    metadata: Mapping[str, str], windows: Sequence[str] = (OPENAIS_WINDOW,)
) -> tuple[Options, list[Problem]]:
    """The options as given; with any problem, the defaults and every problem.

    `windows` are those that the server takes, the usual one first.
    """
    given = {k.lower(): v for k, v in metadata.items() if _is_like_ours(k.lower())}
    try:
        options = Options.model_validate(given)
    except ValidationError as error:
        return Options(), _problems(error)
    if "completion_window" not in options.model_fields_set:
        options = options.model_copy(update={"completion_window": windows[0]})
    if options.completion_window not in windows:
        allowed = " or ".join(map(repr, windows))
        return Options(), [_problem("completion-window", f"Input should be {allowed}")]
    taken = {"job_id", "part", "attempt"} & options.metadata.keys()
    if taken:
        return Options(), [_problem("metadata", f"{', '.join(sorted(taken))} is ours")]
    return options, []


def foreign_names(metadata: Mapping[str, str]) -> list[str]:
    """Metadata that is neither an option nor written like one: a client's, or a person's own."""
    names = sorted(name for name in map(str.lower, metadata) if name not in ADDED_BY_CLIENTS)
    return [name for name in names if not _is_like_ours(name)]


def _is_like_ours(name: str) -> bool:
    """An option, or one that is misspelt: such a name is refused, not left alone."""
    if name in ADDED_BY_CLIENTS:
        return False
    written = _to_dashes(name)
    if written in WORDS or written.split("-")[0] in FIRST_WORDS:
        return True
    return any(_distance(written, ours) <= CLOSE for ours in HOW)


def _distance(one: str, other: str) -> int:
    """How many characters have to be added, removed or changed; more than CLOSE is just more."""
    if abs(len(one) - len(other)) > CLOSE:
        return CLOSE + 1
    row = list(range(len(other) + 1))
    for at, character in enumerate(one, 1):
        before, row[0] = row[0], at
        for place, wanted in enumerate(other, 1):
            cost = min(row[place] + 1, row[place - 1] + 1, before + (character != wanted))
            before, row[place] = row[place], cost
    return row[-1]


def _problems(error: ValidationError) -> list[Problem]:
    found: dict[str, Problem] = {}
    for each in mistakes(error):
        name = each.path[0] if each.path else "metadata"
        found.setdefault(name, _problem(name, each.message))
    return list(found.values())


def _problem(name: str, what: str) -> Problem:
    if name not in HOW:
        known = ", ".join(sorted(HOW))
        return Problem(
            code="unknown_option",
            param=name,
            message=f"The option {name!r} is not known. Known: {known}.",
            remedy=f"remove x-amz-meta-{name}, or write it as one of: {known}",
        )
    return Problem(
        code="invalid_option",
        param=name,
        message=f"The option {name!r} is not as it should be: {what}.",
        remedy=HOW[name],
    )
