"""The notifications about reports: small whatever the job, the same id when sent twice."""

import json

import pytest

from shared.aws.notifier import Notification
from shared.jobs.answer_counts import Usage
from shared.jobs.model import ENDED
from shared.jobs.prices import cost, prices
from shared.problems import Problem, Problems
from shared.report import notifications
from shared.report.model import JobReport, Requests, rejection
from tests.support.records import NOW, SOURCE, job

LARGEST = 256 * 1_024  # bytes of a message; ours stay below a quarter of it
OVER = job(state="completed")
HUGE = SOURCE.model_copy(update={"key": "inbox/" + "ü" * 500})


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


def rejected() -> Notification:
    huge = job(source=HUGE)
    report = rejection(huge, {}, problems(), 9, NOW)
    return notifications.rejected(huge, report, "rejected/a/report.json")


def ended(state: str) -> Notification:
    over = job(source=HUGE, requests=5, parts=2, tokens=9, state=state)
    return notifications.ended(over, report(state))


def every_notification() -> list[Notification]:
    return [rejected(), *map(ended, sorted(ENDED))]


@pytest.mark.parametrize("notification", every_notification(), ids=lambda each: each.type)
def test_notification_is_small_whatever_the_job(notification: Notification) -> None:
    assert len(notification.text.encode()) + len(json.dumps(notification.detail)) < LARGEST // 16


def test_notification_sent_twice_has_the_same_id() -> None:
    once, again = every_notification(), every_notification()

    assert [each.id for each in once] == [each.id for each in again]
    assert len({each.id for each in once}) == len(once)


def test_rejected_says_the_problems_and_where_the_report_is() -> None:
    notification = rejected()

    assert "2,000 problem(s): 1 × code-0" in notification.text
    assert notification.text.endswith("rejected/a/report.json")


def test_ended_says_the_counts_and_where_the_results_are() -> None:
    notification = ended("completed")

    assert "3 of 5 requests succeeded, 2 failed" in notification.text
    assert notification.type == "Job Completed"
    assert notification.detail["results"] == "results/a/results.jsonl"


@pytest.mark.parametrize(
    ("models", "text"),
    [
        ({"gpt-5-mini": 2_000_000}, "Cost at OpenAI: about $0.25."),
        (
            {"gpt-5-mini": 2_000_000, "mine": 1},
            "about $0.25, without 1 model(s) whose price is not known.",
        ),
    ],
)
def test_ended_says_the_cost_as_far_as_prices_are_known(models: dict[str, int], text: str) -> None:
    usage = {model: Usage(input_tokens=tokens) for model, tokens in models.items()}
    changes = {"usage_by_model": usage, "cost": cost(usage, prices())}

    notification = notifications.ended(
        job(state="completed"), report("completed").model_copy(update=changes)
    )

    assert text in notification.text
    assert notification.detail["cost_usd"] == 0.25


def test_ended_without_any_known_price_says_no_cost() -> None:
    usage = {"mine": Usage(input_tokens=1)}
    changes = {"usage_by_model": usage, "cost": cost(usage, prices())}

    notification = notifications.ended(
        job(state="completed"), report("completed").model_copy(update=changes)
    )

    assert "Cost" not in notification.text
