"""Whether what is odd at OpenAI has shown: in a file, in a status, in what a list left out."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from local.openai import SmallOpenAI
from local.openai.batches.batch import Batch
from local.openai.files.api import File
from local.openai.stores.models import Store
from tests.simulation.faults import CREATE, Fault

BATCHES, FILES, STORES = "GET /v1/batches", "GET /v1/files", "GET /v1/vector_stores"
Item = TypeVar("Item")
OVERDUE = 100.0  # seconds, after which a batch that does not move is stuck


@dataclass(frozen=True)
class Look:
    """A call that a function made, and OpenAI's time."""

    call: str
    now: float
    small: SmallOpenAI

    def at(self, id_: str) -> bool:
        return self.call == f"{BATCHES}/{id_}"

    def lists_or_reads(self, id_: str) -> bool:
        return self.call == BATCHES or self.at(id_)


Shows = Callable[[Batch, Look], bool]
SHOWS: dict[str, Shows] = {
    "batch_not_visible": lambda b, look: look.lists_or_reads(b.id) and look.now < b.visible_at,
    "batch_not_listed": lambda b, look: look.call == BATCHES and look.now < b.listed_at,
    "batch_vanishes": lambda b, look: look.lists_or_reads(b.id) and b.status == "vanished",
    "cancelled_by_someone": lambda b, _: b.status in {"cancelling", "cancelled"},
    "expires_partly": lambda b, _: b.status == "expired",
    "quota_not_released": lambda b, _: b.ended,
    "paused": lambda b, look: look.lists_or_reads(b.id) and look.now < b.paused_until,
    "validation_fails": lambda b, _: b.status == "failed",
    "token_limit": lambda b, _: b.status == "failed",
    "stuck_in_progress": lambda b, look: b.status in {"in_progress", "expired"} and _old(b, look),
    "stuck_validating": lambda b, look: b.status == "validating" and _old(b, look),
    "all_failed": lambda b, _: bool(b.error_file_id) and not b.output_file_id,
    "no_files": lambda b, _: b.status == "completed" and not (b.error_file_id or b.output_file_id),
    "empty_ids": lambda b, look: look.lists_or_reads(b.id),
    "counts_wrong": lambda b, look: b.ended and look.lists_or_reads(b.id),
    "counts_missing": lambda b, look: look.lists_or_reads(b.id),
    "usage_missing": lambda b, look: look.lists_or_reads(b.id),
    "extra_fields": lambda b, look: look.lists_or_reads(b.id),
    "zero_byte_error_file": lambda b, look: _content(b.error_file_id, look) == b"",
    "blank_lines": lambda b, look: b"\n\n" in (_content(b.output_file_id, look) or b""),
    "bom": lambda b, look: (_content(b.output_file_id, look) or b"").startswith(b"\xef\xbb\xbf"),
    "malformed_line": lambda b, look: None in _ids(b, look),
    "unknown_custom_id": lambda b, look: not set(_ids(b, look)) <= set(_asked(b, look)),
    "repeated_custom_id": lambda b, look: len(set(_ids(b, look))) < len(_ids(b, look)),
    "failed_first": lambda b, look: bool(set(_failed(b, look)) & set(_ids(b, look))),
    "missing_lines": lambda b, look: b.status == "completed" and _lacks_lines(b, look),
    "output_not_visible": lambda b, look: any(_is_hidden(f, look) for f in _outputs(b, look)),
}


class Effects:
    """Follows what was drawn until it shows."""

    def __init__(self, small: SmallOpenAI) -> None:
        self._small = small
        self._batches: list[tuple[Fault, str]] = []
        self._files: list[tuple[Fault, str]] = []
        self._documents: list[tuple[Fault, str]] = []

    def follow(self, faults: list[Fault], made: "Made") -> None:
        """What one call was given, and the things that it made or touched."""
        for fault in faults:
            group, _, name = fault.kind.partition(": ")
            if group == "batch":
                self._batches += [(fault, each) for each in made.batches]
            elif name == "file_not_visible":
                self._files += [(fault, each) for each in made.files]
            elif group == "library":
                self._documents += [(fault, each) for each in made.stores]

    def looked(self, call: str, now: float) -> None:
        """A function called OpenAI: what does it see?"""
        look = Look(call, now, self._small)
        _mark(self._batches, look.small.batches, lambda f, b: SHOWS[_name(f)](b, look))
        _mark(self._files, look.small.files, lambda _, file: _misses(file, look))
        _mark(self._documents, look.small.stores, lambda f, s: STORE_SHOWS[_name(f)](s, look))


