"""The page of a dry run: what the file would cost."""

from collections.abc import Iterator

from shared.report.files import file_link
from shared.report.format import UNKNOWN, count, dollars, moment, number
from shared.report.markup import Html, el, fact_list, heading, page, section, table, tile
from shared.report.model import Estimated, EstimateReport, ModelEstimateReport
from shared.report.problem_table import more
from shared.report.tables import repeated, skipped_lines

MODELS = 20  # shown; report.json beside the page has all


def estimated_page(report: Estimated) -> bytes:
    found = report.estimate
    badge = el("span", report.state, class_="badge")
    told = "Nothing was sent to OpenAI: the option dry-run asked for the price alone."
    header = el(
        "header",
        el("p", badge, " Batchdrop report"),
        heading(report.source.key),
        el("p", told, class_="reason"),
    )
    tiles = el(
        "dl",
        tile("Expected", money(found.expected_usd), unpriced(found)),
        tile("At most", money(found.at_most_usd), _limit(found)),
        tile("Requests", number(report.requests), f"in {number(report.parts)} part(s)"),
        tile("For 1,000 requests", _each(report), "expected"),
        class_="tiles",
    )
    return page(
        f"{report.source.key}: {report.state}",
        header,
        tiles,
        section("By model", *by_model(found)),
        section("Lines left out", *skipped_lines(report.skipped)) if report.skipped else None,
        section("About this file", _about(report)),
    )


def by_model(found: EstimateReport) -> Iterator[Html | None]:
    """What each may use, the dearest first."""
    dearest = sorted(found.by_model.items(), key=lambda each: -(each[1].expected_usd or 0))
    tokens = ("#Input tokens (at most)", "#Output tokens (at most)")
    columns = ("Model", "#Requests", *tokens, "#Expected", "#At most")
    yield table(columns, [_model(*each) for each in dearest[:MODELS]])
    yield more(len(dearest), MODELS)
    if found.learnt_from:
        since = f"learnt from {number(found.learnt_from)} part(s) that landed lately"
    else:
        since = "nothing of these models has landed yet, so bytes alone say it"
    yield el("p", f"Expected: {since}. Tools and searches cost extra.", class_="note")


def _model(name: str, each: ModelEstimateReport) -> tuple[object, ...]:
    return (
        name,
        number(each.requests),
        f"{number(each.input_tokens)} ({number(each.input_tokens_at_most)})",
        f"{number(each.output_tokens)} ({count(each.output_tokens_at_most)})",
        money(each.expected_usd),
        money(each.at_most_usd),
    )


def money(usd: float | None) -> str:
    return UNKNOWN if usd is None else dollars(usd)


def unpriced(found: EstimateReport) -> str:
    without = len(found.unpriced_models)
    return f"without {number(without)} model(s) of unknown price" if without else "at batch prices"


def _limit(found: EstimateReport) -> str:
    if found.unbounded_requests:
        return f"{number(found.unbounded_requests)} requests set no limit to their answer"
    return "every request limits its answer"


def _each(report: Estimated) -> str:
    usd = report.estimate.expected_usd
    return UNKNOWN if usd is None else dollars(usd / report.requests * 1_000)


def _about(report: Estimated) -> Html:
    source = report.source
    facts: list[tuple[str, object]] = [
        ("Job", el("code", report.job_id)),
        ("Dropped as", el("code", f"s3://{source.bucket}/{source.key}")),
        ("Estimated", moment(report.estimated_at)),
        *([("Asked twice or more", repeated(report.repeated))] if report.repeated else []),
        *(("Note", each) for each in report.notes),
        ("Machine-readable", file_link(report.bucket, report.files["report"])),
    ]
    return fact_list(facts)
