"""A dozen seeds: whatever goes wrong, every promise is kept."""

from pathlib import Path

import pytest

from local.openai.quirks import QUIRKS, WEBHOOK_QUIRKS
from tests.simulation.fault_table import AUDIT_KINDS, KINDS, NOT_OURS, Kind, table
from tests.simulation.runner import simulate

A_LOT = 6  # seeds one test runs, so that the cores share them


@pytest.mark.parametrize("first", range(1, 13, A_LOT))
def test_every_promise_is_kept_whatever_goes_wrong(first: int) -> None:
    outcomes = [simulate(seed) for seed in range(first, first + A_LOT)]

    if broken := [str(each) for each in outcomes if each.broken]:
        pytest.fail("\n\n".join(broken), pytrace=False)


@pytest.mark.parametrize("audit", [False, True])
def test_a_seed_gives_the_same_schedule_again(audit: bool) -> None:
    assert simulate(3, audit=audit).schedule == simulate(3, audit=audit).schedule


def test_every_quirk_of_the_small_openai_is_a_fault_that_may_be_drawn() -> None:
    drawn = {name.partition(": ")[2] for name in (*KINDS, *AUDIT_KINDS)}

    drawn |= WEBHOOK_QUIRKS.keys()  # in the seeds with webhooks, by a draw of their own
    assert set(QUIRKS) - NOT_OURS - drawn == set()


@pytest.mark.parametrize("first", range(1, 13, A_LOT))
def test_every_promise_about_the_audit_log_is_kept_whatever_goes_wrong(first: int) -> None:
    outcomes = [simulate(seed, audit=True) for seed in range(first, first + A_LOT)]

    if broken := [str(each) for each in outcomes if each.broken]:
        pytest.fail("\n\n".join(broken), pytrace=False)


@pytest.mark.parametrize("kinds", [KINDS, AUDIT_KINDS], ids=["batches", "audit"])
def test_the_readme_shows_the_table_of_faults(kinds: dict[str, Kind]) -> None:
    assert table(kinds.values()) in Path(__file__).with_name("README.md").read_text()
