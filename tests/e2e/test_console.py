"""What the console makes of the ledger's rows and of the functions' complaints."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from local.cli.console import Screen, shown, story
from local.cli.download import left_behind
from local.cli.progress import Snapshot, complaint
from shared.jobs.model import Job, JobState
from shared.jobs.part import Part, PartState
from shared.objects import Source, Span

NOW = datetime(2026, 11, 24, tzinfo=UTC)
JOB = Job(
    id="0123456789abcdef",
    source=Source(bucket="inbox", key="inbox/a.jsonl"),
    state=JobState.ACCEPTED,
    requests=20,
    parts=1,
    due=NOW,
)
PART = Part(
    job=JOB.id,
    number=1,
    state=PartState.SUBMITTED,
    endpoint="/v1/chat/completions",
    model="gpt-5-mini",
    source=Span(bucket="inbox", key="inbox/a.jsonl", length=1),
    requests=20,
    bytes=1,
    first_line=1,
    last_line=20,
    tokens=1,
    due=NOW,
    batch_id="batch_1",
    batch_status="in_progress",
    done=12,
    failed=3,
)
AWS_LOG = """\
2026-11-24 12:00:00 INFO [lambda] ESM: Lambda s-SubmitFunction-1 processed 1 SQS messages from q
2026-11-24 12:00:01 WARNING [lambda] ESM: Lambda s-SubmitFunction-1 failed processing SQS batch \
from s-SubmitQueue-2 (errorType=BatchProcessingError errorMessage=All records failed processing. \
1 individual errors logged separately below.

Traceback (most recent call last):
  File "functions/submit/handler.py", line 27, in take
    raise TryLater("not now")
shared.errors.TryLater: not now
)
START RequestId: 1
{"level": "INFO"}

2026-11-24 12:00:02 INFO [s3] PUT
"""


def test_a_job_nobody_has_seen_yet_is_waited_for() -> None:
    assert story(Snapshot()) == ["waiting for intake to see the file"]


def test_the_story_of_a_part_is_one_line() -> None:
    assert story(Snapshot(JOB, (PART,))) == [
        "job 0123456789abcdef: accepted, 20 requests in 1 part",
        "  part 1: 20 × gpt-5-mini /v1/chat/completions: submitted as batch_1, in_progress, "
        "12 of 20 done, 3 failed",
    ]


def test_a_waiting_part_says_what_for() -> None:
    waiting = {"state": PartState.WAITING, "reason": "no capacity"}
    part = PART.model_copy(update=waiting | {"number": 100_001, "attempt": 2})

    job, _, said = story(Snapshot(JOB, (PART, part)))
    assert said.startswith("  part 1, second attempt: ")
    assert said.endswith(": waiting (no capacity)")
    assert job.endswith("20 requests in 2 parts (1 retried)")


@pytest.mark.parametrize(("terminal", "redraws"), [("xterm", True), ("dumb", False)])
def test_progress_is_redrawn_or_told_line_by_line(
    monkeypatch: pytest.MonkeyPatch, terminal: str, *, redraws: bool
) -> None:
    monkeypatch.setenv("TERM", terminal)
    drawn = io.StringIO()
    console = Console(file=drawn, force_terminal=True, width=100)

    with Screen(console) as screen:
        screen.show(Snapshot())
        screen.show(Snapshot(JOB, (PART,)))
        screen.show(Snapshot(JOB, (PART,)))

    assert ("\x1b[" in drawn.getvalue()) is redraws
    told = [*story(Snapshot()), *story(Snapshot(JOB, (PART,)))]
    assert (drawn.getvalue().splitlines() == told) is not redraws


def test_the_cursor_rests_below_the_picture_where_ctrl_c_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    drawn = io.StringIO()
    console = Console(file=drawn, force_terminal=True, width=60)

    with Screen(console) as screen:
        screen.show(Snapshot(JOB, (PART,)))
        assert drawn.getvalue().endswith("\n")


def test_names_and_texts_of_others_cannot_draw_on_the_terminal() -> None:
    assert shown("a\x1b[31mred\nb\u202e") == "a\ufffd[31mred\ufffdb\ufffd"


def test_the_last_error_of_a_function_is_told(tmp_path: Path) -> None:
    (tmp_path / "aws.log").write_text(AWS_LOG)

    assert complaint(tmp_path) == "submit: shared.errors.TryLater: not now"


def test_a_function_that_cannot_even_start_is_told(tmp_path: Path) -> None:
    failed = "2026-11-24 12:00:01 WARNING ESM: Lambda s-LandFunction-1 failed processing SQS batch"
    (tmp_path / "aws.log").write_text(f"{failed} from q (errorType=E errorMessage=No module)\n\n")

    assert complaint(tmp_path) == "land: No module"


def test_no_complaint_is_no_trouble(tmp_path: Path) -> None:
    (tmp_path / "aws.log").write_text("2026-11-24 12:00:02 INFO [s3] PUT\n")

    assert complaint(tmp_path) == ""


@pytest.mark.parametrize(
    ("state", "left"), [(PartState.SUBMITTED, ["batch_1"]), (PartState.LANDED, [])]
)
def test_batches_under_way_are_left_behind(state: PartState, left: list[str]) -> None:
    assert left_behind([PART.model_copy(update={"state": state})]) == left
