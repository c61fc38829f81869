"""The page that says why a file was rejected."""

from collections.abc import Iterator

from shared.report.files import file_link
from shared.report.format import moment, number
from shared.report.markup import Html, el, fact_list, heading, page, section, table
from shared.report.model import Rejected
from shared.report.problem_table import problem_table

PROBLEMS = 50  # on the page; report.json has the first 1,000
CODES = 30


def rejected_page(report: Rejected) -> bytes:
    badge = el("span", report.state, class_=f"badge {report.state}")
    return page(
        f"{report.source.key}: {report.state}",
        el(
            "header",
            el("p", badge, " Batchdrop report"),
            heading(report.source.key),
            _summary(report),
        ),
        section("Problems by kind", _by_code(report)),
        section("Problems", *_problems(report)),
        section("About this file", _about(report)),
    )


def _summary(report: Rejected) -> Html:
    what = f"{number(report.problems_total)} problem(s)"
    where = f" on {number(report.bad_lines)} of {number(report.lines)} lines"
    rest = ". Nothing was sent to OpenAI, and nothing has to be paid."
    return el("p", what + (where if report.bad_lines else "") + rest)


def _by_code(report: Rejected) -> Html:
    most = sorted(report.problems_by_code.items(), key=lambda each: -each[1])[:CODES]
    return table(("Problem", "#Times"), [(el("code", code), number(n)) for code, n in most])


def _problems(report: Rejected) -> Iterator[Html | None]:
    yield problem_table(report.problems[:PROBLEMS])
    if report.problems_total > PROBLEMS:
        words = f"The first {PROBLEMS} of {number(report.problems_total)}; more are in "
        yield el("p", words, el("a", "report.json", href="report.json"), ".", class_="note")


def _about(report: Rejected) -> Html:
    source = report.source
    facts: list[tuple[str, object]] = [
        ("Job", el("code", report.job_id)),
        ("Dropped as", el("code", f"s3://{source.bucket}/{source.key}")),
        (report.state.title(), moment(report.rejected_at)),
        *((f"Option {name}", value) for name, value in list(report.options.items())[:30]),
        *(("Note", each) for each in report.notes),
        ("Machine-readable", file_link(report.bucket, report.files["report"])),
    ]
    return fact_list(facts)
