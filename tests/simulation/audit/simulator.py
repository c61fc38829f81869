"""One seed of the audit function: events show, ticks read them, things go wrong, then quiet."""

import random
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import httpx

from functions.audit.backfill import BackfillRequest, open_backfills
from functions.audit.flow import tick
from local.openai import SmallOpenAI
from shared.audit.edges import AuditEdges, AuditSettings
from shared.audit.engine import Engine
from shared.audit.sigma.folder import PREFIX, read_folder
from shared.audit.windows import StuckWalk
from shared.errors import ActionRequired, Conflict, Refused, TryLater
from tests.simulation.audit.checks import AuditChecks, AuditPromise
from tests.simulation.audit.faults import AuditFaults
from tests.simulation.audit.workload import PAST, STORY, Shown, Workload
from tests.simulation.aws import Cloud
from tests.simulation.interception import Interceptor, MisbehavingTransport
from tests.simulation.scheduler import Invocation
from tests.simulation.simulator import is_excused, session
from tests.support.audit_logs import DAY, HOUR
from tests.support.clock import Clock
from tests.support.interrupts import Killed
from tests.support.names import AUDIT

RULES = Path(__file__).with_name("rules")
TABLES = {"state": "AuditState", "events": "AuditEvents"}
ADMIN_KEY = "sk-admin-123456"
FAULTY = STORY + HOUR  # seconds, after which nothing goes wrong any more
TIMEOUT = timedelta(seconds=75)
TIME_LEFT = timedelta(seconds=60)
OURS = (ActionRequired, Conflict, Refused, StuckWalk, TryLater)
# After the story: as often as ever, then every hour and every six, until all days are proved.
QUIET_TICKS = (*(HOUR,) * 7, *(6 * HOUR,) * 11)


@cache
def engine() -> Engine:
    """It holds nothing of a world, and takes long to make."""
    settings = AuditEdges(settings_of(AuditFaults(0, Clock())), Clock()).config
    return Engine(settings.with_own(read_folder(RULES).own))


def settings_of(faults: AuditFaults) -> AuditSettings:
    return AuditSettings(
        audit_bucket=AUDIT,
        bus_name="bus",
        topic_arn="topic",
        openai_admin_key_secret="/batchdrop/admin-key",
        audit_events_table="events",
        audit_state_table="state",
        audit_first_days=PAST // DAY,
        audit_interval_seconds=faults.audit.interval,
        audit_page=faults.audit.page,
        audit_tenant=faults.audit.tenant,
        audit_calls_at_once=1,
    )


