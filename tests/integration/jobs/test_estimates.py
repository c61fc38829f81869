"""The price is known before it is paid: in the report, the notifications, and on a dry run."""

import gzip
from collections.abc import Iterator

import pytest
from moto import mock_aws

from functions.intake.flow import take_in
from local.openai import SmallSettings
from shared.jobs.estimate import KEPT, Used
from shared.jobs.model import JobState
from shared.objects import Source
from tests.support.batch_files import chat, chats, lines
from tests.support.interrupts import Interrupt, Killed, interrupted_session
from tests.support.names import INBOX
from tests.support.table_files import TEXT, put
from tests.support.world import World
from tests.tools.update_estimates import PAGE, SHAPES, TABLE, measured, table

PRICED = {"prices": "openai"}
KIND = ("gpt-5-mini", "/v1/chat/completions")


@pytest.fixture
def world() -> Iterator[World]:
    with mock_aws():
        yield World(openai_settings=SmallSettings(working=1), settings=PRICED)


def test_the_estimate_stands_beside_the_actual_cost(world: World) -> None:
    job = world.run_job("a.jsonl", chats(20, max_completion_tokens=100))

    report = world.report(job)
    estimate = report["estimate"]
    assert 0 < report["cost"]["usd"] <= estimate["at_most_usd"]
    assert 0 < estimate["expected_usd"] <= estimate["at_most_usd"]
    assert estimate["by_model"]["gpt-5-mini"]["requests"] == 20
    assert (estimate["unpriced_models"], estimate["unbounded_requests"]) == ([], 0)
    page = world.read(f"{job.results_prefix}report.html").decode()
    assert "Expected" in page
    assert "For 1,000 answers" in page


def test_it_is_told_when_the_file_is_accepted(world: World) -> None:
    world.run_job("a.jsonl", chats(3_000, max_completion_tokens=900))

    (accepted,) = [each for each in world.published() if "Job Accepted" in each["Subject"]]
    assert "about $1." in accepted["Message"]
    assert ", at most $" in accepted["Message"]


def test_jobs_are_learnt_from_and_a_part_that_lands_twice_once(world: World) -> None:
    for number in range(3):
        world.run_job(f"{number}.jsonl", chats(5 + number))

    known = world.edges.ledger.used(KIND)
    assert len(known) == 3
    assert [each.answers for each in known] == [5, 6, 7]
    world.edges.ledger.note_used(KIND, known[0])
    assert len(world.edges.ledger.used(KIND)) == 3
    job = world.run_job("9.jsonl", chats(9))
    estimate, used = world.report(job)["estimate"], world.report(job)["usage"]
    assert estimate["learnt_from"] == 3
    found = estimate["by_model"]["gpt-5-mini"]
    assert found["input_tokens"] == pytest.approx(used["input_tokens"], rel=0.05)
    assert found["output_tokens"] == pytest.approx(used["output_tokens"], rel=0.05)


def test_only_the_latest_parts_are_kept(world: World) -> None:
    for number in range(KEPT + 5):
        used = Used(part=f"j/{number}", estimated=1, answers=1, input=1, output=1)
        world.edges.ledger.note_used(KIND, used)

    kept = world.edges.ledger.used(KIND)

    assert [each.part for each in kept] == [f"j/{n}" for n in range(5, KEPT + 5)]


def test_what_was_asked_again_is_in_the_cost_and_told_apart(world: World) -> None:
    """Answers that miss the recipe's schema were paid, too."""
    recipe = TEXT.replace(b"{answer: text}", b"{answer: $.answer}") + b"options: {max-attempts: 2}"
    put(world, "inbox/recipe.yaml", recipe)

    job = world.run_job("t.csv", b"title,text\na,b\nc,d\n")

    report = world.report(job)
    assert report["requests"]["retried"] == 2
    assert 0 < report["retries_usd"] < report["cost"]["usd"]
    assert report["cost"]["usd"] == pytest.approx(2 * report["retries_usd"], rel=0.2)


