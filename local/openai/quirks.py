"""Misbehaviour on request, by name: each is a documented or reported oddity of the real API."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

CALL_QUIRKS: dict[str, str] = {
    "cut_before": "the connection drops before the work is done",
    "cut_after": "the connection drops after the work was done: the answer is lost",
    "silent_before": "no answer comes and the work is not done",
    "silent_after": "no answer comes although the work was done",
    "error_500_before": "HTTP 500 instead of the work",
    "error_502_before": "HTTP 502 with an HTML body instead of the work",
    "error_503_before": "HTTP 503 overloaded instead of the work",
    "error_500_after": "HTTP 500 although the work was done",
    "error_502_after": "HTTP 502 although the work was done",
    "error_503_after": "HTTP 503 although the work was done",
    "rate_limited": "HTTP 429 with Retry-After; `retry_after` seconds (1)",
    "rate_limited_silent": "HTTP 429 without Retry-After",
    "quota_exhausted": "HTTP 429 insufficient_quota, which waiting does not cure",
    "unauthorized": "HTTP 401, as for a revoked key",
    "forbidden": "HTTP 403, as for a key that lacks a scope",
    "not_found": "HTTP 404 instead of the work",
    "refused": "HTTP `status` (400) with `code` and `message` instead of the work",
    "not_json": "HTTP 200 with a body that is not JSON, after the work",
}
FILE_QUIRKS: dict[str, str] = {
    "file_not_visible": "an uploaded file cannot be found for `seconds` (2) after its upload",
    "download_cut": "the connection drops after `after_bytes` (100) of the content",
    "download_short": "the content ends after `after_bytes` (100), looking complete",
    "download_ranges": "the content honours Range and carries an ETag and its length",
}
BATCH_QUIRKS: dict[str, str] = {
    "batch_not_visible": "neither listed nor retrievable for `seconds` (30) after its creation",
    "batch_not_listed": "retrievable but not listed for `seconds` (30) after its creation",
    "batch_vanishes": "404 from `seconds` (0) after its creation; unfinished work is not billed",
    "stuck_validating": "never leaves validating",
    "stuck_in_progress": "never gets a request done; expires after its window",
    "validation_fails": "fails with `code` (server_error), `message`, `line`",
    "token_limit": "refused with token_limit_exceeded, whatever the limit",
    "output_not_visible": "its files cannot be found for `seconds` (30) after its end",
    "quota_not_released": "its enqueued tokens stay counted `seconds` (600) after its end",
    "expires_partly": "expires `seconds` (86400) after creation, a share `done` (0.1) executed",
    "cancelled_by_someone": "somebody cancels it `seconds` (10) after its creation",
    "paused": "shows the unknown status `status` (paused) for `seconds` (600)",
    "all_failed": "completed with every request failed and no output file",
    "no_files": "completed with neither an output nor an error file",
    "empty_ids": 'every absent file id is "", not only the error file of a completed batch',
    "null_ids": "every absent file id is null",
    "counts_wrong": "request_counts do not add up",
    "counts_missing": "request_counts is absent",
    "usage_missing": "usage is absent",
    "extra_fields": "undocumented fields and values",
    "system_fingerprint": "chat answers carry a system_fingerprint instead of null",
    "zero_byte_error_file": "an error file of no bytes where nothing failed",
    "unknown_custom_id": "the output has a line for a custom_id that is not in the input",
    "repeated_custom_id": "the output has one line twice",
    "malformed_line": "one output line is cut off in the middle",
    "missing_lines": "`count` (1) requests are in neither file",
    "failed_first": "the error file has a failed line of a request that the output answers",
    "blank_lines": "the output file has blank lines between its lines",
    "bom": "the output file starts with a byte order mark",
}
AUDIT_QUIRKS: dict[str, str] = {
    "audit_off": "the log is empty, as before an owner switched it on",
    "audit_reversed": "the log is listed oldest first",
    "audit_many_documents": "the body is two JSON documents, one after the other",
    "audit_trailing_comma": "the list of events ends in a comma",
    "audit_empty_page": "a page without events that says there is more",
    "audit_doubled": "the first event of a page is listed twice",
    "audit_left_out": "a page leaves out its first `count` (1) events",
    "audit_shuffled": "the events of a page are in no order; last_id is right",
    "audit_ids_missing": "first_id and last_id are null",
    "audit_cursor_refused": "HTTP 400 for any `after`",
    "audit_cursor_ignored": "`after` is ignored: the first page again and again",
    "audit_tenant_refused": "HTTP 403 for tenant_only=true",
}
DOCUMENT_QUIRKS: dict[str, str] = {
    "document_fails": "an attached file fails with `code` (server_error) and `message`",
    "document_stuck": "an attached file stays in progress for ever",
    "chunking_other": 'an attached file shows its chunking strategy as "other"',
}
STORE_QUIRKS: dict[str, str] = {
    "document_ghost": "a store goes on listing a file that was detached, or its File deleted",
    "store_count_stays": "a store goes on counting a file that was detached, or its File deleted",
    "store_not_listed": "a store is retrievable but not listed for `seconds` (30)",
    "document_refused": "HTTP `status` (400) with `message`, for attaching a file, alone or among "
    "others; `names` it (no)",
    "document_left_out": "a file batch leaves a file out, and does not count it",
    "file_batch_empty": "a file batch is completed at once, and attached nothing",
    "file_batch_id_wrong": "retrieving a file batch shows the store's id as its id",
}
LIST_QUIRKS: dict[str, str] = {
    "list_odd_neighbour": "a list of batches begins with somebody else's, of which most is odd",
    "list_stands_still": "a list ignores `after`, and says that there is more",
    "list_forgets": "a list leaves out its first `count` (1) entries",
    "list_promises_more": "a list is empty, and says that there is more",
}
WEBHOOK_QUIRKS: dict[str, str] = {
    "webhook_lost": "a webhook is never sent",
    "webhook_late": "a webhook is sent `seconds` (600) late",
    "webhook_reversed": "a webhook is sent half a minute late, behind those that follow",
    "webhook_doubled": "a webhook is sent twice, under one id",
    "webhook_old": "a webhook is signed by a clock that is `seconds` (600) slow, once",
    "webhook_forged": "beside a webhook comes one that a stranger signed",
    "webhook_unknown": "beside a webhook comes one of a type that nobody knows",
}
QUIRKS: dict[str, str] = (
    LIST_QUIRKS
    | CALL_QUIRKS
    | FILE_QUIRKS
    | BATCH_QUIRKS
    | AUDIT_QUIRKS
    | DOCUMENT_QUIRKS
    | STORE_QUIRKS
    | WEBHOOK_QUIRKS
)

PARAMETERS = frozenset(
    {"retry_after", "seconds", "after_bytes", "code", "message", "line", "done", "status", "count"}
    | {"names"}
)


@dataclass
class Quirk:
    """A misbehaviour: how many times more, on what, with which parameters."""

    name: str
    times: int | None
    where: dict[str, str]
    parameters: dict[str, object] = field(default_factory=dict)

    def matches(self, target: Mapping[str, object]) -> bool:
        """A `*` stands for anything."""
        return all(_fits(str(target.get(key)), value) for key, value in self.where.items())

    def number(self, name: str, default: float) -> float:
        return float(str(self.parameters.get(name, default)))

    def text(self, name: str, default: str) -> str:
        return str(self.parameters.get(name, default))


def _fits(value: str, wanted: str) -> bool:
    return fnmatchcase(value, wanted) if "*" in wanted else value == wanted


class Quirks:
    """The quirks that wait to happen; they are taken in the order they were asked for."""

    def __init__(self) -> None:
        self.waiting: list[Quirk] = []
        self.taken: dict[str, int] = {}

    def add(self, name: str, times: int | None, where: Mapping[str, object]) -> Quirk:
        if name not in QUIRKS:
            raise ValueError(f"no quirk is called {name!r}; there are: {', '.join(QUIRKS)}")
        quirk = Quirk(
            name,
            times,
            {key: str(value) for key, value in where.items() if key not in PARAMETERS},
            {key: value for key, value in where.items() if key in PARAMETERS},
        )
        self.waiting.append(quirk)
        return quirk

    def take(self, name: str, target: Mapping[str, object]) -> Quirk | None:
        """The first quirk of this name that fits; it has one time less to go."""
        quirk = next((q for q in self.waiting if q.name == name and q.matches(target)), None)
        if quirk is None:
            return None
        self.taken[name] = self.taken.get(name, 0) + 1
        if quirk.times is not None:
            quirk.times -= 1
            if quirk.times <= 0:
                self.waiting.remove(quirk)
        return quirk

    def take_all(
        self, names: Mapping[str, object], target: Mapping[str, object]
    ) -> dict[str, Quirk]:
        found = {name: self.take(name, target) for name in names}
        return {name: quirk for name, quirk in found.items() if quirk is not None}

    def clear(self) -> None:
        self.waiting.clear()
