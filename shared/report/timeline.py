"""The timeline: one bar for each part, or the number of parts in each phase if there are many."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from shared.report.format import moment, number, span
from shared.report.markup import Html, el, joined
from shared.report.model import JobReport, PartReport

BARS = 30  # parts with a bar of their own
STEPS = 60  # moments at which many parts are counted
WIDTH = 1_000  # of a drawing's own units; the page stretches it
TALL = 160

# What a part does between two of its times, in order, with the colour's class.
PHASES = (
    ("waiting", "waits", "waits"),
    ("submitting", "is uploaded", "uploads"),
    ("submitted", "is at OpenAI", "openai"),
    ("ended", "lands", "lands"),
)


Times = tuple[datetime, datetime]  # begin and end


class Phase(NamedTuple):
    words: str
    colour: str
    begin: datetime
    end: datetime


def timeline(report: JobReport) -> Html | None:
    """None where no part has a history."""
    whole = _whole(report)
    lives = [(part, phases(part)) for part in report.parts]
    if whole is None or not any(life for _, life in lives):
        return None
    if len(lives) <= BARS:
        drawn = joined(_bar(part, life, whole) for part, life in lives)
    else:
        drawn = _crowd([life for _, life in lives], whole)
    return joined((_legend(), el("div", drawn, class_="timeline"), _axis(*whole)))


def _whole(report: JobReport) -> Times | None:
    """From the drop to the end, as far as both are known."""
    begin = report.times.get("checking") or report.times.get("accepted")
    end = report.times.get(report.state)
    return (begin, end) if begin and end and begin < end else None


def phases(part: PartReport) -> list[Phase]:
    """Those with a known begin and end; a part that waited more than once shows its last wait."""
    times = [
        *((at, part.times.get(at)) for at, _, _ in PHASES),
        ("landed", part.times.get("landed")),
    ]
    known = [(name, at) for name, at in times if at is not None]
    looks = {name: (words, colour) for name, words, colour in PHASES}
    return [
        Phase(*looks[name], begin, max(begin, end)) for (name, begin), (_, end) in pairwise(known)
    ]


def _bar(part: PartReport, life: Sequence[Phase], whole: Times) -> Html:
    label = "; ".join(f"{each.words} {span(each.end - each.begin)}" for each in life)
    rects = [_rect(each, whole) for each in life]
    drawing = el(
        "svg",
        el("rect", x=0, y=0, width=WIDTH, height=10, class_="track"),
        *rects,
        viewBox=f"0 0 {WIDTH} 10",
        preserveAspectRatio="none",
        role="img",
        aria_label=f"{part.title}: {label}",
    )
    heading = el("div", el("b", part.title), " ", el("span", part.model), el("i", _ending(part)))
    return el("div", heading, drawing, class_="bar")


def _rect(phase: Phase, whole: Times) -> Html:
    """At least three units wide, so that a quick phase stays visible."""
    begin, end = (_place(at, whole) for at in (phase.begin, phase.end))
    width = max(end - begin, 3.0)
    title = el("title", f"{phase.words}: {span(phase.end - phase.begin)}")
    shape = {"x": f"{min(begin, WIDTH - width):.1f}", "y": 0, "width": f"{width:.1f}", "height": 10}
    return el("g", title, el("rect", **shape, class_=phase.colour))


def _ending(part: PartReport) -> str:
    if part.split_again:
        return "split again"
    return part.batch_status or "no batch"


def _place(at: datetime, whole: Times) -> float:
    begin, end = whole
    return min(max((at - begin) / (end - begin), 0.0), 1.0) * WIDTH


def _crowd(lives: Sequence[Sequence[Phase]], whole: Times) -> Html:
    """Stacked columns: how many parts waited, were at OpenAI or landed at each moment."""
    begin, end = whole
    step = (end - begin) / STEPS
    counted = [_count(lives, begin + (n + 0.5) * step) for n in range(STEPS)]
    most = max(sum(each.values()) for each in counted) or 1
    columns = [_column(n, each, most) for n, each in enumerate(counted)]
    drawing = el(
        "svg",
        el("rect", x=0, y=0, width=WIDTH, height=TALL, class_="track"),
        *columns,
        viewBox=f"0 0 {WIDTH} {TALL}",
        preserveAspectRatio="none",
        role="img",
        class_="crowd",
        aria_label=f"{number(len(lives))} parts over time, by phase",
    )
    words = f"{number(len(lives))} parts; at most {number(most)} in progress at once"
    return el("div", el("div", el("span", words)), drawing, class_="bar")


def _count(lives: Sequence[Sequence[Phase]], at: datetime) -> dict[str, int]:
    counted = {colour: 0 for _, _, colour in PHASES}
    for life in lives:
        for phase in life:
            if phase.begin <= at < phase.end:
                counted[phase.colour] += 1
    return counted


def _column(n: int, counted: dict[str, int], most: int) -> Html:
    wide, base, rects = WIDTH / STEPS, float(TALL), list[Html]()
    for colour in ("lands", "openai", "uploads", "waits"):
        tall = counted[colour] / most * TALL
        base -= tall
        if tall:
            shape = {"x": f"{n * wide:.1f}", "y": f"{base:.1f}"}
            rects.append(
                el("rect", **shape, width=f"{wide:.1f}", height=f"{tall:.1f}", class_=colour)
            )
    return joined(rects)


def _legend() -> Html:
    return legend([(colour, f"a part {words}") for _, words, colour in PHASES])


def legend(entries: Sequence[tuple[str, str]]) -> Html:
    """Each colour with its words: nobody has to tell colours apart to understand them."""
    return el(
        "ul", *(el("li", swatch(colour), words) for colour, words in entries), class_="legend"
    )


def swatch(colour: str) -> Html:
    square = el("rect", width=10, height=10, rx=2, class_=colour)
    return el("svg", square, viewBox="0 0 10 10", class_="swatch", aria_hidden="true")


def _axis(begin: datetime, end: datetime) -> Html:
    took: timedelta = end - begin
    ends = (el("span", moment(begin)), el("span", f"+ {span(took)}"))
    return el("div", *ends, class_="axis")
