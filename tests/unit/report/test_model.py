"""The reports: what they hold, and that it adds up."""

from shared.jobs.answer_counts import Usage
from shared.openai.models import BatchError
from shared.problems import Problem, Problems
from shared.report.model import WAITS, Wait, part_report, rejection, skipped, total, waits
from tests.support.records import NOW, SOURCE, job, part

PROBLEM = Problem(line=3, code="invalid_url", param="url", message="No.", remedy="Yes.")


def wrong(count: int) -> Problems:
    problems = Problems()
    list(map(problems.add_line, [[PROBLEM, PROBLEM]] * count))
    return problems


def test_rejection_has_the_options_and_every_problem() -> None:
    dropped = job(notes=["A note."])

    report = rejection(dropped, {"bad-lines": "reject"}, wrong(600), 999, NOW)

    assert (report.state, report.source, report.options) == (
        "rejected",
        SOURCE,
        {"bad-lines": "reject"},
    )
    assert (report.lines, report.bad_lines, report.problems_total) == (999, 600, 1_200)
    assert (report.problems_by_code, len(report.problems)) == ({"invalid_url": 1_200}, 1_000)
    assert (report.rejected_at, report.notes) == (NOW, ["A note."])


def test_skipped_lines_are_counted_with_their_problems() -> None:
    report = skipped(wrong(2))

    assert (report.lines, report.problems_total, report.problems) == (2, 4, [PROBLEM] * 4)


def test_part_report_has_the_errors_of_openai() -> None:
    errors = [BatchError(code="invalid_url", line=70)]
    landed = part(batch_id="batch_1", file_id="file-1", replaced=True, errors_total=4)

    report = part_report(landed, errors)

    assert (report.part, report.batch_id, report.input_file_id) == (1, "batch_1", "file-1")
    assert (report.errors, report.errors_total, report.split_again) == (errors, 4, True)
    assert report.estimated_prompt_tokens == 100


def test_total_adds_up_the_usage_of_all_models() -> None:
    by_model = {
        "m1": Usage(input_tokens=1, output_tokens=2),
        "m2": Usage(input_tokens=10, output_tokens=20),
    }

    assert total(by_model) == Usage(input_tokens=11, output_tokens=22)
    assert total({}) == Usage()


def test_waits_are_those_of_the_part_that_waited_longest_for_each_reason() -> None:
    parts = [
        part(waited={"no capacity": 60, "its turn": 0}),
        part(waited={"no capacity": 2_700, "the rate": 90}),
    ]

    assert waits(parts) == [
        Wait(reason="no capacity", seconds=2_700, parts=2),
        Wait(reason="the rate", seconds=90, parts=1),
    ]


def test_waits_in_a_report_are_bounded() -> None:
    parts = [part(waited={f"reason {n}": n}) for n in range(1, 500)]

    assert [each.seconds for each in waits(parts)] == list(range(499, 499 - WAITS, -1))
