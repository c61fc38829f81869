"""The table of faults: what may go wrong, in which words, and how a run knows that it did."""

from collections.abc import Iterable
from dataclasses import dataclass

from local.openai.quirks import QUIRKS


@dataclass(frozen=True)
class Kind:
    """One fault. A `latent` one shows only where somebody looks, so not in every seed."""

    name: str
    meaning: str
    latent: bool = False
    known_open: str = ""  # the promise it breaks today: drawn on request only

    @property
    def shows(self) -> str:
        when = "when looked at" if self.latent else "at once"
        return f"{when}; known open: {self.known_open}" if self.known_open else when


CALLS_BEFORE = (
    *("cut_before", "silent_before", "error_500_before", "error_502_before", "error_503_before"),
    *("rate_limited", "rate_limited_silent", "quota_exhausted", "unauthorized", "forbidden"),
    *("not_found", "refused_passing", "refused_for_good"),
)
CALLS_AFTER = (
    *("cut_after", "silent_after", "error_500_after", "error_502_after", "error_503_after"),
    "not_json",
)
DOWNLOADS = ("download_cut", "download_short", "download_ranges")
LISTS = ("list_stands_still", "list_promises_more")
BATCH_LISTS = (*LISTS, "list_odd_neighbour")
FILE_LISTS = ("list_forgets",)
REFUSED = {  # faults that are one quirk, in other words
    "refused_passing": "HTTP 4xx in words that mean that it may pass, or that a person has to act",
    "refused_for_good": "HTTP 4xx in words that mean that it will never do",
}
UPLOADS = ("file_not_visible",)
BATCHES = (
    *("batch_not_visible", "batch_not_listed", "batch_vanishes", "cancelled_by_someone"),
    *("expires_partly", "quota_not_released", "paused", "missing_lines", "validation_fails"),
    *("stuck_in_progress", "stuck_validating", "token_limit", "all_failed", "no_files"),
    *("empty_ids", "counts_wrong", "counts_missing", "usage_missing", "extra_fields"),
    *("zero_byte_error_file", "unknown_custom_id", "repeated_custom_id", "malformed_line"),
    *("blank_lines", "bom", "output_not_visible", "failed_first"),
)
LIBRARIES = (
    *("document_fails", "document_stuck", "chunking_other", "store_not_listed"),
    *("file_batch_id_wrong", "document_ghost", "store_count_stays"),
    *("document_refused", "document_left_out", "file_batch_empty"),
)
LATENT = frozenset({*BATCHES, *LIBRARIES, *UPLOADS, "download_ranges"})
KNOWN_OPEN: dict[str, str] = {}  # by quirk: the promise it breaks today, and how

