"""Problems: the first thousand in full, all counted."""

from shared.problems import KEPT, Problem, Problems


def problem(code: str = "invalid_url") -> Problem:
    return Problem(line=1, code=code, message="No.", remedy="Yes.")


def test_problems_are_false_and_zero_at_first() -> None:
    problems = Problems()

    assert not problems
    assert (problems.total, problems.bad_lines) == (0, 0)


def test_problems_of_lines_and_of_the_file_are_counted() -> None:
    problems = Problems()

    problems.add_line([problem(), problem("invalid_type")])
    problems.add(problem("file_too_large"))

    assert problems
    assert (problems.total, problems.bad_lines) == (3, 1)
    assert [each.code for each in problems.first] == [
        "invalid_url",
        "invalid_type",
        "file_too_large",
    ]


def test_problems_beyond_the_first_thousand_are_only_counted() -> None:
    problems = Problems()

    list(map(problems.add_line, [[problem()]] * (KEPT + 500)))
    problems.add(problem("late"))

    assert len(problems.first) == KEPT
    assert problems.by_code == {"invalid_url": KEPT + 500, "late": 1}


def test_bad_line_without_a_known_problem_still_counts() -> None:
    problems = Problems()

    problems.add_line([])

    assert problems
