"""The page that shows what became of an accepted file."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from statistics import median

from shared.jobs.answer_counts import Usage
from shared.jobs.model import words_of
from shared.report.files import ask_again, file_list
from shared.report.format import UNKNOWN, count, dollars, moment, number, share, size, span
from shared.report.markup import Html, el, fact_list, heading, page, section, tile
from shared.report.model import JobReport
from shared.report.requests_bar import requests_bar
from shared.report.table_section import table_section
from shared.report.tables import (
    cost_table,
    error_table,
    part_table,
    sample_table,
    skipped_lines,
    wait_table,
)
from shared.report.timeline import timeline


def job_page(report: JobReport) -> bytes:
    """Its size does not depend on the number of requests, parts and models."""
    drawn = timeline(report)
    return page(
        f"{report.source.key}: {words_of(report.state)}",
        _head(report),
        _tiles(report),
        section("Timeline", drawn, _latency(report)) if drawn else None,
        section("Waiting", wait_table(report.waited)) if report.waited else None,
        section("Requests", requests_bar(report)),
        section("Table", *table_section(report.table)) if report.table else None,
        section("Tokens and cost", cost_table(report)),
        section("Top errors", error_table(report.errors)) if report.errors else None,
        section("Ask again", *ask_again(report)) if "retry" in report.files else None,
        section("Sample answers", sample_table(report.samples)) if report.samples else None,
        section("Lines left out", *skipped_lines(report.skipped)) if report.skipped else None,
        section("Parts", *part_table(report.parts)),
        section("Files", *file_list(report)),
        section("About this job", _about(report)),
    )


def _head(report: JobReport) -> Html:
    badge = el("span", words_of(report.state), class_=f"badge {report.state}")
    reason = el("p", report.reason, class_="reason") if report.reason else None
    return el("header", el("p", badge, " Batchdrop report"), heading(report.source.key), reason)


def _tiles(report: JobReport) -> Html:
    counts, used = report.requests, report.usage
    took = _took(report)
    return el(
        "dl",
        tile("Succeeded", share(counts.succeeded, counts.total), _of(report)),
        tile("Cost at OpenAI", _price(report), _unpriced(report)),
        tile("Tokens", _tokens(used), _in_and_out(used)),
        tile("Took", span(took) if took else "–", _pace(report, took)),
        class_="tiles",
    )


def _of(report: JobReport) -> str:
    return f"{number(report.requests.succeeded)} of {number(report.requests.total)} requests"


def _tokens(used: Usage) -> str:
    if used.input_tokens is None or used.output_tokens is None:
        return UNKNOWN
    return number(used.input_tokens + used.output_tokens)


def _in_and_out(used: Usage) -> str:
    if used.input_tokens is None:
        return "no answer states any"
    rest = f"; {number(used.unstated)} answers state none" if used.unstated else ""
    cached = f" ({number(used.cached_tokens)} cached)" if used.cached_tokens else ""
    return f"{number(used.input_tokens)} in{cached}, {count(used.output_tokens)} out{rest}"


def _price(report: JobReport) -> str:
    return UNKNOWN if report.cost.usd is None else dollars(report.cost.usd)


def _unpriced(report: JobReport) -> str:
    if report.cost.usd is None:
        return "prices or tokens are not known"
    without, unstated = report.cost.unpriced_models, report.usage.unstated
    if without:
        return f"without {number(without)} model(s) of unknown price"
    return f"without {number(unstated)} answers" if unstated else "at batch prices"


def _took(report: JobReport) -> timedelta | None:
    begin, end = report.times.get("checking"), report.times.get(report.state)
    return end - begin if begin and end else None


def _pace(report: JobReport, took: timedelta | None) -> str:
    """Of requests that were answered: what a cancel left undone was not done fast."""
    answered = report.requests.answered
    if not took or not answered or took < timedelta(seconds=1):
        return "from the drop to the results"
    return f"{number(round(answered / took.total_seconds() * 60))} answers a minute"


def _latency(report: JobReport) -> Html | None:
    """How long batches took at OpenAI; single requests have no times."""
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
        return el("p", f"{each} was at OpenAI for {longest}.")
    middle = median(each.total_seconds() for each in spent)
    typical = f"Batches were at OpenAI for {span(timedelta(seconds=middle))} in the median"
    return el("p", f"{typical}, {shortest} to {longest}.")


def _about(report: JobReport) -> Html:
    source = report.source
    facts: list[tuple[str, object]] = [
        ("Job", el("code", report.job_id)),
        ("Dropped as", el("code", f"s3://{source.bucket}/{source.key}")),
        ("Version", el("code", source.version)) if source.version else ("Version", "–"),
        ("Size", size(source.size)),
        *(
            (name.replace("_", " ").capitalize(), moment(at))
            for name, at in _in_order(report.times)
        ),
        *((name.replace("_", " ").capitalize(), each) for name, each in _options(report)),
        *(("Note", each) for each in report.notes),
    ]
    return fact_list(facts)


def _titled(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _in_order(times: dict[str, datetime]) -> list[tuple[str, datetime]]:
    return sorted(times.items(), key=lambda each: each[1])


def _options(report: JobReport) -> Iterator[tuple[str, str]]:
    """As they applied; metadata pair by pair."""
    for name, value in report.options.model_dump().items():
        if name != "metadata" and value is not None:
            yield name, {True: "yes", False: "no"}.get(value, str(value))
    for name, value in report.options.metadata.items():
        yield f"metadata {name}", value
