"""report.html: what it says, that nothing gets in unescaped, that it stays short."""

import json
import re
import shlex
from datetime import timedelta
from html import unescape
from html.parser import HTMLParser

import pytest

from shared.jobs.answer_counts import UNKNOWN, Usage
from shared.jobs.options import Options, read_options
from shared.jobs.prices import cost, prices
from shared.problems import Problem, excerpt
from shared.report.format import dollars, share, size, span
from shared.report.job_page import job_page
from shared.report.markup import Html, el
from shared.report.model import total
from shared.report.rejected_page import rejected_page
from shared.report.timeline import phases
from tests.support.pages import (
    HOSTILE,
    HOUR,
    PROBLEM,
    error,
    hostile_report,
    job_report,
    lived,
    many_parts,
    rejection_report,
)
from tests.support.records import NOW, SOURCE

HOSTILE_PROBLEM = Problem(line=1, code=HOSTILE, param=HOSTILE, message=HOSTILE, remedy=HOSTILE)
WE_MAKE = {
    "html",
    "head",
    "meta",
    "link",
    "title",
    "style",
    "body",
    "main",
    "header",
    "section",
    "p",
    "h1",
    "h2",
    "span",
    "div",
    "dl",
    "dt",
    "dd",
    "ul",
    "li",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "code",
    "small",
    "b",
    "i",
    "a",
    "wbr",
    "svg",
    "g",
    "rect",
}