def test_prices_of_another_server_are_not_known() -> None:
    with mock_aws():
        other = World(openai_settings=SmallSettings(working=1), settings={"prices": "none"})
        job = other.run_job("a.jsonl", chats(2))

        estimate = other.report(job)["estimate"]
        assert (estimate["expected_usd"], estimate["at_most_usd"]) == (None, None)
        assert estimate["by_model"]["gpt-5-mini"]["input_tokens"] > 0
        published = [each["Message"] for each in other.published()]
        assert any("of unknown price" in each for each in published)


MIXED = lines(chat(f"r{n}", model=("gpt-5-mini", "gpt-4.1")[n % 2]) for n in range(10))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", chats(10)),
        ("a.jsonl", MIXED),
        ("a.jsonl.gz", gzip.compress(MIXED)),
        ("t.csv", b"title,text\n" + b"a,b\n" * 10),
    ],
    ids=["one model", "two models", "packed", "a table"],
)
def test_a_dry_run_tells_the_price_and_sends_nothing(
    world: World, name: str, content: bytes
) -> None:
    put(world, "inbox/recipe.yaml", TEXT)

    job = world.run_job(name, content, dry_run="true")

    report = world.report(job)
    assert (job.state, job.requests) == (JobState.ESTIMATED, 10)
    assert (report["state"], report["requests"]) == ("estimated", 10)
    assert report["estimate"]["expected_usd"] > 0
    assert world.small.files == {}
    assert world.edges.ledger.parts(job.id) == []
    assert not any(key.endswith(".lines") for key in world.keys("parts/"))
    assert world.subjects() == ["Job Estimated"]
    assert b"Nothing was sent" in world.read(f"{job.results_prefix}report.html")


def test_after_a_dry_run_the_same_file_runs(world: World) -> None:
    dry = world.run_job("a.jsonl", chats(3), dry_run="true")
    paid = world.run_job("a.jsonl", chats(3))

    assert (dry.state, paid.state) == (JobState.ESTIMATED, JobState.COMPLETED)
    expected = world.report(dry)["estimate"]["expected_usd"]
    assert world.report(paid)["estimate"]["expected_usd"] == expected


def test_a_dry_run_of_a_bad_file_is_refused_and_of_one_with_skipped_lines_is_not(
    world: World,
) -> None:
    bad = chats(2) + b"nonsense\n"

    refused = world.run_job("a.jsonl", bad, dry_run="true")
    kept = world.run_job("b.jsonl", bad, dry_run="true", bad_lines="skip")

    assert (refused.state, kept.state) == (JobState.REJECTED, JobState.ESTIMATED)
    assert world.report(kept)["skipped"]["lines"] == 1


def test_a_dry_run_that_is_killed_anywhere_ends_once() -> None:
    calls = len(dry_run_killed(Interrupt()))

    assert calls > 5
    for number in range(1, calls + 1):
        dry_run_killed(Interrupt(number))


def dry_run_killed(interrupt: Interrupt) -> list[str]:
    with mock_aws():
        world = World(openai_settings=SmallSettings(working=1), settings=PRICED)
        session = interrupted_session()
        session.interrupt = interrupt
        metadata = {"dry-run": "true"}
        put = world.s3.put_object(
            Bucket=INBOX, Key="inbox/a.jsonl", Body=chats(3), Metadata=metadata
        )
        source = Source(bucket=INBOX, key="inbox/a.jsonl", version=put["VersionId"])
        try:
            take_in(world.connect(session), source)
        except Killed:
            world.clock.advance(seconds=world.config.lease_seconds + 1)
            take_in(world.edges, source)
        (job,) = world.all_jobs("a.jsonl")
        assert world.job(job).state is JobState.ESTIMATED, interrupt.place
        assert world.report(world.job(job))["requests"] == 3
        assert set(world.subjects()) == {"Job Estimated"}
        return interrupt.calls


def test_after_ten_jobs_an_estimate_is_within_ten_percent_as_the_docs_show() -> None:
    """`python -m tests.tools.update_estimates` renews them."""
    found = {shape: measured(shape) for shape in SHAPES}

    assert all(each.later <= 0.10 for each in found.values())
    assert all(each.worst_limit is None or each.worst_limit >= 1.0 for each in found.values())
    assert TABLE.findall(PAGE.read_text()) == [table(found)]