def _mark(
    followed: list[tuple[Fault, str]], there: dict[str, Item], shows: Callable[[Fault, Item], bool]
) -> None:
    for fault, id_ in followed:
        if not fault.effects and id_ in there and shows(fault, there[id_]):
            fault.happened()


@dataclass(frozen=True)
class Made:
    """Ids of what a call made, and of the stores that it was about."""

    batches: list[str]
    files: list[str]
    stores: list[str]


def _was_taken(quirk: str, look: Look) -> bool:
    return look.small.organization.context.quirks.taken.get(quirk, 0) > 0


def _old(batch: Batch, look: Look) -> bool:
    return look.now - batch.created_at > OVERDUE


def _content(file_id: str | None, look: Look) -> bytes | None:
    file = look.small.files.get(file_id or "")
    return file.path.read_bytes() if file else None


def _ids(batch: Batch, look: Look) -> list[Any]:
    """custom_ids in its output; None for a line that can't be read."""
    return [
        _id(line) for line in (_content(batch.output_file_id, look) or b"").splitlines() if line
    ]


def _failed(batch: Batch, look: Look) -> list[str | None]:
    """custom_ids in its error file."""
    return [_id(line) for line in (_content(batch.error_file_id, look) or b"").splitlines() if line]


def _id(line: bytes) -> str | None:
    try:
        return str(json.loads(line.removeprefix(b"\xef\xbb\xbf"))["custom_id"])
    except ValueError:
        return None


def _asked(batch: Batch, look: Look) -> list[str]:
    lines = (_content(batch.input_file_id, look) or b"").splitlines()
    return [json.loads(line)["custom_id"] for line in lines]


def _lacks_lines(batch: Batch, look: Look) -> bool:
    errors = (_content(batch.error_file_id, look) or b"").count(b"\n")
    return len(_ids(batch, look)) + errors < len(_asked(batch, look))


def _outputs(batch: Batch, look: Look) -> Iterator[File]:
    for id_ in (batch.output_file_id, batch.error_file_id):
        if id_ and (file := look.small.files.get(id_)):
            yield file


def _is_hidden(file: File, look: Look) -> bool:
    return look.call.startswith(f"{FILES}/{file.id}") and look.now < file.visible_at


def _misses(file: File, look: Look) -> bool:
    return look.now < file.visible_at and look.call in {CREATE, FILES}


def _name(fault: Fault) -> str:
    return fault.kind.partition(": ")[2]


def _reads_store(store: Store, look: Look) -> bool:
    return look.call.startswith(f"{STORES}/{store.id}")


def _fails(store: Store, _: Look) -> bool:
    errors = (each.last_error or {} for each in store.documents.values())
    return any(each.get("code") == "server_error" for each in errors)


def _is_stuck(store: Store, look: Look) -> bool:
    waiting = (each for each in store.documents.values() if each.status == "in_progress")
    return any(look.now - each.created_at > OVERDUE for each in waiting)


def _is_chunked_otherwise(store: Store, look: Look) -> bool:
    shown = any(each.chunking_unknown for each in store.documents.values())
    return shown and _reads_store(store, look)


STORE_SHOWS: dict[str, Callable[[Store, Look], bool]] = {
    "document_fails": _fails,
    "document_stuck": _is_stuck,
    "chunking_other": _is_chunked_otherwise,
    "document_refused": lambda _, look: _was_taken("document_refused", look),
    "document_left_out": lambda _, look: _was_taken("document_left_out", look),
    "file_batch_empty": lambda _, look: _was_taken("file_batch_empty", look),
    "store_not_listed": lambda store, look: look.call == STORES and look.now < store.listed_at,
    "file_batch_id_wrong": lambda store, look: (
        _reads_store(store, look) and "/file_batches/" in look.call
    ),
    "document_ghost": _reads_store,
    "store_count_stays": _reads_store,
}
