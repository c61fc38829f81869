"""A file that can't be checked now: it waits, or ends with what its owner has to do."""

from datetime import timedelta

from shared.errors import NotFound, Refused
from shared.jobs.model import Job, JobState
from shared.problems import Problem
from shared.text import REASON, sanitize

MOST_CHECKS = 10  # a file that kills intake does so each time; one that is fine may have bad luck
MOST_REFUSALS = 5  # in half an hour: a policy that is being mended is mended by then
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(minutes=15)
PATIENCE = timedelta(days=1)  # with S3, or with a library that gets no store

ARCHIVED, SSE_C = "InvalidObjectState", "InvalidRequest"
# How S3 refuses what it will refuse at each try, and what its owner can do.
FINAL = {
    ARCHIVED: (
        "The file is archived: S3 gives it only once it is restored.",
        "restore it and copy it over itself as STANDARD (aws s3 cp s3://… s3://… --storage-class "
        "STANDARD), or drop it again in the class STANDARD",
    ),
    SSE_C: (
        "The file is encrypted with a key that only its owner has (SSE-C).",
        "drop it again without a key of your own (no --sse-c): the bucket encrypts it",
    ),
    "KMS.DisabledException": (
        "The file is encrypted with a KMS key that is disabled.",
        "enable the key, or drop the file again without naming one: the bucket encrypts it",
    ),
    "KMS.KMSInvalidStateException": (
        "The file is encrypted with a KMS key that can't be used as it is now.",
        "bring the key back, or drop the file again without naming one: the bucket encrypts it",
    ),
    "KMS.NotFoundException": (
        "The file is encrypted with a KMS key that does not exist any more.",
        "drop it again without naming a key: the bucket encrypts it",
    ),
}
FINAL["400"] = FINAL[SSE_C]  # HEAD has no words, only its status


class NoRecipe(Exception):
    """A table has none yet: clients upload in any order."""


def pause_after(job: Job) -> timedelta:
    return min(FIRST_PAUSE * (1 << min(job.pauses, 10)), LONGEST_PAUSE)


def is_final(job: Job, error: Refused) -> bool:
    """Whether another try is of no use; a 403 may be a policy that is being mended."""
    known = isinstance(error, NotFound) or error.details.code in FINAL
    return known or job.refusals + 1 >= MOST_REFUSALS


def unreadable(error: Refused) -> Problem:
    """S3 will not give the file."""
    if isinstance(error, NotFound):
        return deleted()
    said = f" S3 says: {sanitize(error.reason, REASON)}"
    message, remedy = FINAL.get(error.details.code or "", (_FORBIDDEN, _MAY_READ))
    if "kms" in error.reason.lower() and error.details.code not in FINAL:
        message, remedy = _FOREIGN_KEY, _MAY_DECRYPT
    return Problem(code="unreadable_object", message=message + said, remedy=remedy)


_FORBIDDEN = "S3 does not let intake read the file."
_MAY_READ = (
    "let the stack's intake role read it (bucket policy, object owner, KMS key), or drop it again "
    "without --acl and without a KMS key of your own"
)
_FOREIGN_KEY = "The file is encrypted with a KMS key that intake may not use."
_MAY_DECRYPT = (
    "allow the stack's intake role kms:Decrypt on that key, or drop the file again without naming "
    "a key (no --sse-kms-key-id): the bucket encrypts it"
)


def deleted() -> Problem:
    return Problem(
        code="object_gone",
        message="The file was deleted before it could be read.",
        remedy="drop it again, and leave it there until its results are landed",
    )


def died(job: Job) -> Problem:
    return Problem(
        code="check_died",
        message=f"Checking the file ended {job.checks} times before it was done: the function "
        "was out of time, memory or disk.",
        remedy="split the file into several and drop each; if it is small, ask those who run the "
        "stack to look into intake's log",
    )


def waited_too_long(job: Job, reason: str) -> Problem:
    since = job.times[JobState.CHECKING.value]
    return Problem(
        code="not_readable_in_time",
        message=f"The file could not be checked since {since:%Y-%m-%d %H:%M} UTC: "
        f"{sanitize(reason, REASON)}.",
        remedy="drop it again once that has passed",
    )
