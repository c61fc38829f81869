"""report.html in a real browser: quiet, alone, and no wider than a phone."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from shared.report.job_page import job_page
from shared.report.library_page import library_page
from shared.report.rejected_page import rejected_page
from tests.support.pages import (
    HOSTILE,
    HOSTILE_LIBRARY,
    hostile_report,
    job_report,
    library_documents,
    library_report,
    many_parts,
    rejection_report,
)
from tests.unit.report.test_pages import HOSTILE_PROBLEM

PAGES = {
    "a job": job_page(job_report()),
    "hostile texts": job_page(hostile_report()),
    "thousands of parts": job_page(many_parts()),
    "a refused file": rejected_page(rejection_report(HOSTILE_PROBLEM)),
    "a library": library_page(*library_report(library_documents())),
    "a library of hostile texts": library_page(*HOSTILE_LIBRARY),
    "a library of thousands": library_page(*library_report(library_documents(5_000))),
}
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = [  # no sandbox as root, and no calls of its own to the outside
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]
# Elements that reach beyond the window, but for what is hidden from sight on purpose.
TOO_WIDE = """() => [...document.body.querySelectorAll("*")]
    .filter(each => !each.closest("thead") && each.getBoundingClientRect().right > innerWidth + 0.5)
    .map(each => each.outerHTML.slice(0, 200))"""
# WCAG's contrast of each text with what lies behind it; 4.5 is AA.
PALE = """() => {
    const part = c => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
    const light = text => {
        const [r, g, b] = text.match(/[\\d.]+/g).map(Number)
        return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b)
    }
    const behind = each => {
        const found = getComputedStyle(each).backgroundColor
        return found === "rgba(0, 0, 0, 0)" ? behind(each.parentElement) : found
    }
    const contrast = each => {
        const [a, b] = [light(getComputedStyle(each).color), light(behind(each))]
        return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
    }
    return [...document.body.querySelectorAll("*")]
        .filter(each => [...each.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
        .filter(each => !each.closest("svg") && contrast(each) < 4.5)
        .map(each => each.outerHTML.slice(0, 200))
}"""

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("browser")]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("Chromium or Chrome is needed; on Debian: apt install chromium")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=found, args=QUIET)
        yield browser
        browser.close()


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (360, "dark"), (1_100, "dark")])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_quietly_asks_for_nothing_and_fits(
    browser: Browser, tmp_path: Path, name: str, width: int, scheme: str
) -> None:
    file = tmp_path / "report.html"
    file.write_bytes(PAGES[name])
    context = browser.new_context(
        viewport={"width": width, "height": 740},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.on("request", lambda request: asked.append(request.url))

    page.goto(file.as_uri())

    assert said == []
    assert asked == [file.as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(TOO_WIDE) == []
    assert page.evaluate(PALE) == []
    assert page.evaluate("document.querySelectorAll('h1').length") == 1
    context.close()


def test_a_page_that_misbehaves_is_noticed(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    script = b"<body><script>alert(1)</script><img src=http://127.0.0.1:9/x>"
    file.write_bytes(PAGES["a job"].replace(b"<body>", script))
    context = browser.new_context()
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))

    page.goto(file.as_uri())

    assert len(said) == 2
    assert all("Content Security Policy" in each for each in said)
    assert HOSTILE not in page.content()
    context.close()
