"""How a batch moves through its statuses as time passes, settled when somebody looks."""

import heapq
import os
import random
from itertools import count
from math import inf

from local.openai.batches.answers import answer
from local.openai.batches.batch import Batch
from local.openai.batches.input_check import Checked, Planned, check, error
from local.openai.batches.prompt import asked
from local.openai.batches.results import Results, Written
from local.openai.batches.scripted_outcomes import MISSING, OUTCOMES
from local.openai.batches.token_quota import Room
from local.openai.context import World
from local.openai.files.api import Files
from local.openai.http.messages import Json
from local.openai.stores.file_search import Librarian


class Life:
    """Steps of all batches in one queue: whoever looks late sees what looking early would."""

    def __init__(self, world: World, files: Files, librarian: Librarian) -> None:
        self.world = world
        self.files = files
        self.librarian = librarian
        self.room = Room(world.settings)
        self.batches: dict[str, Batch] = {}
        self.billed: list[tuple[str, str]] = []
        self._due: list[tuple[float, int, str, str]] = []
        self._order = count()

    def begin(self, batch: Batch) -> None:
        self.batches[batch.id] = batch
        begun, flaws, settings = batch.created_at, batch.flaws, self.world.settings
        ends = flaws.get("expires_partly")
        window = ends.number("seconds", settings.window) if ends else settings.window
        self._later(begun, settings.validating, batch, "validate")
        self._later(begun, window, batch, "expire")
        self.doom(batch)

    def doom(self, batch: Batch) -> None:
        """What other hands will do to this batch."""
        for name, usual, step in (
            ("batch_vanishes", 0.0, "vanish"),
            ("cancelled_by_someone", 10.0, "cancel"),
        ):
            if quirk := batch.flaws.get(name):
                self._later(batch.created_at, quirk.number("seconds", usual), batch, step)
        for name, usual, until in (
            ("batch_not_visible", 30.0, "visible_at"),
            ("batch_not_listed", 30.0, "listed_at"),
            ("paused", 600.0, "paused_until"),
        ):
            if quirk := batch.flaws.get(name):
                seconds = self.world.span(quirk.number("seconds", usual))
                setattr(batch, until, batch.created_at + seconds)

    def settle(self) -> None:
        """Take every step that is due, in the order of their times."""
        now = self.world.now()
        while self._due and self._due[0][0] <= now:
            at, _, batch_id, step = heapq.heappop(self._due)
            getattr(self, f"_{step}")(self.batches[batch_id], at)

    def cancel(self, batch: Batch) -> None:
        self._cancel(batch, self.world.now())

    def _later(self, at: float, seconds: float, batch: Batch, step: str) -> None:
        due = at + self.world.span(seconds)
        heapq.heappush(self._due, (due, next(self._order), batch.id, step))

    def _validate(self, batch: Batch, at: float) -> None:
        if batch.status != "validating" or "stuck_validating" in batch.flaws:
            return
        checked = self._checked(batch)
        if not checked.errors and (refused := self._enter(batch, checked)):
            checked.errors.append(refused)
        if checked.errors:
            batch.errors = checked.errors
            batch.reach("failed", at)
            self._leave(batch, at)
            return
        self._start(batch, checked, at)

    def _checked(self, batch: Batch) -> Checked:
        settings = self.world.settings
        if quirk := batch.flaws.get("validation_fails"):
            message = quirk.text("message", "The server had an error while validating.")
            line = int(quirk.number("line", 0)) or None
            return Checked(errors=[error(quirk.text("code", "server_error"), message, line=line)])
        file = self.files.usable(batch.input_file_id)
        if file is None:
            message = (
                f"Cannot find file {batch.input_file_id}, or organization "
                f"{settings.organization} does not have access to it."
            )
            return Checked(errors=[error("invalid_request", message, "file_id")])
        # A second name keeps the bytes for the work, should the file be deleted meanwhile.
        batch.input = self.world.folder / f"{batch.id}.input"
        os.link(file.path, batch.input)
        return check(batch.input, batch.endpoint, batch.attempt, settings, self.librarian.refusal)

    def _enter(self, batch: Batch, checked: Checked) -> dict[str, object] | None:
        batch.tokens = checked.tokens
        batch.model = str(checked.model)
        batch.snapshot = f"{checked.model}-{self.world.settings.snapshot}"
        return self.room.enter(batch, batch.model)

    def _start(self, batch: Batch, checked: Checked, at: float) -> None:
        batch.reach("in_progress", at)
        batch.requests = self._fated(batch, checked.requests)
        random.Random(f"{self.world.seed} {batch.id}").shuffle(batch.requests)
        batch.failing = [at for at, asked in enumerate(batch.requests) if asked.outcome.failed]
        seconds = self._working_seconds(batch)
        batch.working_until = at + self.world.span(seconds)
        if seconds < inf:
            self._later(at, seconds, batch, "finalize")

    def _fated(self, batch: Batch, requests: list[Planned]) -> list[Planned]:
        fate = None
        if "all_failed" in batch.flaws:
            fate = OUTCOMES["400"]
        if "no_files" in batch.flaws:
            fate = MISSING
        return [Planned(r.offset, r.custom_id, fate) for r in requests] if fate else requests

    def _working_seconds(self, batch: Batch) -> float:
        settings = self.world.settings
        if "stuck_in_progress" in batch.flaws:
            return inf
        if quirk := batch.flaws.get("expires_partly"):
            left = quirk.number("seconds", settings.window) - settings.validating
            return left / max(quirk.number("done", 0.1), 1e-9)
        return settings.working + settings.per_request * len(batch.requests)

    def _finalize(self, batch: Batch, at: float) -> None:
        if batch.status == "in_progress":
            batch.reach("finalizing", at)
            self._later(at, self.world.settings.finalizing, batch, "complete")

    def _complete(self, batch: Batch, at: float) -> None:
        if batch.status == "finalizing":
            self._end(batch, "completed", at)

    def _expire(self, batch: Batch, at: float) -> None:
        if batch.status in ("in_progress", "finalizing"):
            self._end(batch, "expired", at)

    def _cancel(self, batch: Batch, at: float) -> None:
        if not batch.ended and batch.status != "cancelling":
            batch.reach("cancelling", at)
            self._later(at, self.world.settings.cancelling, batch, "cancelled")

    def _cancelled(self, batch: Batch, at: float) -> None:
        if batch.status == "cancelling":
            self._end(batch, "cancelled", at)

    def _vanish(self, batch: Batch, at: float) -> None:
        batch.visible_at = inf
        if not batch.ended:
            batch.status = "vanished"
            self._leave(batch, at)

    def _end(self, batch: Batch, status: str, at: float) -> None:
        batch.reach(status, at)
        written = Results(batch, self.world.folder, at, self._answer).write()
        batch.usage = written.input_tokens, written.output_tokens
        self.billed += [(batch.id, custom_id) for custom_id in written.paid]
        self._hand_over(batch, written, at)
        self._leave(batch, at)

    def _answer(self, batch: Batch, body: Json, at: float) -> Json:
        padding = self.world.settings.answer_padding
        request = asked(body, str(batch.snapshot), int(at), padding)
        return self.librarian.cited(answer(batch.endpoint, request), body)

    def _hand_over(self, batch: Batch, written: Written, at: float) -> None:
        """Files without a line are not files, unless a quirk wants one."""
        for kind, path in (("output", written.output), ("error", written.errors)):
            wanted = kind == "error" and "zero_byte_error_file" in batch.flaws
            if not path.stat().st_size and not wanted:
                path.unlink()
                continue
            file = self.files.add(path, f"{batch.id}_{kind}.jsonl", at, batch.output_expires_after)
            setattr(batch, f"{kind}_file_id", file.id)

    def _leave(self, batch: Batch, at: float) -> None:
        batch.close(at)
        if batch.input:
            batch.input.unlink(missing_ok=True)
        if held := batch.flaws.get("room_not_released"):
            self._later(at, held.number("seconds", 600), batch, "release")
        else:
            self._release(batch, at)

    def _release(self, batch: Batch, at: float) -> None:
        self.room.leave(batch.id)
