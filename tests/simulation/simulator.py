"""One seed, one schedule: files are dropped, functions work, things go wrong, then quiet."""

import json
import random
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from functions.library.flow import keep_in_sync
from functions.poll.flow import poll
from functions.poll.sweep import sweep
from functions.webhook.edges import WebhookEdges
from functions.webhook.flow import Receiver, Webhook
from local.openai.quirks import WEBHOOK_QUIRKS
from shared.errors import Conflict, TryLater
from shared.jobs.approve import approve
from shared.jobs.cancel import cancel
from shared.jobs.edges import JobEdges
from shared.jobs.model import job_id
from shared.library.model import SyncRequest
from tests.simulation.aws import Cloud, CloudSession
from tests.simulation.aws_objects import OPERATIONS as OBJECT_OPERATIONS
from tests.simulation.aws_objects import NotGiven
from tests.simulation.aws_tables import OPERATIONS as TABLE_OPERATIONS
from tests.simulation.calls import BROKEN, CONFLICT, IN_PROGRESS, THROTTLED
from tests.simulation.faults import Faults
from tests.simulation.final_checks import FinalChecks
from tests.simulation.interception import InterceptedTransport, Interceptor, timeout_of
from tests.simulation.invariants import Invariants
from tests.simulation.library_checks import LibraryChecks
from tests.simulation.library_workload import LIBRARY, Folder
from tests.simulation.messages import Message, Queues
from tests.simulation.promises import Promise
from tests.simulation.scheduler import Invocation
from tests.simulation.settings import (
    WEBHOOK_SECRET,
    make_settings,
    make_small_openai,
    token_limit,
)
from tests.simulation.workload import RECIPE, TABLE_FOLDER, Drop, again, some_drop
from tests.support.clock import Clock
from tests.support.dispatch import FUNCTIONS
from tests.support.interrupts import Killed
from tests.support.names import INBOX
from tests.support.s3_messages import object_created

FAULTY = timedelta(hours=3)  # the longest that things go wrong
PATIENCE = timedelta(days=2)  # a world that is not quiet by then never gets quiet
MOST_STEPS = 4_000
TICK, WITH_WEBHOOKS, LONGEST_TICK = 60.0, 900.0, 1_800.0
HOOKED, ODD_WEBHOOKS = 0.4, 0.3  # of the seeds, and of the quirks there
ENDED = ["batch.completed", "batch.failed", "batch.expired", "batch.cancelled"]
SMALL = "http://small.test/v1"
POLL_TIMEOUT = timedelta(seconds=55)
LONG_AGO = timedelta(hours=7)  # after which the sweep takes what nobody needs
MOST_SYNCS = 10  # of a library after the last sweep
SAID = {  # errors that the same call may not meet later, as our edges to S3 and DynamoDB say
    "s3": frozenset(each["s3"][0] for each in (THROTTLED, BROKEN)),
    "dynamodb": frozenset(each["dynamodb"][0] for each in (THROTTLED, BROKEN))
    | {IN_PROGRESS[0], CONFLICT[0]},
}
UNDERSTOOD = dict.fromkeys(OBJECT_OPERATIONS, SAID["s3"])
UNDERSTOOD |= dict.fromkeys(TABLE_OPERATIONS, SAID["dynamodb"])


@cache
def session() -> CloudSession:
    """One a process: making clients takes longer than a simulated day."""
    return CloudSession()


