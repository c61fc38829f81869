"""What asking the same only once saves, or would save."""

from collections.abc import Iterable, Sequence

from shared.batchfile.repeats import AskedOnce, Repeats
from shared.batchfile.schema import tokens_of
from shared.dollars import in_dollars
from shared.jobs.estimate import Asked, Estimate, Kind
from shared.jobs.model import Job


def asked_otherwise(
    asked: Sequence[tuple[Kind, Asked]], found: Repeats
) -> Iterable[tuple[Kind, Asked]]:
    """With the repeats, if they are left out, and else without: all kinds change by one share."""
    sign = 1 if isinstance(found, AskedOnce) else -1
    requests = sum(each.requests for _, each in asked)
    size = sum(each.tokens for _, each in asked)
    if not (requests and size):
        return []
    times = 1 + sign * found.requests / requests
    larger = 1 + sign * tokens_of(found.bytes) / size
    return [(kind, each.scaled(times, max(larger, 0))) for kind, each in asked]


def saved_by(one: Estimate, other: Estimate) -> int | None:
    """Millionths of a dollar; None: nothing is priced."""
    if one.expected is None or other.expected is None:
        return None
    return abs(one.expected - other.expected)


def of_job(job: Job) -> str:
    found = job.repeated
    return repeats_in_words(found.requests, found.saved, once=found.left_out > 0)


def repeats_in_words(requests: int, saved: int | None, *, once: bool) -> str:
    """Empty, if there are none."""
    if not requests:
        return ""
    worth = "" if saved is None else in_dollars(saved)
    if once:
        told = f"{requests:,} of them ask what another asks, and get its answer"
        return f"{told}: that saves {worth}" if worth else told
    told = f"{requests:,} of them ask what another asks"
    return f"{told}; asked once (duplicates=once), they would cost {worth} less" if worth else told
