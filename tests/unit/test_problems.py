"""The first thousand in full, all counted."""

from shared.problems import KEPT, Problem, Problems


def problem(code: str = "invalid_url") -> Problem:
    return Problem(line=1, code=code, message="No.", remedy="Yes.")


def test_nothing_wrong_is_nothing() -> None:
    problems = Problems()

    assert not problems
    assert (problems.total, problems.bad_lines) == (0, 0)


def test_a_line_may_have_several_problems_and_a_file_some_of_its_own() -> None:
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


def test_beyond_a_thousand_they_are_only_counted() -> None:
    problems = Problems()

    list(map(problems.add_line, [[problem()]] * (KEPT + 500)))
    problems.add(problem("late"))

    assert len(problems.first) == KEPT
    assert problems.by_code == {"invalid_url": KEPT + 500, "late": 1}


def test_a_bad_line_that_nobody_can_explain_is_bad_all_the_same() -> None:
    problems = Problems()

    problems.add_line([])

    assert problems