@dataclass
class Simulation:
    """The world of one seed."""

    seed: int
    also: Collection[str] = ()  # faults that are known to break a promise
    clock: Clock = field(default_factory=Clock)
    steps: int = 0

    def __post_init__(self) -> None:
        random.seed(self.seed)  # the functions' jitter
        self.faults = Faults(self.seed, self.clock, self.also)
        self.draw = self.faults.draw
        self.interceptor = Interceptor(self.faults, self.clock)
        self.queues = Queues(self.faults, self.clock)
        self.small = make_small_openai(self.faults, self.clock, self._called_back)
        self.invariants = Invariants(self.faults, self.small, self.interceptor)
        self.cloud = Cloud(self.seed, self.clock, self.interceptor, self)
        self.invariants.cloud = self.cloud
        session().cloud = self.cloud
        self.http = httpx.Client(
            transport=InterceptedTransport(self.small, self.interceptor, self.invariants),
            base_url=SMALL,
        )
        self.settings = make_settings(self.faults)
        self.edges = self._connect()
        self.live: list[tuple[Invocation, Message | None]] = []
        self._skewed()
        self.folder = self._folder()
        self.cloud.drop(f"{TABLE_FOLDER}/recipe.yaml", RECIPE, {})
        numbers = range(1, self.draw.choice((2, 2, 3, 4)))
        self.drops = [
            some_drop(self.draw, number, LIBRARY if self.folder else None) for number in numbers
        ]
        self.undropped = list(self.drops)
        self.hooked = self._hooked()
        self.usual_tick = WITH_WEBHOOKS if self.hooked else TICK
        self.tick_at, self.tick_every = self.clock(), self.usual_tick
        self.worked = False
        self.twice = self.draw.random() < 0.15  # somebody drops a file a second time

    def _skewed(self) -> None:
        if self.faults.profile.skew:
            self.faults.begin("clock skew", f"{self.faults.profile.skew} s")

    @property
    def notes(self) -> Counter[str]:
        return self.invariants.notes

    def run(self) -> list[str]:
        """The broken promises: none, if all is well."""
        quiet_at = self.clock() + FAULTY
        while not self._at_rest():
            if self.faults.on and (self.clock() > quiet_at or self._calm()):
                self._become_quiet()
            if not self.faults.on:
                self.queues.redrive()
            self.steps += 1
            if self.steps > MOST_STEPS or self.clock() > quiet_at + PATIENCE:
                self.invariants.fail(Promise.NOTHING_LOST, "it never gets quiet")
                break
            self._step()
        self._end()
        if self.invariants.broken:
            self.faults.schedule += self.invariants.state()
        return self.invariants.broken

    # Where messages and notifications go, as Cloud wants it

    def sent(self, queue: str, bodies: list[str]) -> None:
        for body in bodies:
            self.queues.send(queue, body)

    def published(self, kind: str, text: str) -> None:
        self.invariants.published(kind, text)

    def put_on_bus(self, kind: str, detail: dict[str, Any]) -> None:
        self.invariants.put_on_bus(kind, detail)

    def wrote(self, rows: list[tuple[str, str]]) -> None:
        self.invariants.wrote(rows)

    @property
    def _only_waits(self) -> bool:
        """For a stuck document, which takes a day: to look at it every minute takes long here."""
        return not self.faults.on and bool(self.faults.counts["library: document_stuck"])

    def _at_rest(self) -> bool:
        if self.invariants.broken:
            return True
        left = self.queues.waiting or self.queues.dead
        return not self.faults.on and self._calm() and not left

    def _calm(self) -> bool:
        """All that was dropped is over, as far as the ledger knows of it."""
        library = self.invariants.library
        if self.undropped or self.live or (library and not library.in_sync):
            return False
        return all(self.invariants.is_over(drop.job) for drop in self.drops)

    def _become_quiet(self) -> None:
        self.faults.on = False
        self.faults.note("-- quiet")
        self._start_sweep_later()

    def _start_sweep_later(self) -> None:
        """Files that never rang are found by the day's sweep."""
        self.clock.advance(seconds=3_700)
        self._start("sweep", lambda: sweep(self.edges))

    def _step(self) -> None:
        """One draw: somebody goes on, somebody begins, or time passes."""
        self._maybe_pass_time()
        if self.live and (self.draw.random() < 0.8 or len(self.live) >= 3):
            self._resume(self.draw.randrange(len(self.live)))
        elif not (self._user_acts() or self._function_begins()):
            self._wait()

    def _user_acts(self) -> bool:
        if self.undropped and self.draw.random() < 0.3:
            self._drop(self.undropped.pop())
        elif held := self._held():
            self._say_the_word(held)
        elif self.twice and (first := self._known_drop()) and self.draw.random() < 0.1:
            self.twice = False
            self.drops.append(again(self.draw, first))
            self.undropped.append(self.drops[-1])
        elif self.folder and self.folder.left and self.draw.random() < 0.15:
            self._change_folder(self.folder.change())
        elif self.small.stores and self.faults.happens(self.faults.profile.quirks / 50):
            self._delete_store()
        else:
            return False
        return True

    def _delete_store(self) -> None:
        store = next(iter(self.small.stores))
        self.faults.inject("store deleted", store)
        self.small.organization.lose_store(store)
        if self.invariants.library:
            self.invariants.library.store_deleted()

    def _hooked(self) -> bool:
        """Whether OpenAI tells of ended batches, as oddly as it likes; then poll comes seldom."""
        draw = random.Random(f"{self.seed} webhooks")
        if draw.random() >= HOOKED:
            return False
        endpoint = {"name": "batchdrop", "url": "http://hook.test/", "event_types": ENDED}
        with httpx.Client(transport=self.small.transport(), base_url=SMALL) as client:
            headers = {"Authorization": "Bearer sk-person"}
            made = client.post("/webhook_endpoints", json=endpoint, headers=headers).json()
        self.cloud.secrets[WEBHOOK_SECRET] = made["signing_secret"]
        for quirk in WEBHOOK_QUIRKS:
            if draw.random() < ODD_WEBHOOKS:
                self.small.misbehave(quirk, times=draw.choice((1, 3, None)))
        return True

    def _called_back(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """A function of its own begins; if it fails, that is one webhook less."""
        receiver = Receiver(WebhookEdges(self.settings, self.clock, session()))
        self._start("webhook", lambda: receiver.receive(Webhook(headers, body)))
        self.notes["webhooks"] += 1
        return 200

    def _function_begins(self) -> bool:
        if self.hooked and self.draw.random() < 0.5 and self.small.deliver_webhooks():
            return True
        if due := self.queues.due():
            self._receive(self.draw.choice(due))
        elif self.clock() >= self.tick_at:
            self._tick()
        elif self.live:
            self._resume(0)
        else:
            return False
        return True

    def _maybe_pass_time(self) -> None:
        if self.faults.happens(0.02):
            seconds = self.draw.choice((3, 20, 60, 240, 1_000))
            self.faults.note(f".. {seconds} s pass")
            self.clock.advance(seconds=seconds)

    def _wait(self) -> None:
        moments = [self.tick_at, self.queues.next_at()]
        self.clock.moment = max(self.clock(), min(each for each in moments if each))

    def _drop(self, drop: Drop) -> None:
        drop.version = self.cloud.drop(drop.key, drop.content, drop.options)
        noted = {each: self.faults.begin(each, drop.key) for each in drop.notes}
        if drop.not_given:
            happened = noted["object not given"].happened
            not_given = NotGiven(drop.not_given, drop.times, happened)
            self.cloud.buckets.refuse(drop.version, not_given)
        drop.job = job_id(INBOX, drop.key, drop.version)
        self.invariants.dropped(drop)
        drop.at = self.clock()
        self.faults.note(f"-> {drop.key} is dropped: job {drop.job}, {len(drop.asked)} requests")
        self._notify("intake", object_created(drop.key, drop.version, len(drop.content)))

    def _known_drop(self) -> Drop | None:
        """One that the ledger knows: an older version of an object is nobody's to find."""
        known = [drop for drop in self.drops if self.invariants.knows(drop.job)]
        return self.draw.choice(known) if known else None

    def _held(self) -> Drop | None:
        running = {invocation.name.partition("#")[0] for invocation, _ in self.live}
        if running & {"approve", "cancel"}:
            return None
        held = [drop for drop in self.drops if self.invariants.is_held(drop.job)]
        return held[0] if held and self.draw.random() < 0.3 else None

    def _say_the_word(self, drop: Drop) -> None:
        """If it gets lost, the job is still held, and the person says it again."""
        for fault in self.faults.drawn:
            if fault.kind == "file dropped twice":
                fault.happened()
        if drop.word == "cancel":
            self._cancel(drop.job)
        else:
            self.invariants.approved.add(drop.job)
            self._start("approve", lambda: approve(self.edges, drop.job))

    def _folder(self) -> Folder | None:
        """Somebody keeps a library in some of the seeds."""
        if not self.faults.profile.library:
            return None
        folder = Folder(random.Random(f"{self.seed} folder"), self.cloud, self.clock)
        self.invariants.library = LibraryChecks(self.invariants, folder)
        self._change_folder(folder.begin())
        return folder

    def _change_folder(self, notices: list[str]) -> None:
        for notice in notices:
            self.faults.note(f"-> {notice}")
            self._notify("library", notice)

    def _notify(self, queue: str, notice: str) -> None:
        if self.faults.happens(0.05):
            self.faults.inject("notification lost", queue)
        else:
            self.queues.send(queue, notice)

    def _receive(self, message: Message) -> None:
        function = FUNCTIONS[message.queue]
        twice = self.faults.happens(self.faults.profile.doubles / 2)
        self.queues.received(message)
        self._start(message.queue, lambda: function(self.edges, message.body), message)
        if twice:
            self.faults.inject("message given out twice at once", message.queue)
            self.live[-1][0].shares = True
            self._start(message.queue, lambda: function(self.edges, message.body), message)
            self.live[-1][0].shares = True

    def _tick(self) -> None:
        busy = self.worked and not self._only_waits
        self.tick_every = self.usual_tick if busy else min(self.tick_every * 2, LONGEST_TICK)
        self.tick_at = self.clock() + timedelta(seconds=self.tick_every)
        self.worked = False
        if self.faults.happens(self.faults.profile.calls):
            self.faults.inject("tick left out")
            return
        self._start("poll", lambda: poll(self.edges))
        if self.faults.happens(self.faults.profile.doubles / 4):
            self.faults.inject("two ticks at once")
            self.live[-1][0].shares = True
            self._start("poll", lambda: poll(self.edges))
        if self.faults.happens(0.004) and (known := [drop.job for drop in self.drops if drop.job]):
            self._cancel(self.draw.choice(known))

    def _cancel(self, job: str) -> None:
        """Somebody puts the wish on the bus, which delivers it once or twice."""
        self.faults.inject("job cancelled", job)
        self.invariants.cancelled.add(job)
        self._start("cancel", lambda: cancel(self.edges, job))
        if self.faults.doubled():
            self.faults.inject("event doubled", job)
            self._start("cancel", lambda: cancel(self.edges, job))

    def _start(
        self, function: str, act: Callable[[], object], message: Message | None = None
    ) -> None:
        timeout = POLL_TIMEOUT if function == "poll" else timeout_of(self.faults.profile.lease)
        self.steps += 1
        invocation = Invocation(f"{function}#{self.steps}", act, self.clock() + timeout)
        invocation.shares = self.faults.happens(self.faults.profile.sharing)
        body = f" {message.body}" if message and function != "intake" else ""
        self.faults.note(f"{invocation.name} begins{body}")
        self.live.append((invocation, message))

    def _resume(self, index: int) -> None:
        invocation, message = self.live[index]
        self.interceptor.current = invocation
        invocation.resume()
        self.interceptor.current = None
        if invocation.over:
            self.live.pop(index)
            self._ended(invocation, message)

    def _ended(self, invocation: Invocation, message: Message | None) -> None:
        error = invocation.error
        said = invocation.outcome if error is None else f"{type(error).__name__}: {error}"
        self.faults.note(f"{invocation.name} ends: {said}")
        self.worked |= message is not None or invocation.name.startswith("sweep")
        if isinstance(error, Killed):
            self.edges = self._connect()
        elif error is not None:
            self._check_failure(invocation, error)
        if message and error is None:
            self.queues.done(message)
        elif message:
            self.queues.failed(message)

    def _check_failure(self, invocation: Invocation, error: BaseException) -> None:
        """A function may fail, if somebody else failed it, and if it says so in our words."""
        for each in error.exceptions if isinstance(error, ExceptionGroup) else [error]:
            if not isinstance(each, Conflict | TryLater) and not (
                invocation.faulted and is_excused(each)
            ):
                said = f"{invocation.name} raised {type(each).__name__}: {each}"
                self.invariants.fail(Promise.OUR_WORDS, said)
                self.invariants.errors.append(each)

    def _end(self) -> None:
        """Whoever still runs is stopped; then all that was promised is looked at."""
        self.faults.on = False
        for invocation, _ in self.live:
            self.interceptor.current = invocation
            invocation.kill("the simulation is over")
        self.interceptor.current = None
        if not self.invariants.broken:
            self.clock.advance(seconds=LONG_AGO.total_seconds())
            sweep(self.edges)
            self._reconciled()
            FinalChecks(self.invariants, token_limit(self.faults)).check(self.drops)
        for fault in self.faults.without_effect():
            self.invariants.fail(Promise.EFFECT, f"{fault.kind} in {fault.where} had none")
        self.http.close()

    def _reconciled(self) -> None:
        """What the last sweep asks of libraries is done, and what follows from it."""
        asks = [each.body for each in self.queues.waiting if each.queue == "library"]
        for _ in range(MOST_SYNCS):
            for ask in asks:
                keep_in_sync(self.edges, json.loads(ask))
            self.clock.advance(seconds=TICK)
            asks = [
                SyncRequest(library=each).model_dump_json()
                for each in self.edges.library_table.dirty(self.clock())
            ]

    def _connect(self) -> JobEdges:
        """The edges of a fresh process."""
        return JobEdges(self.settings, self.clock, session(), self.http, pause=self.clock.advance)


def is_excused(error: BaseException) -> bool:
    """AWS failed, and not in a way that our edges to S3 and DynamoDB have words for."""
    if isinstance(error, ClientError):
        understood = UNDERSTOOD.get(error.operation_name, frozenset())
        return error.response["Error"]["Code"] not in understood
    return isinstance(error, BotoCoreError)
