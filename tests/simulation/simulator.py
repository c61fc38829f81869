"""One seed, one schedule: files are dropped, functions work, things go wrong, then quiet."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from functions.library.flow import keep_in_sync
from functions.poll.flow import poll
from functions.poll.sweep import sweep
from local.openai import SmallOpenAI, SmallSettings
from shared.errors import Conflict, TryLater
from shared.jobs.cancel import cancel
from shared.jobs.edges import Edges
from shared.jobs.model import job_id
from shared.library.model import SyncRequest
from shared.settings import Settings
from tests.simulation.aws import Cloud, CloudSession
from tests.simulation.faults import Chaos
from tests.simulation.final_checks import Verdict
from tests.simulation.interception import Transport, Wire, timeout_of
from tests.simulation.invariants import Watch
from tests.simulation.library_checks import Shelf
from tests.simulation.library_workload import LIBRARY, Folder
from tests.simulation.messages import Message, Messages
from tests.simulation.scheduler import Invocation
from tests.simulation.workload import Drop, some_drop
from tests.support.clock import Clock
from tests.support.dispatch import FUNCTIONS
from tests.support.interrupts import Killed
from tests.support.names import DATA, INBOX
from tests.support.s3_messages import object_created

CHAOS = timedelta(hours=3)  # the longest that things go wrong
PATIENCE = timedelta(days=2)  # a world that is not quiet by then never gets quiet
MOST_STEPS = 4_000
TICK, LONGEST_TICK = 60.0, 1_800.0
POLL_TIMEOUT = timedelta(seconds=55)
LONG_AGO = timedelta(hours=7)  # after which the sweep takes what nobody needs
MOST_TENDINGS = 10  # of a library after the last sweep
LIMIT = 400  # enqueued prompt tokens; a part has up to about 400
NO_FAULT_OF_OURS = (ClientError, BotoCoreError)


@cache
def session() -> CloudSession:
    """One a process: making clients takes longer than a simulated day."""
    return CloudSession()


@dataclass
class Simulation:
    """The world of one seed."""

    seed: int
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        random.seed(self.seed)  # the functions' jitter
        self.chaos = Chaos(self.seed, self.clock)
        self.draw = self.chaos.draw
        self.wire = Wire(self.chaos, self.clock)
        self.messages = Messages(self.chaos, self.clock)
        self.small = self._small()
        self.watch = Watch(self.chaos, self.small, self.wire)
        self.cloud = Cloud(self.seed, self.clock, self.wire, self)
        self.watch.cloud = self.cloud
        session().cloud = self.cloud
        self.http = httpx.Client(
            transport=Transport(self.small, self.wire, self.watch),
            base_url="http://small.test/v1",
        )
        self.config = self._config()
        self.edges = self._connect()
        self.live: list[tuple[Invocation, Message | None]] = []
        self.folder = self._folder()
        library = LIBRARY if self.folder else None
        drops = range(1, self.draw.choice((2, 2, 3, 4)))
        self.drops = [some_drop(self.draw, number, library) for number in drops]
        self.undropped = list(self.drops)
        self.tick_at = self.clock()
        self.tick_every = TICK
        self.worked = False
        self.steps = 0

    def run(self) -> list[str]:
        """The broken promises: none, if all is well."""
        quiet_at = self.clock() + CHAOS
        while not self._at_rest():
            if self.chaos.on and (self.clock() > quiet_at or self._calm()):
                self._get_quiet()
            self.steps += 1
            if self.steps > MOST_STEPS or self.clock() > quiet_at + PATIENCE:
                self.watch.breaks("it never gets quiet")
                break
            self._step()
        self._end()
        if self.watch.broken:
            self.chaos.schedule += self.watch.state()
        return self.watch.broken

    # Where messages and facts go, as Cloud wants it

    def sent(self, queue: str, bodies: list[str]) -> None:
        for body in bodies:
            self.messages.send(queue, body)

    def published(self, kind: str, text: str) -> None:
        self.watch.published(kind, text)

    def put_on_bus(self, kind: str, detail: dict[str, Any]) -> None:
        self.watch.put_on_bus(kind, detail)

    def wrote(self, rows: list[tuple[str, str]]) -> None:
        self.watch.wrote(rows)

    @property
    def _only_waits(self) -> bool:
        """For a stuck document, which takes a day: to look at it every minute takes long here."""
        return not self.chaos.on and bool(self.chaos.counts["library: document_stuck"])

    def _at_rest(self) -> bool:
        if self.watch.broken:
            return True
        return not self.chaos.on and self._calm() and not self.messages.waiting

    def _calm(self) -> bool:
        """All that was dropped is over, as far as the ledger knows of it."""
        if self.undropped or self.live or (self.watch.shelf and not self.watch.shelf.in_sync):
            return False
        return all(self.watch.is_over(drop.job) for drop in self.drops)

    def _get_quiet(self) -> None:
        self.chaos.on = False
        self.chaos.note("-- quiet")
        self.messages.redrive()
        self._start_sweep_later()

    def _start_sweep_later(self) -> None:
        """Files that never rang are found by the day's sweep."""
        self.clock.advance(seconds=3_700)
        self._start("sweep", lambda: sweep(self.edges))

    def _step(self) -> None:
        """One draw: somebody goes on, somebody begins, or time passes."""
        self._maybe_pass_time()
        if self.live and (self.draw.random() < 0.8 or len(self.live) >= 3):
            self._go_on(self.draw.randrange(len(self.live)))
        elif self.undropped and self.draw.random() < 0.3:
            self._drop(self.undropped.pop())
        elif self.folder and self.folder.left and self.draw.random() < 0.15:
            self._change_folder(self.folder.go_on())
        elif due := self.messages.due():
            self._receive(self.draw.choice(due))
        elif self.clock() >= self.tick_at:
            self._tick()
        elif self.live:
            self._go_on(0)
        else:
            self._wait()

    def _maybe_pass_time(self) -> None:
        if self.chaos.happens(0.02):
            seconds = self.draw.choice((3, 20, 60, 240, 1_000))
            self.chaos.note(f".. {seconds} s pass")
            self.clock.advance(seconds=seconds)

    def _wait(self) -> None:
        moments = [self.tick_at, self.messages.next_at()]
        self.clock.moment = max(self.clock(), min(each for each in moments if each))

    def _drop(self, drop: Drop) -> None:
        drop.version = self.cloud.drop(drop.key, drop.content, drop.options)
        drop.job = job_id(INBOX, drop.key, drop.version)
        self.watch.dropped(drop)
        drop.at = self.clock()
        self.chaos.note(f"-> {drop.key} is dropped: job {drop.job}, {len(drop.asked)} requests")
        self._notify("intake", object_created(drop.key, drop.version, len(drop.content)))

    def _folder(self) -> Folder | None:
        """Somebody keeps a library in some of the seeds."""
        if not self.chaos.mood.library:
            return None
        folder = Folder(random.Random(f"{self.seed} folder"), self.cloud, self.clock)
        self.watch.shelf = Shelf(self.watch, folder)
        self._change_folder(folder.begin())
        return folder

    def _change_folder(self, notices: list[str]) -> None:
        for notice in notices:
            self.chaos.note(f"-> {notice}")
            self._notify("library", notice)

    def _notify(self, queue: str, notice: str) -> None:
        if self.chaos.happens(0.05):
            self.chaos.inject("notification lost", queue)
        else:
            self.messages.send(queue, notice)

    def _receive(self, message: Message) -> None:
        function = FUNCTIONS[message.queue]
        twice = self.chaos.happens(self.chaos.mood.doubles / 2)
        self.messages.received(message)
        self._start(message.queue, lambda: function(self.edges, message.body), message)
        if twice:
            self.chaos.inject("message given out twice at once", message.queue)
            self.live[-1][0].shares = True
            self._start(message.queue, lambda: function(self.edges, message.body), message)
            self.live[-1][0].shares = True

    def _tick(self) -> None:
        busy = self.worked and not self._only_waits
        self.tick_every = TICK if busy else min(self.tick_every * 2, LONGEST_TICK)
        self.tick_at = self.clock() + timedelta(seconds=self.tick_every)
        self.worked = False
        if self.chaos.happens(self.chaos.mood.strikes):
            self.chaos.inject("tick left out")
            return
        self._start("poll", lambda: poll(self.edges))
        if self.chaos.happens(self.chaos.mood.doubles / 4):
            self.chaos.inject("two ticks at once")
            self.live[-1][0].shares = True
            self._start("poll", lambda: poll(self.edges))
        if self.chaos.happens(0.004) and (known := [drop.job for drop in self.drops if drop.job]):
            self._cancel(self.draw.choice(known))

    def _cancel(self, job: str) -> None:
        self.chaos.inject("job cancelled", job)
        self.watch.cancelled.add(job)
        self._start("cancel", lambda: cancel(self.edges, job))

    def _start(
        self, function: str, act: Callable[[], object], message: Message | None = None
    ) -> None:
        timeout = POLL_TIMEOUT if function == "poll" else timeout_of(self.chaos.mood.lease)
        self.steps += 1
        invocation = Invocation(f"{function}#{self.steps}", act, self.clock() + timeout)
        invocation.shares = self.chaos.happens(self.chaos.mood.company)
        told = f" {message.body}" if message and function != "intake" else ""
        self.chaos.note(f"{invocation.name} begins{told}")
        self.live.append((invocation, message))

    def _go_on(self, index: int) -> None:
        invocation, message = self.live[index]
        self.wire.current = invocation
        invocation.go_on()
        self.wire.current = None
        if invocation.over:
            self.live.pop(index)
            self._ended(invocation, message)

    def _ended(self, invocation: Invocation, message: Message | None) -> None:
        error = invocation.error
        said = invocation.outcome if error is None else f"{type(error).__name__}: {error}"
        self.chaos.note(f"{invocation.name} ends: {said}")
        self.worked |= message is not None or invocation.name.startswith("sweep")
        if isinstance(error, Killed):
            self.edges = self._connect()
        elif error is not None:
            self._judge(invocation, error)
        if message and error is None:
            self.messages.done(message)
        elif message:
            self.messages.failed(message)

    def _judge(self, invocation: Invocation, error: BaseException) -> None:
        """A function may fail, if somebody else failed it, and if it says so in our words."""
        for each in error.exceptions if isinstance(error, ExceptionGroup) else [error]:
            excused = invocation.struck and isinstance(each, NO_FAULT_OF_OURS)
            if not isinstance(each, Conflict | TryLater) and not excused:
                self.watch.breaks(f"{invocation.name} raised {type(each).__name__}: {each}")
                self.watch.errors.append(each)

    def _end(self) -> None:
        """Whoever still runs is stopped; then all that was promised is looked at."""
        self.chaos.on = False
        for invocation, _ in self.live:
            self.wire.current = invocation
            invocation.kill("the simulation is over")
        self.wire.current = None
        if not self.watch.broken:
            self.clock.advance(seconds=LONG_AGO.total_seconds())
            sweep(self.edges)
            self._reconciled()
            Verdict(self.watch, self.limit).judge(self.drops)
        self.http.close()

    def _reconciled(self) -> None:
        """What the last sweep asks of libraries is done, and what follows from it."""
        asks = [each.body for each in self.messages.waiting if each.queue == "library"]
        for _ in range(MOST_TENDINGS):
            for ask in asks:
                keep_in_sync(self.edges, json.loads(ask))
            self.clock.advance(seconds=TICK)
            asks = [
                SyncRequest(library=each).model_dump_json()
                for each in self.edges.library_table.dirty(self.clock())
            ]

    @property
    def limit(self) -> int | None:
        """Enqueued tokens that may never be exceeded, as the functions know from the start."""
        return LIMIT if self.chaos.mood.capacity == "configured" else None

    def _small(self) -> SmallOpenAI:
        learnt = self.chaos.mood.capacity == "learnt"
        return SmallOpenAI(
            clock=self.clock.seconds,
            seed=self.seed,
            settings=SmallSettings(
                working=self.draw.choice((5, 60, 300)),
                window=self.draw.choice((7_200, 14_400)),
                enqueued_limits={"*": LIMIT} if learnt else {},
            ),
        )

    def _config(self) -> Settings:
        return Settings(
            ledger_table="ledger",
            inbox_bucket=INBOX,
            data_bucket=DATA,
            intake_queue_url="https://sqs.test/intake",
            submit_queue_url="https://sqs.test/submit",
            land_queue_url="https://sqs.test/land",
            library_queue_url="https://sqs.test/library",
            bus_name="bus",
            topic_arn="topic",
            openai_key_secret="/batchdrop/key",
            uploads_at_once=1,
            max_part_requests=self.draw.choice((2, 3, 4, 50)),
            lease_seconds=self.chaos.mood.lease,
            stuck_hours=1,
            enqueued_limits=f"*={LIMIT}" if self.chaos.mood.capacity == "configured" else "",
        )

    def _connect(self) -> Edges:
        """The edges of a fresh process."""
        return Edges(self.config, self.clock, session(), self.http, pause=self.clock.advance)
