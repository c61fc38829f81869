"""The tables of a report's page: costs, errors, problems, parts."""

from collections.abc import Iterator
from datetime import timedelta

from shared.jobs.answer_counts import ErrorGroup
from shared.report.format import UNKNOWN, count, dollars, number, share, size, span
from shared.report.markup import Html, el, fact_list, joined, table
from shared.report.model import BudgetReport, JobReport, PartReport, RepeatedReport, Skipped, Wait
from shared.report.problem_table import more, problem_table
from shared.report.samples import Sample

# How many rows a table shows; report.json beside the page has all.
PARTS, MODELS, ERRORS, PROBLEMS = 20, 20, 10, 20
GOOD = frozenset({"completed"})


def cost_table(report: JobReport) -> Html:
    by_cost = sorted(
        report.usage_by_model,
        key=lambda model: (report.cost.by_model[model].usd or 0, model),
        reverse=True,
    )
    rows = [_model(report, each) for each in by_cost[:MODELS]]
    columns = ("Model", "#Input tokens", "#Cached", "#Output tokens", "#$ a million", "#Cost")
    note = (
        f"{report.cost.prices}. Cached tokens are a part of the input; $ a million is for input, "
        "cached input and output. The extra price of very long prompts is not included."
    )
    if not rows:
        return el("p", "No answer states any tokens.")
    shown = (table(columns, rows), more(len(by_cost), MODELS), fact_list(_money(report)))
    return joined((*shown, el("p", note, class_="note")))


def _money(report: JobReport) -> Iterator[tuple[str, object]]:
    """As people compare it: with what was expected, with other jobs."""
    usd, found = report.cost.usd, report.estimate
    if found and found.expected_usd is not None:
        most = "" if found.at_most_usd is None else f", at most {dollars(found.at_most_usd)}"
        yield "Expected", f"{dollars(found.expected_usd)}{most}{_off(usd, found.expected_usd)}"
    else:
        yield "Expected", f"{number(report.estimated_prompt_tokens)} prompt tokens"
    if report.repeated:
        yield "Asked twice or more", repeated(report.repeated)
    if usd is not None:
        yield from _shares(report, usd)


def _shares(report: JobReport, usd: float) -> Iterator[tuple[str, object]]:
    if report.requests.answered:
        yield "For 1,000 answers", dollars(usd / report.requests.answered * 1_000)
    if report.usage.cached_tokens and report.usage.input_tokens:
        yield (
            "Cached",
            f"{share(report.usage.cached_tokens, report.usage.input_tokens)} of the input",
        )
    if report.budget:
        yield f"Taken of {report.budget.month}", _taken(report.budget)
    if report.retries_usd:
        again = f"{dollars(report.retries_usd)} ({share(report.retries_usd, usd)})"
        yield "Sent again", again


def repeated(found: RepeatedReport) -> str:
    told = f"{number(found.requests)} requests ask what another asks"
    worth = "" if found.usd is None else dollars(found.usd)
    if found.asked:
        less = f"they would have cost {worth} less" if worth else "less would have been asked"
        return f"{told}; with duplicates=once {less}"
    return f"{told}, and got its answer" + (f": that saved {worth}" if worth else "")


def _taken(budget: BudgetReport) -> str:
    used = dollars(budget.used_usd)
    if budget.limit_usd is None:
        return used
    return f"{used} of {dollars(budget.limit_usd)} ({share(budget.used_usd, budget.limit_usd)})"


def _off(usd: float | None, expected: float) -> str:
    """How far the estimate was off."""
    if usd is None or not expected:
        return ""
    percent = round((usd / expected - 1) * 100)
    if not percent:
        return "; it cost as much"
    return f"; it cost {abs(percent):,} % {'more' if percent > 0 else 'less'}"


def _model(report: JobReport, model: str) -> tuple[object, ...]:
    used, cost = report.usage_by_model[model], report.cost.by_model[model]
    rate: object = "price not known"
    if cost.usd_per_million_input is not None:
        rates = (
            cost.usd_per_million_input,
            cost.usd_per_million_cached,
            cost.usd_per_million_output,
        )
        rate = " / ".join(f"{each:g}" for each in rates)
    paid = UNKNOWN if cost.usd is None else dollars(cost.usd)
    tokens = (used.input_tokens, used.cached_tokens, used.output_tokens)
    return (model, *map(count, tokens), rate, paid)


def error_table(groups: list[ErrorGroup]) -> Html:
    rows = [
        (
            number(each.count),
            el("code", each.code),
            each.message,
            joined((el("code", each.example_custom_id), f" (line {number(each.example_line)})")),
        )
        for each in groups[:ERRORS]
    ]
    shown = table(("#Requests", "Code", "Message", "Example"), rows)
    return joined((shown, more(len(groups), ERRORS)))


def wait_table(waits: list[Wait]) -> Html:
    rows = [
        (each.reason, span(timedelta(seconds=each.seconds)), number(each.parts)) for each in waits
    ]
    return table(("Waited for", "#At most", "#Parts"), rows)


def sample_table(samples: list[Sample]) -> Html:
    rows = [(number(each.line), el("code", each.custom_id), each.answer) for each in samples]
    return table(("#Line", "Request", "Answer"), rows)


def skipped_lines(skipped: Skipped) -> Iterator[Html | None]:
    yield el("p", f"{number(skipped.lines)} lines had {number(skipped.problems_total)} problems.")
    yield problem_table(skipped.problems[:PROBLEMS])
    yield more(skipped.problems_total, PROBLEMS)


def part_table(parts: list[PartReport]) -> Iterator[Html | None]:
    """Parts that did not complete come first."""
    odd_first = sorted(parts, key=lambda each: (each.batch_status in GOOD, each.part))
    columns = ("Part", "Model and endpoint", "#Requests", "#Done / failed", "#Size", "Ended as")
    yield el("p", _sorts(parts), class_="note")
    yield table((*columns, "Batch"), [_part(each) for each in odd_first[:PARTS]])
    yield more(len(parts), PARTS)


def _sorts(parts: list[PartReport]) -> str:
    """How many parts there are, and why there are more than the file was cut into."""
    retries = sum(each.attempt > 1 for each in parts)
    replaced = sum(each.split_again for each in parts)
    found = ((retries, "to try requests again"), (replaced, "split into smaller ones"))
    also = ", ".join(f"{number(n)} {what}" for n, what in found if n)
    whole = "1 part" if len(parts) == 1 else f"{number(len(parts))} parts"
    return f"{whole} ({also})" if also else whole


def _part(part: PartReport) -> tuple[object, ...]:
    status = "split again" if part.split_again else part.batch_status or "no batch"
    reason = el("small", part.reason) if part.reason else None
    return (
        part.title,
        joined((part.model, " ", el("small", part.endpoint))),
        number(part.requests),
        f"{number(part.done)} / {number(part.failed)}",
        size(part.bytes),
        joined((status, " ", reason)),
        el("code", part.batch_id) if part.batch_id else "–",
    )
