"""What the terminal shows: a table that changes in place, or plain lines where there is none."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from local.cli.progress import Snapshot
from shared.jobs.model import Job
from shared.jobs.part import Part, PartState


class Screen:
    """Says things once, and shows how they stand."""

    def __init__(self, console: Console) -> None:
        self._console = console
        moves = console.is_terminal and not console.is_dumb_terminal
        self._live = Live(console=console, auto_refresh=False) if moves else None
        self._shown: list[str] = []

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live:
            self._live.stop()

    def say(self, text: str) -> None:
        self._console.print(Text(shown(text)), soft_wrap=True)

    def show(self, snapshot: Snapshot) -> None:
        if self._live:
            self._live.update(_picture(snapshot), refresh=True)
            return
        lines = story(snapshot)
        for line in lines:
            if line not in self._shown:
                self.say(line)
        self._shown = lines


def story(snapshot: Snapshot) -> list[str]:
    """A line for the job, one for each part, one for what is wrong."""
    lines = [_of_job(snapshot.job, snapshot.parts)]
    lines += [f"  {part.title}: {_of_part(part)}" for part in snapshot.parts]
    if snapshot.trouble:
        lines.append(f"  nothing moves; the latest error: {snapshot.trouble}")
    return lines


def shown(text: str) -> str:
    """Names and texts come from files and from OpenAI: no line break, no escape gets through."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)


def _of_job(job: Job | None, parts: Sequence[Part]) -> str:
    if job is None:
        return "waiting for intake to see the file"
    cut = (
        f", {job.requests} requests in {_counted(parts) or _parts(job.parts)}" if job.parts else ""
    )
    return f"job {job.id}: {job.state}{cut}{_because(job.reason)}"


def _counted(parts: Sequence[Part]) -> str:
    """The parts that are listed, and how many of them are there because of a retry or a split."""
    if not parts:
        return ""
    retries = sum(part.attempt > 1 for part in parts)
    replaced = sum(part.replaced for part in parts)
    also = [f"{n} {what}" for n, what in ((retries, "retried"), (replaced, "split again")) if n]
    return _parts(len(parts)) + (f" ({', '.join(also)})" if also else "")


def _parts(count: int) -> str:
    return "1 part" if count == 1 else f"{count} parts"


def _of_part(part: Part) -> str:
    what = f"{part.requests} × {part.model} {part.endpoint}: {part.state}"
    if part.state in {PartState.SUBMITTED, PartState.ENDED, PartState.LANDED}:
        what += f" as {part.batch_id}, {part.batch_status}, {_done(part)}"
    return what + _because(part.reason)


def _done(part: Part) -> str:
    failed = f", {part.failed} failed" if part.failed else ""
    return f"{part.done} of {part.requests} done{failed}"


def _because(reason: str) -> str:
    return f" ({reason})" if reason else ""


def _picture(snapshot: Snapshot) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("part", "requests", "state", "OpenAI says", "done", ""):
        table.add_column(heading)
    for part in snapshot.parts:
        table.add_row(*_row(part))
    first, *_ = story(snapshot)
    rest = [Text(shown(snapshot.trouble), style="red")] if snapshot.trouble else []
    last = Text("")  # the cursor rests on a line of its own, where the terminal writes ^C
    return Group(Text(shown(first)), *([table] if snapshot.parts else []), *rest, last)


def _row(part: Part) -> tuple[RenderableType, ...]:
    over = part.done + part.failed
    return (
        part.title.removeprefix("part "),
        Text(shown(f"{part.requests} × {part.model}")),
        Text(shown(f"{part.state}{_because(part.reason)}")),
        Text(shown(part.batch_status)),
        ProgressBar(total=max(part.requests, 1), completed=over, width=24),
        Text(_done(part)),
    )