class Reader(HTMLParser):
    """Every element and attribute, as a browser would see them."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


def words(page: bytes) -> str:
    """What a person reads."""
    without_style = re.sub(r"<style>.*?</style>", "", page.decode(), flags=re.DOTALL)
    return unescape(re.sub(r"<[^>]+>", " ", without_style.replace("<wbr>", "")))


def test_job_page_says_what_became_of_the_job() -> None:
    text = words(job_page(job_report()))

    assert "97 of 100 requests" in text
    assert "$1.25" in text
    assert "2,000,000 in, 1,000,000 out" in text
    assert "3 h 0 min" in text
    assert "Each batch was at OpenAI for 1 h 0 min." in text
    assert "3 failed: server_error (3 %)" in text
    assert "q-7" in text
    assert re.search(r"no capacity for gpt-5-mini\s+45 min 0 s\s+3", text)
    assert "2 were retried" in text


def test_job_page_says_which_models_have_no_price() -> None:
    usage = {"mine": Usage(input_tokens=1), "gpt-5-mini": Usage(input_tokens=8_000_000)}

    some, none = (
        words(job_page(job_report(usage_by_model=each)))
        for each in (usage, {"mine": usage["mine"]})
    )

    assert "without 1 model(s) of unknown price" in some
    assert "$1.00" in some
    assert "price not known" in some
    assert "not known" in none
    assert "$0.00" not in none


@pytest.mark.parametrize("known", [True, False])
def test_job_page_says_that_tokens_and_cost_are_not_known(known: bool) -> None:
    usage = {"gpt-5-mini": UNKNOWN.model_copy(update={"unstated": 100})}
    found = cost(usage, prices() if known else None)

    text = words(job_page(job_report(usage_by_model=usage, usage=total(usage), cost=found)))

    assert "no answer states any" in text
    assert "$0" not in text
    assert text.count("not known") >= 4


def test_job_page_shows_cached_tokens_and_answers_without_any() -> None:
    used = Usage(input_tokens=2_000_000, output_tokens=9, cached_tokens=1_500_000, unstated=7)
    usage = {"gpt-5-mini": used}

    text = words(job_page(job_report(usage_by_model=usage, usage=used)))

    assert "2,000,000 in (1,500,000 cached), 9 out; 7 answers state none" in text
    assert "without 7 answers" in text
    assert "0.125 / 0.0125 / 1" in text


def test_job_page_links_the_files_beside_it() -> None:
    links = [value for name, value in Reader(job_page(job_report())).attributes if name == "href"]

    assert links == ["data:,", "results.jsonl", "errors.jsonl", "retry.jsonl"]


@pytest.mark.parametrize(
    "page",
    [job_page(hostile_report()), rejected_page(rejection_report(HOSTILE_PROBLEM))],
    ids=["job", "rejected"],
)
def test_page_shows_hostile_texts_as_text(page: bytes) -> None:
    read = Reader(page)

    assert read.elements <= WE_MAKE
    assert [name for name, _ in read.attributes if name.startswith("on")] == []
    assert all(c.isprintable() or c == "\n" for c in page.decode())
    assert "A" * 400 not in page.decode()
    assert len(page) < 300_000


def test_job_page_of_thousands_of_parts_is_short_and_shows_failures() -> None:
    page = job_page(many_parts())

    assert len(page) < 60_000
    assert "Too long." in words(page)
    assert "The first 20 of 5,000" in words(page)
    assert "5,000 parts; at most 5,000 in progress at once" in words(page)


def test_rejected_page_shows_the_first_problems_and_counts_all() -> None:
    text = words(rejected_page(rejection_report()))

    assert text.count("Do this.") == 50
    assert "1,000 problem(s) on 1,000 of 2,000 lines" in text


def test_job_page_with_many_kinds_of_failures_adds_them_up() -> None:
    text = words(job_page(job_report(errors=[error(f"e{n}", 1) for n in range(8)])))

    assert "4 failed otherwise, in 4 ways" in text


def test_phases_of_a_part_with_missing_times_are_those_known() -> None:
    part = lived(1).model_copy(update={"times": {"waiting": NOW, "ended": NOW + HOUR}})

    assert [(each.words, each.end - each.begin) for each in phases(part)] == [("waits", HOUR)]


def test_job_page_without_times_has_no_timeline() -> None:
    assert "Timeline" not in words(job_page(job_report(times={})))


def test_page_is_headed_by_the_whole_path_of_the_file() -> None:
    deep = SOURCE.model_copy(update={"key": "inbox/team/day 1/a.jsonl"})

    pages = [
        job_page(job_report(source=deep)),
        rejected_page(rejection_report().model_copy(update={"source": deep})),
    ]

    assert all(b"<h1><small>inbox/team/day 1/</small>a.jsonl</h1>" in page for page in pages)
    assert all(b"<title>inbox/team/day 1/a.jsonl: " in page for page in pages)


def test_parts_are_named_as_people_count_with_what_was_done_and_failed() -> None:
    parts = [
        lived(1, done=3, failed=1),
        lived(100_001, attempt=2, done=1, failed=2),
        lived(2, replaced=True),
    ]

    text = words(job_page(job_report(parts=parts)))

    assert "Part 1, second attempt" in text
    assert "100001" not in text
    assert "3 parts (1 to try requests again, 1 split into smaller ones)" in text
    assert "3 / 1" in text
    assert "1 / 2" in text


def test_legend_names_each_thing_once() -> None:
    codes = ["e1", "e2", "e1", "e3", "e4", "e5", "e6", "e5"]
    errors = [error(code, 1, f"text {n}") for n, code in enumerate(codes)]

    page = job_page(job_report(errors=errors)).decode()

    entries = [
        words(entry.encode()).split("(")[0].split(maxsplit=1)[-1].strip()
        for entry in re.findall(r"<li><svg.*?</li>", page)
    ]
    assert len(entries) == len(set(entries))
    assert {"failed: e1", "failed: e5", "failed otherwise, in 2 ways"} <= set(entries)


def test_command_to_ask_again_drops_the_failed_requests_with_their_options() -> None:
    source = SOURCE.model_copy(update={"key": "inbox/a b/it's.jsonl.gz"})
    options = {"max-attempts": 5, "keep-files": True, "metadata": {"team": "R&D"}}

    page = job_page(job_report(source=source, options=options)).decode()

    (command,) = re.findall(r'<code class="command">(.*?)</code>', page)
    _, _, _, retry, target, _, metadata = shlex.split(words(command.encode()))
    assert retry == "s3://data/results/a/j1/retry.jsonl"
    assert target == "s3://in/inbox/a b/it's-retry.jsonl"
    assert read_options(json.loads(metadata)) == (Options.model_validate(options), [])


def test_job_page_without_failures_says_nothing_of_asking_again() -> None:
    whole = job_report(files={"results": "results/a/j1/results.jsonl"})

    assert "Ask again" not in words(job_page(whole))


def test_files_are_shown_with_their_paths_as_links_may_lead_nowhere() -> None:
    text = words(job_page(job_report()))

    assert "s3://data/results/a/j1/errors.jsonl" in text
    assert "copy the s3:// paths" in text
    assert "s3://data/rejected/a/j1/report.json" in words(rejected_page(rejection_report()))


def test_bad_line_is_shown_escaped_and_cut() -> None:
    line = b'{"body": "<b>' + "ü\x1b".encode() * 500
    problem = PROBLEM.model_copy(update={"excerpt": excerpt(line)})

    page = rejected_page(rejection_report(problem, 1))

    (shown,) = re.findall(r'<code class="excerpt">(.*?)</code>', page.decode())
    assert "&lt;b&gt;ü" in shown
    assert len(words(shown.encode())) <= 120 * len(r"\u001b")
    assert "\x1b" not in shown


def test_job_page_counts_answers_a_minute_and_not_what_a_cancel_left() -> None:
    counts = {"total": 100_000, "succeeded": 360, "failed": 99_640, "answered": 360}
    requests = counts | {"retried": 0, "skipped": 0}

    assert "2 answers a minute" in words(job_page(job_report(requests=requests)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("responsibilities completed_with_failures", "responsibilities completed_with_failures"),
        ("batch_67ab12cd34ef56ab78cd90ef", "batch_<wbr>67ab12cd34ef56a<wbr>b78cd90ef"),
        (
            "s3://bucket/results/a/long/path",
            "s3:<wbr>/<wbr>/<wbr>bucket/<wbr>results/<wbr>a/<wbr>long/<wbr>path",
        ),
        ("<" * 26, "&lt;" * 15 + "<wbr>" + "&lt;" * 11),
    ],
)
def test_only_very_long_words_may_be_broken(text: str, expected: str) -> None:
    assert el("p", text) == f"<p>{expected}</p>"


def test_element_escapes_its_contents_once() -> None:
    assert el("p", "<&>", el("b", "x"), title='"') == '<p title="&quot;">&lt;&amp;&gt;<b>x</b></p>'
    assert el("p", Html("<i></i>"), None) == "<p><i></i></p>"


def test_element_spells_out_invisible_characters() -> None:
    assert el("p", "a\n\x1b\u202eb") == r"<p>a\u000a\u001b\u202eb</p>"
    assert len(el("p", "x" * 5_000).replace("<wbr>", "")) == 300 + len("<p></p>")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (share(1, 100_000), "< 0.1 %"),
        (share(99_999, 100_000), "> 99.9 %"),
        (share(0, 0), "–"),
        (share(1, 3), "33.3 %"),
        (dollars(0), "$0.00"),
        (dollars(0.00001), "< $0.0001"),
        (dollars(0.0012), "$0.0012"),
        (dollars(1234.5), "$1,234.50"),
        (span(timedelta(seconds=3.21)), "3.2 s"),
        (span(timedelta(seconds=61)), "1 min 1 s"),
        (span(timedelta(hours=5, minutes=59.5)), "5 h 59 min"),
        (span(timedelta(days=3)), "3 d 0 h"),
        (size(12), "12 bytes"),
        (size(15_045_920), "15.0 MB"),
    ],
)
def test_numbers_are_written_for_people(text: str, expected: str) -> None:
    assert text == expected
