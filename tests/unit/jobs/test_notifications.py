"""What we tell: small whatever the job, and recognisable when told twice."""

import json

import pytest

from shared.aws.notifier import Notification
from shared.jobs import notifications
from shared.jobs.results import Usage
from shared.openai.models import File
from shared.problems import Problem, Problems
from shared.report.model import JobReport, Requests, rejection
from shared.report.prices import cost, prices
from tests.support.records import NOW, SOURCE, batch, job, part

LARGEST = 256 * 1_024  # bytes of a message; ours stay below a quarter of it
HUGE = SOURCE.model_copy(update={"key": "inbox/" + "ü" * 500})
PART = part(reason="r" * 300, batch_id="batch_1", batch_status="finalizing", done=3)


def problems() -> Problems:
    found = Problems()
    list(
        map(
            found.add,
            (Problem(code=f"code-{n}", message="m" * 300, remedy="r" * 300) for n in range(2_000)),
        )
    )
    return found


def report(state: str) -> JobReport:
    return JobReport.model_validate(
        {
            "job_id": "j1",
            "state": state,
            "reason": "Because.",
            "source": SOURCE,
            "options": {},
            "times": {},
            "requests": Requests(total=5, succeeded=3, failed=2, retried=1, skipped=0),
            "usage": Usage(input_tokens=7, output_tokens=8),
            "usage_by_model": {},
            "cost": cost({}, prices()),
            "estimated_prompt_tokens": 9,
            "parts": [],
            "errors": [],
            "skipped": None,
            "extra_answers": 0,
            "files": {
                "errors": "results/a/errors.jsonl",
                "page": "results/a/report.html",
                "report": "results/a/report.json",
                "results": "results/a/results.jsonl",
                **{f"extras-{n}": f"results/a/extras-{n}.jsonl" for n in range(5_000)},
            },
            "notes": [],
        }
    )


def every_notification() -> list[Notification]:
    huge = job(source=HUGE, requests=5, parts=2, tokens=9)
    return [
        notifications.accepted(huge),
        notifications.rejected(
            huge, rejection(huge, {}, problems(), 9, NOW), "rejected/a/report.json"
        ),
        notifications.ended(huge, report("completed")),
        notifications.ended(huge, report("failed")),
        notifications.waiting(huge, PART),
        notifications.retried(huge, PART),
        notifications.second_batch(PART, batch(), "batch_2"),
        notifications.stuck(huge, PART),
        notifications.orphan_deleted(PART, File(id="file-1", filename="f" * 300)),
    ]


@pytest.mark.parametrize("notification", every_notification(), ids=lambda each: each.type)
def test_a_message_is_small_whatever_the_job(notification: Notification) -> None:
    assert len(notification.text.encode()) + len(json.dumps(notification.detail)) < LARGEST // 16


@pytest.mark.parametrize(
    ("one", "two"),
    list(zip(every_notification(), every_notification(), strict=True)),
    ids=lambda each: each.type,
)
def test_the_same_thing_told_twice_has_the_same_id(one: Notification, two: Notification) -> None:
    assert one.id == two.id


def test_different_things_have_different_ids() -> None:
    assert len({each.id for each in every_notification()}) == len(every_notification())


def test_a_person_is_told_counts_and_where_to_look() -> None:
    accepted, rejected, completed, *_ = every_notification()

    assert "5 requests in 2 part(s), about 9 prompt tokens" in accepted.text
    assert "2,000 problem(s): 1 × code-0" in rejected.text
    assert rejected.text.endswith("rejected/a/report.json")
    assert "3 of 5 requests succeeded, 2 failed" in completed.text
    assert completed.type == "Job Completed"
    assert completed.detail["results"] == "results/a/results.jsonl"


@pytest.mark.parametrize(
    ("models", "said"),
    [
        ({"gpt-5-mini": 2_000_000}, "Cost at OpenAI: about $0.25."),
        (
            {"gpt-5-mini": 2_000_000, "mine": 1},
            "about $0.25, without 1 model(s) whose price is not known.",
        ),
    ],
)
def test_the_cost_is_told_as_far_as_it_is_known(models: dict[str, int], said: str) -> None:
    usage = {model: Usage(input_tokens=tokens) for model, tokens in models.items()}
    told = {"usage_by_model": usage, "cost": cost(usage, prices())}

    notification = notifications.ended(job(), report("completed").model_copy(update=told))

    assert said in notification.text
    assert notification.detail["cost_usd"] == 0.25


def test_a_cost_that_is_not_known_at_all_is_not_told_as_none() -> None:
    usage = {"mine": Usage(input_tokens=1)}
    told = {"usage_by_model": usage, "cost": cost(usage, prices())}

    ended = notifications.ended(job(), report("completed").model_copy(update=told))

    assert "Cost" not in ended.text


def test_what_was_paid_twice_is_said() -> None:
    notification = notifications.second_batch(
        PART, batch(request_counts={"completed": 1_234}), "batch_0"
    )

    assert (
        "1,234 requests of the cancelled one were done by then, and are billed twice"
        in notification.text
    )
    assert notification.detail == {
        "job": "j1",
        "part": 1,
        "cancelled": "batch_1",
        "kept": "batch_0",
        "billed_twice": 1_234,
    }
