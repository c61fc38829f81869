"""Problems: the first thousand in full, all counted."""

import pytest

from shared.problems import KEPT, Problem, Problems, excerpt


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


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (b'{"a": 1}', '{"a": 1}'),
        (b"\xff\x00\x1b", "\ufffd\\u0000\\u001b"),
        (b"x" * 5_000, "x" * 119 + "…"),
        ("😀".encode() * 5_000, "😀" * 119 + "…"),
        (b"", ""),
    ],
)
def test_excerpt_is_the_visible_beginning_of_a_line(line: bytes, shown: str) -> None:
    assert excerpt(line) == shown


def test_problems_of_a_line_show_how_it_begins() -> None:
    problems = Problems()

    problems.add_line([Problem(code="c", message="m", remedy="r")], b"nonsense")

    assert [each.excerpt for each in problems.first] == ["nonsense"]