AWS = (
    Kind("AWS: throttled", "the service is too busy for so many attempts"),
    Kind("AWS: broken", "the service fails with an error of its own for so many attempts"),
    Kind("AWS: forbidden", "a right is missing for a moment"),
    Kind("AWS: unanswered", "no answer comes, and the work is not done"),
    Kind("AWS: lost", "no answer comes although the work is done; the SDK does it again"),
    Kind("AWS: row changed", "another writer was at the row a moment before"),
    Kind("AWS: transaction conflict", "another transaction is at one of the rows"),
    Kind("AWS: transaction in progress", "the same transaction is still under way"),
    Kind("AWS: stale index", "the index shows rows as they were up to a minute ago"),
    Kind("AWS: short page", "a query's answer ends early and says where to go on"),
    Kind("AWS: not taken", "of a batch of messages or events some are not taken"),
    Kind("AWS: read cut", "the connection breaks in the middle of an object", latent=True),
    Kind("AWS: piece refused", "one piece of a multipart upload is refused to the end"),
)
PLACES = (
    Kind("call held up", "the process stands still until its client gives up"),
    Kind("function killed", "the process dies before or after a call"),
    Kind("function timed out", "the process dies as its time is over"),
    Kind("message doubled", "a queue holds a message twice"),
    Kind("message late", "a message comes up to an hour late"),
    Kind("message given out twice at once", "two processes have one message"),
    Kind("message dead", "a message failed five times and lies with the dead letters"),
    Kind("notification lost", "S3 does not say what happened"),
    Kind("event doubled", "the bus delivers an event twice"),
    Kind("tick left out", "the schedule skips a tick"),
    Kind("two ticks at once", "the schedule ticks twice"),
    Kind("job cancelled", "somebody wants a job to stop"),
    Kind("file dropped twice", "the same file is dropped again, under the same name", latent=True),
    Kind("object not given", "S3 does not give a dropped file: never, or not at first"),
    Kind("store deleted", "somebody deletes a library's store at OpenAI"),
    Kind("all are refused", "OpenAI answers 429 to every request of a file", latent=True),
    Kind("clock skew", "OpenAI's clock is minutes ahead of ours, or behind", latent=True),
)
OPENAI = (
    *(
        Kind(
            f"OpenAI: {each}",
            REFUSED.get(each) or QUIRKS[each],
            each in LATENT,
            KNOWN_OPEN.get(each, ""),
        )
        for each in (
            *(*CALLS_BEFORE, *CALLS_AFTER, *DOWNLOADS, *UPLOADS, *BATCH_LISTS),
            *FILE_LISTS,
        )
    ),
    Kind("OpenAI: stale batch", "a batch is shown as it was at an earlier look"),
)
KINDS = {
    each.name: each
    for each in (
        *AWS,
        *OPENAI,
        *(
            Kind(f"batch: {each}", QUIRKS[each], each in LATENT, KNOWN_OPEN.get(each, ""))
            for each in BATCHES
        ),
        *(
            Kind(f"library: {each}", QUIRKS[each], each in LATENT, KNOWN_OPEN.get(each, ""))
            for each in LIBRARIES
        ),
        *PLACES,
    )
}


def quirk_of(fault: str) -> str:
    """The quirk of the small OpenAI that a fault is."""
    return "refused" if fault in REFUSED else fault


AUDIT_CALLS = (
    *("audit_off", "audit_reversed", "audit_many_documents", "audit_trailing_comma"),
    *("audit_empty_page", "audit_ids_missing", "audit_doubled", "audit_left_out"),
    *("audit_shuffled", "audit_cursor_refused", "audit_cursor_ignored", "audit_tenant_refused"),
)
ONLY_IN_PLACES = frozenset(AUDIT_CALLS[-3:])  # they wait for a call that they apply to
OF_BOTH = frozenset(
    {"call held up", "function killed", "function timed out", "tick left out", "two ticks at once"}
)
NOT_OF_AUDIT = ("AWS: stale index", "AWS: piece refused")
AUDIT_PLACES = (
    Kind("AWS: keys left over", "a batch of rows is read only in part"),
    Kind("AWS: row never taken", "DynamoDB refuses an event's row for good", latent=True),
    *(each for each in PLACES if each.name in OF_BOTH),
    Kind("event late", "an event shows minutes, hours or a day after it happened"),
    Kind("event odd", "a value in an event is longer than any table takes, or is missing"),
    Kind("memory full", "so much of one key that not all of it can be remembered"),
    Kind("a rule is broken", "a rule of one's own is replaced by a file that is none", latent=True),
    Kind("backfill", "somebody asks for two days again, with or without alerts"),
)
AUDIT_KINDS = {
    each.name: each
    for each in (
        *(each for each in AWS if each.name not in NOT_OF_AUDIT),
        *(
            Kind(f"OpenAI: {each}", REFUSED.get(each) or QUIRKS[each], each in ONLY_IN_PLACES)
            for each in (*CALLS_BEFORE, *CALLS_AFTER, *AUDIT_CALLS)
        ),
        *AUDIT_PLACES,
    )
}

# These make the small OpenAI kinder.
NOT_OURS = frozenset({"null_ids", "system_fingerprint", "refused"})


def table(kinds: Iterable[Kind]) -> str:
    """For the README."""
    rows = [f"| {each.name} | {each.meaning} | {each.shows} |" for each in kinds]
    return "\n".join(["| fault | what happens | it shows |", "|---|---|---|", *rows])