@dataclass
class AuditSimulation:
    """The world of one seed."""

    seed: int
    also: Collection[str] = ()
    clock: Clock = field(default_factory=Clock)
    live: list[Invocation] = field(default_factory=list)
    begun: int = 0

    def __post_init__(self) -> None:
        random.seed(self.seed)  # the functions' jitter
        self.faults = AuditFaults(self.seed, self.clock, self.also)
        self.draw = self.faults.draw
        self.interceptor = Interceptor(self.faults, self.clock, one_by_one=True)
        self.small = SmallOpenAI(clock=self.clock.seconds, seed=self.seed)
        self.settings = settings_of(self.faults)
        self.start = int(self.clock.seconds())
        self.events = self._events()
        self.checks = AuditChecks(self.faults, self.interceptor, engine(), self.events)
        out = self.checks
        self.cloud = Cloud(
            self.seed, self.clock, self.interceptor, out, tables=TABLES, key=ADMIN_KEY
        )
        self.checks.cloud = self.cloud
        session().cloud = self.cloud
        transport = MisbehavingTransport(self.small, self.interceptor)
        self.http = httpx.Client(transport=transport, base_url="http://small.test/v1")
        self._put_rules()
        self.idle: list[AuditEdges] = []  # processes that wait for work
        self.broken_rule = self.faults.audit.broken_rule
        self._refuse_a_row()
        self._begin_flood()

    @property
    def notes(self) -> Counter[str]:
        return self.checks.notes

    def run(self) -> list[str]:
        """The broken promises: none, if all is well."""
        asked = self.faults.audit.backfill
        while self._passed() < FAULTY and not self.checks.broken:
            if self._passed() > STORY + HOUR // 2:
                self.faults.on = False
            self._tick()
            if self.broken_rule and self._passed() > HOUR:
                self._break_a_rule()
            if asked and self._passed() > HOUR:
                asked = False
                self._ask_for_the_past()
            self._work()
            self.clock.advance(seconds=self._until_next())
        self._quiet()
        self.http.close()
        return self.checks.broken

    def _events(self) -> list[Shown]:
        found = Workload(self.draw, self.faults.audit, self.start).events()
        for each in found:
            self.small.add_audit_event(each.event, each.visible_at)
            for fault in each.faults:
                self.faults.inject(fault, each.event["id"][:20])
        return found

    def _refuse_a_row(self) -> None:
        if self.faults.audit.never_taken:
            refused = self.draw.choice(self.events).event["id"]
            self.cloud.tables.never_taken.add(refused)
            self.checks.never_taken = self.faults.begin("AWS: row never taken", refused[:20])

    def _begin_flood(self) -> None:
        if self.faults.audit.flood:
            self.checks.flood = self.faults.begin("memory full")

    def _passed(self) -> float:
        return self.clock.seconds() - self.start

    def _until_next(self) -> float:
        """Seconds to the next tick; a schedule is never late by much."""
        interval = self.faults.audit.interval
        return interval - self._passed() % interval + self.draw.random()

    def _tick(self) -> None:
        if self.faults.happens(self.faults.profile.calls):
            self.faults.inject("tick left out")
            return
        self._start("tick", self._read)
        if self.faults.happens(self.faults.profile.doubles / 4):
            self.faults.inject("two ticks at once")
            self._start("tick", self._read)
            for each in self.live:
                each.shares = True

    def _read(self, edges: AuditEdges) -> object:
        return tick(edges, self.clock() + TIME_LEFT)

    def _put_rules(self) -> None:
        for path in RULES.iterdir():
            self._put_rule(path.name, path.read_bytes())

    def _put_rule(self, name: str, content: bytes) -> None:
        self.cloud.buckets.put(AUDIT, f"{PREFIX}{name}", content, {})

    def _break_a_rule(self) -> None:
        """Its last usable version stays in force, so what is found is the same."""
        self.broken_rule = False
        name = self.draw.choice(sorted(path.name for path in RULES.iterdir()))
        self._put_rule(name, b"title: nothing else")
        self.checks.broken_rule = self.faults.begin("a rule is broken", name)

    def _ask_for_the_past(self) -> None:
        alerts = self.draw.choice(("off", "dry", "on"))
        asked = {"from": "2026-10-30", "to": "2026-10-31"}
        request = BackfillRequest.model_validate({"backfill": asked, "alerts": alerts})
        self.faults.inject("backfill", alerts)
        self._start("backfill", lambda edges: open_backfills(edges, request))

    def _start(self, name: str, act: Callable[[AuditEdges], object]) -> None:
        self.begun += 1
        name = f"{name}#{self.begun}"
        edges = self.idle.pop() if self.idle else self._process()

        def run() -> object:
            outcome = act(edges)
            self.idle.append(edges)
            return outcome

        invocation = Invocation(name, run, self.clock() + TIMEOUT)
        invocation.shares = self.faults.happens(self.faults.profile.sharing)
        self.faults.note(f"{name} begins")
        self.live.append(invocation)

    def _process(self) -> AuditEdges:
        pause = self.clock.advance
        return AuditEdges(self.settings, self.clock, session(), self.http, pause=pause)

    def _work(self) -> None:
        """Until all that runs has ended: one draw, somebody goes on, or time passes."""
        while self.live and not self.checks.broken:
            if self.faults.happens(0.02):
                seconds = self.draw.choice((3, 20, 60, 240))
                self.faults.note(f".. {seconds} s pass")
                self.clock.advance(seconds=seconds)
            self._resume(self.draw.randrange(len(self.live)))
            if self.faults.happens(0.01):
                return  # the schedule ticks all the same

    def _resume(self, index: int) -> None:
        invocation = self.live[index]
        self.interceptor.current = invocation
        invocation.resume()
        self.interceptor.current = None
        if not invocation.over:
            return
        self.live.pop(index)
        error = invocation.error
        said = invocation.outcome if error is None else f"{type(error).__name__}: {error}"
        self.faults.note(f"{invocation.name} ends: {said}")
        if error is not None and not isinstance(error, Killed):
            self._check_failure(invocation, error)

    def _check_failure(self, invocation: Invocation, error: BaseException) -> None:
        """A tick may fail, if somebody else failed it, and if it says so in our words."""
        for each in error.exceptions if isinstance(error, ExceptionGroup) else [error]:
            if not isinstance(each, OURS) and not (invocation.faulted and is_excused(each)):
                said = f"{invocation.name} raised {type(each).__name__}: {each}"
                self.checks.fail(AuditPromise.OUR_WORDS, said)
                self.checks.errors.append(each)

    def _quiet(self) -> None:
        self.faults.on = False
        self.faults.note("-- quiet")
        for invocation in self.live:
            self.interceptor.current = invocation
            invocation.kill("the simulation is over")
        self.interceptor.current = None
        self.live.clear()
        self._put_rules()
        for pause in QUIET_TICKS:
            if self.checks.broken:
                return
            self.clock.advance(seconds=pause)
            self._start("tick", self._read)
            self._work()
        self.checks.check(int(self.clock.seconds()))
        first = datetime.fromtimestamp(self.start - PAST, UTC).date()
        proved = first + timedelta(days=PAST // DAY)  # the last day that is over and was checked
        self.checks.check_evidence(self._process().s3, first, proved)
        for fault in self.faults.without_effect():
            said = f"{fault.kind} in {fault.where} had none"
            self.checks.fail(AuditPromise.EFFECT, said)
