"""Why reading a file stops: each reason with its code, its message and its remedy."""

from datetime import timedelta

from shared.problems import Problem

MOST_BAD_LINES = 100_000  # in a file that is refused anyway; all of them would take minutes


class UnreadableFile(Exception):
    """Reading the file has to stop: code, message and remedy are for its owner."""

    def __init__(self, code: str, message: str, remedy: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.remedy = remedy

    @property
    def problem(self) -> Problem:
        """As a report shows it."""
        return Problem(code=self.code, message=self.message, remedy=self.remedy)


def line_too_long(most: int) -> UnreadableFile:
    return UnreadableFile(
        "line_too_long",
        f"A line has more than {most:,} bytes; reading stopped there.",
        "write JSON Lines: one request a line, each ended by a newline",
    )


def file_too_large(most: int) -> UnreadableFile:
    return UnreadableFile(
        "file_too_large",
        f"The file unpacks to more than {most:,} bytes; reading stopped there.",
        "split the file into several and drop each",
    )


def too_slow(time: timedelta) -> UnreadableFile:
    minutes = max(1, round(time.total_seconds() / 60))
    return UnreadableFile(
        "too_slow",
        f"The file could not be checked in {minutes} minutes, the time that one run has; reading "
        "stopped there.",
        "split the file into several and drop each",
    )


def hopeless(line: int, *, skip: bool) -> UnreadableFile:
    why = "no line so far is a request" if skip else "the file is refused in any case"
    return UnreadableFile(
        "too_many_bad_lines",
        f"Reading stopped at line {line:,}: {MOST_BAD_LINES:,} lines are bad, and {why}.",
        "mend what the first lines show, and drop the file again",
    )


def damaged(how: str, error: Exception) -> UnreadableFile:
    return UnreadableFile(
        "invalid_compression",
        f"The compressed file {how}: {error}.",
        "compress it again and check it (gzip -t, zstd -t) before you drop it",
    )


def too_many_models(most: int) -> UnreadableFile:
    return UnreadableFile(
        "too_many_models",
        f"The file asks for more than {most} different endpoints and models; reading stopped "
        "there.",
        "split it into several files with fewer models each, and check that body.model is a model",
    )


def too_many_parts(most: int) -> UnreadableFile:
    return UnreadableFile(
        "too_many_parts",
        f"The file would be split into more than {most:,} parts; reading stopped there.",
        "split it into several files, or raise the stack's MaxPartBytes",
    )


def too_many_duplicates(most: int) -> UnreadableFile:
    return UnreadableFile(
        "too_many_duplicates",
        f"The file uses at least {most:,} custom_ids more than once; not all of them are counted "
        "here.",
        "check whether the file holds everything twice, and give each line its own custom_id",
    )
