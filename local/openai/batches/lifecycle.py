"""How a batch moves through its statuses as time passes; steps are taken when somebody looks."""

import heapq
import os
import random
from collections.abc import Callable
from itertools import count
from math import inf

from local.openai.batches.batch import Batch
from local.openai.batches.input_check import CheckedInput, PlannedRequest, check, error
from local.openai.batches.results import Results, Written
from local.openai.batches.token_quota import TokenQuota
from local.openai.context import Context
from local.openai.files.api import Files
from local.openai.http.messages import Json
from local.openai.inference.engine import Engine
from local.openai.inference.models import dated
from local.openai.inference.outcomes import MISSING, OUTCOMES

CHAT = "/v1/chat/completions"
# Quirks by what they do so many seconds after the creation: take a step, or end a state.
STEPS = {"batch_vanishes": (0.0, "vanish"), "cancelled_by_someone": (10.0, "cancel")}
UNTIL = {
    "batch_not_visible": (30.0, "visible_at"),
    "batch_not_listed": (30.0, "listed_at"),
    "paused": (600.0, "paused_until"),
}


class Lifecycle:
    """One queue of steps for all batches: looking late shows what looking early would have."""

    def __init__(self, context: Context, files: Files, engine: Engine) -> None:
        self.context = context
        self.files = files
        self.engine = engine
        self.quota = TokenQuota(context.settings)
        self.batches: dict[str, Batch] = {}
        self.billed: list[tuple[str, str]] = []
        self._due: list[tuple[float, int, str, str]] = []
        self._order = count()
        self.ended: Callable[[Batch, float], None] = lambda batch, at: None  # who hears of it

    def begin(self, batch: Batch) -> None:
        self.batches[batch.id] = batch
        settings = self.context.settings
        expiry = batch.quirks.get("expires_partly")
        window = expiry.number("seconds", settings.window) if expiry else settings.window
        self._schedule(batch.created_at, settings.validating, batch, "validate")
        self._schedule(batch.created_at, window, batch, "expire")
        self.interfere(batch)

    def interfere(self, batch: Batch) -> None:
        """Plan what its quirks do to this batch, whatever its owner does."""
        for name, (default, step) in STEPS.items():
            if quirk := batch.quirks.get(name):
                self._schedule(batch.created_at, quirk.number("seconds", default), batch, step)
        for name, (default, until) in UNTIL.items():
            if quirk := batch.quirks.get(name):
                seconds = self.context.clock_seconds(quirk.number("seconds", default))
                setattr(batch, until, batch.created_at + seconds)

    def advance(self) -> None:
        """Take every step that is due, in the order of their times."""
        now = self.context.now()
        while self._due and self._due[0][0] <= now:
            at, _, batch_id, step = heapq.heappop(self._due)
            getattr(self, f"_{step}")(self.batches[batch_id], at)

    def cancel(self, batch: Batch) -> None:
        self._cancel(batch, self.context.now())

    def _schedule(self, at: float, seconds: float, batch: Batch, step: str) -> None:
        due = at + self.context.clock_seconds(seconds)
        heapq.heappush(self._due, (due, next(self._order), batch.id, step))

    def _validate(self, batch: Batch, at: float) -> None:
        if batch.status != "validating" or "stuck_validating" in batch.quirks:
            return
        checked = self._checked(batch)
        if not checked.errors and (refused := self._reserve_tokens(batch, checked)):
            checked.errors.append(refused)
        if checked.errors:
            batch.errors = checked.errors
            batch.move_to("failed", at)
            self._close(batch, at)
            return
        self._start(batch, checked, at)

    def _checked(self, batch: Batch) -> CheckedInput:
        settings = self.context.settings
        if quirk := batch.quirks.get("validation_fails"):
            message = quirk.text("message", "The server had an error while validating.")
            line = int(quirk.number("line", 0)) or None
            return CheckedInput(
                errors=[error(quirk.text("code", "server_error"), message, line=line)]
            )
        file = self.files.visible(batch.input_file_id)
        if file is None:
            message = (
                f"Cannot find file {batch.input_file_id}, or organization "
                f"{settings.organization} does not have access to it."
            )
            return CheckedInput(errors=[error("invalid_request", message, "file_id")])
        # A second name keeps the bytes for the work, should the file be deleted meanwhile.
        batch.input = self.context.folder / f"{batch.id}.input"
        os.link(file.path, batch.input)
        return check(batch.input, batch.endpoint, batch.attempt, settings, self.engine)

    def _reserve_tokens(self, batch: Batch, checked: CheckedInput) -> dict[str, object] | None:
        batch.tokens = checked.tokens
        batch.model = str(checked.model)
        batch.snapshot = dated(batch.model, self.context.settings.snapshot)
        return self.quota.reserve(batch, batch.model)

    def _start(self, batch: Batch, checked: CheckedInput, at: float) -> None:
        batch.move_to("in_progress", at)
        batch.requests = _with_quirks(batch, checked.requests)
        random.Random(f"{self.context.seed} {batch.id}").shuffle(batch.requests)
        batch.failing = [
            place for place, request in enumerate(batch.requests) if request.outcome.failed
        ]
        seconds = self._working_seconds(batch)
        batch.working_until = at + self.context.clock_seconds(seconds)
        if seconds < inf:
            self._schedule(at, seconds, batch, "finalize")

    def _working_seconds(self, batch: Batch) -> float:
        settings = self.context.settings
        if "stuck_in_progress" in batch.quirks:
            return inf
        if quirk := batch.quirks.get("expires_partly"):
            left = quirk.number("seconds", settings.window) - settings.validating
            return left / max(quirk.number("done", 0.1), 1e-9)
        return settings.working + settings.per_request * len(batch.requests)

    def _finalize(self, batch: Batch, at: float) -> None:
        if batch.status == "in_progress":
            batch.move_to("finalizing", at)
            self._schedule(at, self.context.settings.finalizing, batch, "complete")

    def _complete(self, batch: Batch, at: float) -> None:
        if batch.status == "finalizing":
            self._end(batch, "completed", at)

    def _expire(self, batch: Batch, at: float) -> None:
        if batch.status in ("in_progress", "finalizing"):
            self._end(batch, "expired", at)

    def _cancel(self, batch: Batch, at: float) -> None:
        if not batch.ended and batch.status != "cancelling":
            batch.move_to("cancelling", at)
            self._schedule(at, self.context.settings.cancelling, batch, "cancelled")

    def _cancelled(self, batch: Batch, at: float) -> None:
        if batch.status == "cancelling":
            self._end(batch, "cancelled", at)

    def _vanish(self, batch: Batch, at: float) -> None:
        batch.visible_at = inf
        if not batch.ended:
            batch.status = "vanished"
            self._close(batch, at)

    def _end(self, batch: Batch, status: str, at: float) -> None:
        batch.move_to(status, at)
        written = Results(batch, self.context.folder, at, self._answer).write()
        batch.usage = written.input_tokens, written.output_tokens
        self.billed += [(batch.id, custom_id) for custom_id in written.paid]
        self._publish(batch, written, at)
        self._close(batch, at)

    def _answer(self, batch: Batch, body: Json, at: float) -> Json:
        made = self.engine.answer(batch.endpoint, body, str(batch.snapshot), at)
        if "system_fingerprint" in batch.quirks and batch.endpoint == CHAT:
            made["system_fingerprint"] = f"fp_{batch.id[-10:]}"
        return made

    def _publish(self, batch: Batch, written: Written, at: float) -> None:
        """Add the files that have a line; a quirk adds an empty error file."""
        for kind, path in (("output", written.output), ("error", written.errors)):
            wanted = kind == "error" and "zero_byte_error_file" in batch.quirks
            if not path.stat().st_size and not wanted:
                path.unlink()
                continue
            file = self.files.add(path, f"{batch.id}_{kind}.jsonl", at, batch.output_expires_after)
            if slow := batch.quirks.get("output_not_visible"):
                file.visible_at = at + self.context.clock_seconds(slow.number("seconds", 30))
            setattr(batch, f"{kind}_file_id", file.id)

    def _close(self, batch: Batch, at: float) -> None:
        batch.close(at)
        self.ended(batch, at)
        if batch.input:
            batch.input.unlink(missing_ok=True)
        if late := batch.quirks.get("quota_not_released"):
            self._schedule(at, late.number("seconds", 600), batch, "release")
        else:
            self._release(batch, at)

    def _release(self, batch: Batch, at: float) -> None:
        self.quota.release(batch.id)


def _with_quirks(batch: Batch, requests: list[PlannedRequest]) -> list[PlannedRequest]:
    outcome = None
    if "all_failed" in batch.quirks:
        outcome = OUTCOMES["400"]
    if "no_files" in batch.quirks:
        outcome = MISSING
    if outcome is None:
        return requests
    return [PlannedRequest(each.offset, each.custom_id, outcome) for each in requests]
