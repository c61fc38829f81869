"""What became of an accepted file, as a page to look at."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from statistics import median
from urllib.parse import quote

from shared.jobs.results import ErrorGroup
from shared.problems import Problem
from shared.report.format import dollars, moment, number, share, size, span
from shared.report.markup import Html, el, joined, page, section, table
from shared.report.model import JobReport, PartReport, Skipped
from shared.report.timeline import WIDTH, legend, timeline

# How many rows a table shows; report.json beside the page has all.
PARTS, MODELS, ERRORS, PROBLEMS, FILES = 20, 20, 10, 20, 20
GROUPS_DRAWN = 5  # kinds of failures with a colour of their own
GOOD = frozenset({"completed"})


def job_page(report: JobReport) -> bytes:
    """Always about as long, however many requests, parts and models the job had."""
    drawn = timeline(report)
    return page(
        f"{report.source.key}: {report.state}",
        _head(report),
        _tiles(report),
        section("Timeline", drawn, _latency(report)) if drawn else None,
        section("Requests", _requests(report)),
        section("Tokens and cost", _cost(report)),
        section("Top errors", _errors(report.errors)) if report.errors else None,
        section("Lines left out", *_skipped(report.skipped)) if report.skipped else None,
        section("Parts", *_parts(report.parts)),
        section("Files", *_files(report)),
        section("About this job", _about(report)),
    )


def _head(report: JobReport) -> Html:
    badge = el("span", report.state, class_=f"badge {report.state}")
    reason = el("p", report.reason, class_="reason") if report.reason else None
    name = report.source.key.rsplit("/", 1)[-1]
    return el("header", el("p", badge, " Batchdrop report"), el("h1", name), reason)


def _tiles(report: JobReport) -> Html:
    counts, used = report.requests, report.usage
    took = _took(report)
    return el(
        "dl",
        _tile("Succeeded", share(counts.succeeded, counts.total), _of(report)),
        _tile("Cost at OpenAI", _price(report), _unpriced(report)),
        _tile(
            "Tokens",
            number(used.input_tokens + used.output_tokens),
            f"{number(used.input_tokens)} in, {number(used.output_tokens)} out",
        ),
        _tile("Took", span(took) if took else "–", _pace(report, took)),
        class_="tiles",
    )


def _tile(name: str, value: str, more: str) -> Html:
    return el("div", el("dt", name), el("dd", value), el("dd", more, class_="more"))


def _of(report: JobReport) -> str:
    return f"{number(report.requests.succeeded)} of {number(report.requests.total)} requests"


def _price(report: JobReport) -> str:
    if report.usage_by_model and report.cost.unpriced_models == len(report.usage_by_model):
        return "not known"
    return dollars(report.cost.usd)


def _unpriced(report: JobReport) -> str:
    without = report.cost.unpriced_models
    return f"without {number(without)} model(s) of unknown price" if without else "at batch prices"


def _took(report: JobReport) -> timedelta | None:
    begin, end = report.times.get("checking"), report.times.get(report.state)
    return end - begin if begin and end else None


def _pace(report: JobReport, took: timedelta | None) -> str:
    if not took or report.requests.total < 1 or took < timedelta(seconds=1):
        return "from the drop to the results"
    return f"{number(round(report.requests.total / took.total_seconds() * 60))} requests a minute"


def _latency(report: JobReport) -> Html | None:
    """How long batches took at OpenAI; of single requests it says nothing."""
    spent = [
        each.times["ended"] - each.times["submitted"]
        for each in report.parts
        if "submitted" in each.times and "ended" in each.times
    ]
    if not spent:
        return None
    shortest, longest = span(min(spent)), span(max(spent))
    if shortest == longest:
        each = "The batch" if len(spent) == 1 else "Each batch"
        return el("p", f"{each} was {longest} at OpenAI.")
    middle = median(each.total_seconds() for each in spent)
    said = f"Batches were {span(timedelta(seconds=middle))} at OpenAI in the median"
    return el("p", f"{said}, {shortest} to {longest}.")


def _requests(report: JobReport) -> Html:
    """One bar of all requests, and in words what its colours are."""
    counts = report.requests
    told = [("good", "succeeded", counts.succeeded), *_failures(report)]
    entries = [
        (colour, f"{number(n)} {said} ({share(n, counts.total)})") for colour, said, n in told if n
    ]
    more = []
    if counts.retried:
        more.append(f"{number(counts.retried)} were asked again at least once.")
    if counts.skipped:
        more.append(f"{number(counts.skipped)} bad lines were left out before.")
    if report.extra_answers:
        more.append(f"{number(report.extra_answers)} answers belonged to no request: kept aside.")
    bar = _stacked([(colour, n) for colour, _, n in told], counts.total)
    return joined((bar, legend(entries), el("p", " ".join(more)) if more else None))


def _failures(report: JobReport) -> Iterator[tuple[str, str, int]]:
    first, rest = report.errors[:GROUPS_DRAWN], report.errors[GROUPS_DRAWN:]
    for n, group in enumerate(first, 1):
        yield f"bad{n}", f"failed: {group.code}", group.count
    left = sum(each.count for each in rest)
    yield "bad5", f"failed otherwise, in {number(len(rest))} ways", left


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
        aria_label="Requests by what became of them; the list below says it in words",
    )


def _cost(report: JobReport) -> Html:
    by_cost = sorted(
        report.usage_by_model,
        key=lambda model: (report.cost.by_model[model].usd or 0, model),
        reverse=True,
    )
    rows = [_model(report, each) for each in by_cost[:MODELS]]
    columns = ("Model", "#Input tokens", "#Output tokens", "#$ a million, in / out", "#Cost")
    said = (
        f"{report.cost.prices}. Input that was cached counts in full, and what very long prompts "
        f"cost extra is not counted. At intake {number(report.estimated_prompt_tokens)} prompt "
        "tokens were estimated."
    )
    if not rows:
        return el("p", "No answer stated any tokens.")
    return joined((table(columns, rows), _more(len(by_cost), MODELS), el("p", said, class_="note")))


def _model(report: JobReport, model: str) -> tuple[object, ...]:
    used, cost = report.usage_by_model[model], report.cost.by_model[model]
    rate: object = "price not known"
    if cost.usd_per_million_input is not None:
        rate = f"{cost.usd_per_million_input:g} / {cost.usd_per_million_output:g}"
    paid = "–" if cost.usd is None else dollars(cost.usd)
    return (model, number(used.input_tokens), number(used.output_tokens), rate, paid)


def _errors(groups: list[ErrorGroup]) -> Html:
    rows = [
        (
            number(each.count),
            el("code", each.code),
            each.message,
            joined((el("code", each.example_custom_id), f" (line {number(each.example_line)})")),
        )
        for each in groups[:ERRORS]
    ]
    shown = table(("#Requests", "Code", "What was said", "Such as"), rows)
    return joined((shown, _more(len(groups), ERRORS)))


def _skipped(skipped: Skipped) -> Iterator[Html | None]:
    yield el("p", f"{number(skipped.lines)} lines had {number(skipped.problems_total)} problems.")
    yield problem_table(skipped.problems[:PROBLEMS])
    yield _more(skipped.problems_total, PROBLEMS)


def problem_table(problems: list[Problem]) -> Html:
    rows = [
        (
            number(each.line) if each.line else "file",
            joined((el("code", each.code), f" {each.param}" if each.param else None)),
            each.message,
            each.remedy,
        )
        for each in problems
    ]
    return table(("#Line", "Problem", "What is wrong", "What to do"), rows)


def _parts(parts: list[PartReport]) -> Iterator[Html | None]:
    """Those that did not simply complete come first."""
    odd_first = sorted(parts, key=lambda each: (each.batch_status in GOOD, each.part))
    columns = ("Part", "Model and endpoint", "#Requests", "#Size", "Ended as", "Batch")
    yield table(columns, [_part(each) for each in odd_first[:PARTS]])
    yield _more(len(parts), PARTS)


def _part(part: PartReport) -> tuple[object, ...]:
    again = f", attempt {part.attempt}" if part.attempt > 1 else ""
    status = "cut again" if part.cut_again else part.batch_status or "no batch"
    reason = el("small", part.reason) if part.reason else None
    return (
        f"{part.part}{again}",
        joined((part.model, " ", el("small", part.endpoint))),
        number(part.requests),
        size(part.bytes),
        joined((status, " ", reason)),
        el("code", part.batch_id) if part.batch_id else "–",
    )


def _files(report: JobReport) -> Iterator[Html | None]:
    """Links beside this page: they work in a folder, and wherever the keys are served."""
    keys = [key for name, key in report.files.items() if name != "page"]
    names = [key.rsplit("/", 1)[-1] for key in keys]
    links = (el("li", el("a", name, href=quote(name))) for name in names[:FILES])
    yield el("ul", *links, class_="files")
    yield _more(len(names), FILES)


def _about(report: JobReport) -> Html:
    source = report.source
    told: list[tuple[str, object]] = [
        ("Job", el("code", report.job_id)),
        ("Dropped as", el("code", f"s3://{source.bucket}/{source.key}")),
        ("Version", el("code", source.version)) if source.version else ("Version", "–"),
        ("Size", size(source.size)),
        *((name.capitalize(), moment(at)) for name, at in _in_order(report.times)),
        *((name.replace("_", " ").capitalize(), each) for name, each in _options(report)),
        *(("Note", each) for each in report.notes),
    ]
    return el("dl", *(el("div", el("dt", a), el("dd", b)) for a, b in told), class_="facts")


def _in_order(times: dict[str, datetime]) -> list[tuple[str, datetime]]:
    return sorted(times.items(), key=lambda each: each[1])


def _options(report: JobReport) -> Iterator[tuple[str, str]]:
    """As they were in force; metadata pair by pair."""
    for name, value in report.options.model_dump().items():
        if name != "metadata":
            yield name, {True: "yes", False: "no"}.get(value, str(value))
    for name, value in report.options.metadata.items():
        yield f"metadata {name}", value


def _more(number_of_all: int, shown: int) -> Html | None:
    if number_of_all <= shown:
        return None
    words = f"The first {number(shown)} of {number(number_of_all)}; all are told in "
    return el("p", words, el("a", "report.json", href="report.json"), ".", class_="note")
