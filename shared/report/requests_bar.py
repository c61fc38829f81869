"""One bar for all requests by their outcome, with a legend in words."""

from collections import Counter
from collections.abc import Iterable, Iterator

from shared.report.format import number, share
from shared.report.markup import Html, el, joined
from shared.report.model import JobReport
from shared.report.timeline import WIDTH, legend

CODES_DRAWN = 4  # codes of failures with a colour of their own

Outcome = tuple[str, str, int]  # its colour's class, its words, how many requests


def requests_bar(report: JobReport) -> Html:
    total = report.requests.total
    outcomes = [each for each in _outcomes(report) if each[2]]
    entries = [
        (colour, f"{number(n)} {words} ({share(n, total)})") for colour, words, n in outcomes
    ]
    bar = _stacked([(colour, n) for colour, _, n in outcomes], total)
    remarks = " ".join(_remarks(report))
    return joined((bar, legend(entries), el("p", remarks) if remarks else None))


def _outcomes(report: JobReport) -> Iterator[Outcome]:
    counts = report.requests
    yield "good", "succeeded", counts.succeeded - counts.incomplete
    yield "cut", "succeeded, but incomplete", counts.incomplete
    yield from _failures(report)


def _failures(report: JobReport) -> Iterator[Outcome]:
    """By code: several texts may share one, and the legend names each once."""
    by_code = Counter[str]()
    for group in report.errors:
        by_code[group.code] += group.count
    for n, (code, count) in enumerate(by_code.most_common(CODES_DRAWN), 1):
        yield f"bad{n}", f"failed: {code}", count
    rest = by_code.most_common()[CODES_DRAWN:]
    yield "bad5", f"failed otherwise, in {number(len(rest))} ways", sum(n for _, n in rest)


def _remarks(report: JobReport) -> Iterator[str]:
    counts = report.requests
    if report.incomplete:
        reasons = ", ".join(f"{number(n)} × {why}" for why, n in report.incomplete.items())
        yield f"Why answers are incomplete: {reasons}."
    if counts.retried:
        yield f"{number(counts.retried)} were retried at least once."
    if counts.skipped:
        yield f"{number(counts.skipped)} bad lines were left out before."
    if report.extra_answers:
        yield f"{number(report.extra_answers)} answers belonged to no request and are kept aside."


def _stacked(parts: Iterable[tuple[str, int]], whole: int) -> Html:
    at, rects = 0.0, list[Html]()
    for colour, n in parts:
        width = n / whole * WIDTH if whole else 0
        if width:
            shape = {"x": f"{at:.2f}", "y": 0, "width": f"{max(width, 2):.2f}", "height": 10}
            rects.append(el("rect", **shape, class_=colour))
        at += width
    return el(
        "svg",
        *rects,
        viewBox=f"0 0 {WIDTH} 10",
        preserveAspectRatio="none",
        class_="stacked",
        role="img",
        aria_label="Requests by outcome; the list below says it in words",
    )
