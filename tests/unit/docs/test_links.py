"""README and the pages of docs/ lead to what is there."""

import re
from pathlib import Path

import pytest

from local.paths import ROOT
from local.template import read_template
from tests.unit.docs.pages import PAGES, PLACEHOLDER, anchors, fences, links, prose, read, spans

README = ROOT / "README.md"
MOST_BYTES = 10_000
OURS = ("functions", "shared", "local", "tests", "events", "docs", ".github", ".ci")
OUTPUT = re.compile(r"(?:[A-Z][a-z]+){2,}")  # how the stack's outputs are written

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def _is_there(path: str) -> bool:
    """A file or folder of the checkout; a pattern, if one fits it."""
    return any(ROOT.glob(path.rstrip("/"))) if "*" in path else (ROOT / path).exists()


def _paths(page: Path) -> list[str]:
    """What is written as a path of ours; what has a placeholder in it is none."""
    written = [each for each in spans(page) if re.fullmatch(r"[\w./*-]+", each)]
    return [each for each in written if "/" in each and each.split("/")[0] in OURS]


def test_the_readme_fits_on_a_page() -> None:
    assert len(README.read_bytes()) <= MOST_BYTES


def test_the_readmes_request_is_a_line_of_the_sample() -> None:
    (shown,) = [each.text for each in fences(README) if each.language == "json"]

    assert shown in (ROOT / "events" / "sample.jsonl").read_text()


def test_every_page_is_in_the_readmes_index() -> None:
    linked = {link.partition("#")[0] for link in links(README)}

    assert {str(page.relative_to(ROOT)) for page in PAGES} - linked <= {"README.md"}


@pages
def test_a_link_leads_to_a_file_and_a_heading_that_exist(page: Path) -> None:
    broken = []
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        is_here = "://" in link or target.exists()
        if not is_here or (anchor and "://" not in link and anchor not in anchors(target)):
            broken.append(link)

    assert broken == []


@pages
def test_a_path_that_is_named_exists(page: Path) -> None:
    assert [path for path in _paths(page) if not _is_there(path)] == []


@pages
def test_a_name_in_angle_brackets_like_an_output_is_one(page: Path) -> None:
    texts = [*(fence.text for fence in fences(page)), *spans(page)]
    named = {name for text in texts for name in PLACEHOLDER.findall(text)}

    assert {name for name in named if OUTPUT.fullmatch(name)} <= set(read_template()["Outputs"])


@pages
def test_a_page_has_one_title_and_closes_its_blocks(page: Path) -> None:
    assert read(page).startswith("# ")
    assert len(re.findall(r"(?m)^# ", prose(page))) == 1
    assert "```" not in prose(page)
