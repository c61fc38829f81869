"""A month's budget against a model that is a number: any jobs, in any order, with stale writers."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from moto import mock_aws

from shared.errors import Conflict
from shared.jobs.budget import OverBudget
from shared.jobs.ledger import Ledger
from shared.jobs.model import Job, JobState
from shared.jobs.part import Part, PartState
from tests.support.aws import aws, make_table
from tests.support.records import NOW, job, part

LIMIT, MONTH = 100, "2026-11"  # millionths
amounts = st.integers(0, 60)


class BudgetMachine(RuleBasedStateMachine):
    """Jobs and parts by the state they are in; each rule does what one function does."""

    checked = Bundle("checked")  # jobs that took nothing yet
    paid = Bundle("paid")  # that took what they are expected to cost
    running = Bundle("running")  # parts of accepted jobs

    def __init__(self) -> None:
        super().__init__()
        self.aws = mock_aws()
        self.aws.start()
        make_table(aws(), "ledger", "Ledger")
        self.ledger = Ledger(aws().resource("dynamodb").Table("ledger"))
        self.used = self.spent = self.made = 0
        self.overrun = 0  # by what turned out dearer, or was let in by a person

    def teardown(self) -> None:
        self.aws.stop()

    def now(self, job_id: str) -> Job:
        found = self.ledger.job(job_id)
        assert found
        return found

    @rule(target=checked)
    def a_file_is_dropped(self) -> str:
        self.made += 1
        made = job(id=f"{self.made:016x}")
        self.ledger.open_job(made)
        return made.id

    @rule(target=paid, name=checked, amount=amounts, approved=st.booleans())
    def it_takes_its_money(self, name: str, amount: int, approved: bool) -> str:
        """Twice is once; what does not fit is held, unless a person said a word."""
        known = self.now(name)
        if known.state is not JobState.CHECKING or known.committed:
            return name
        committed = known.with_commitment(MONTH, amount)
        limit = None if approved else LIMIT
        try:
            self.ledger.commit_cost(known, committed, limit)
        except OverBudget:
            assert limit is not None
            assert self.used + amount > LIMIT
            assert self.now(name) == known
            return name
        assert limit is None or self.used + amount <= LIMIT or amount == 0
        self.overrun = max(self.overrun, self.used + amount - LIMIT)
        self.used += amount
        return name

    @rule(name=paid, amount=amounts)
    def a_run_that_knew_it_as_it_was_takes_nothing(self, name: str, amount: int) -> None:
        stale = job(id=name, rev=0)
        if self.now(name).rev == 0:
            return
        try:
            self.ledger.commit_cost(stale, stale.with_commitment(MONTH, amount), None)
        except Conflict:
            return
        raise AssertionError("a stale run took money")

    @rule(name=paid)
    def it_ends_unpaid(self, name: str) -> None:
        known = self.now(name)
        if known.state is not JobState.CHECKING:
            return
        self.ledger.end_unpaid(known, known.in_state(JobState.CANCELLED, NOW))
        self.used -= known.committed

    @rule(target=running, name=paid)
    def it_is_accepted(self, name: str) -> str:
        known = self.now(name)
        if known.state is JobState.CHECKING and known.committed:
            planned = part(job=name, number=1, expected=known.committed, month=MONTH)
            self.ledger.plan_part(planned)
            accepted = known.in_state(JobState.ACCEPTED, NOW, parts=1)
            self.ledger.accept(known, accepted)
        return name

    @rule(name=running, cost=amounts, left=st.lists(amounts, max_size=2))
    def a_part_lands_or_is_split_or_retried(self, name: str, cost: int, left: list[int]) -> None:
        open_ = [each for each in self.ledger.parts(name) if each.state is not PartState.LANDED]
        if not open_:
            return
        old = open_[0]
        first = max(each.number for each in self.ledger.parts(name)) + 1
        children = [self._child(old, first + n, each) for n, each in enumerate(left)]
        landed = old.landed(NOW, 0).model_copy(update={"cost": cost})
        self.ledger.land(old, landed, children)
        self.used += cost - old.expected + sum(left)
        self.spent += cost
        self.overrun = max(self.overrun, self.used - LIMIT)

    @staticmethod
    def _child(old: Part, number: int, expected: int) -> Part:
        return part(job=old.job, number=number, expected=expected, month=MONTH)

    @invariant()
    def the_row_is_what_jobs_hold(self) -> None:
        budget = self.ledger.budget(MONTH)
        assert (budget.used, budget.spent) == (self.used, self.spent)
        assert budget.used <= LIMIT + max(self.overrun, 0)


BudgetMachine.TestCase.settings = settings(
    max_examples=40, stateful_step_count=25, deadline=None, derandomize=True
)
TestBudget = BudgetMachine.TestCase
