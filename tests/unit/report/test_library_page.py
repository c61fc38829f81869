"""report.html of a library: what answers, what does not, and what to do about it."""

import pytest

from shared.report.library_page import library_page
from tests.support.pages import HOSTILE_LIBRARY, library_documents, library_report
from tests.support.records import NOW


def text(**changes: object) -> str:
    return library_page(*library_report(library_documents(), **changes)).decode()


def test_page_says_what_failed_and_what_to_do() -> None:
    shown = text()

    assert "broken.pdf" in shown
    assert "invalid_file: The file could not be read." in shown
    assert "correct the document and drop it again" in shown
    assert shown.index("broken.pdf") < shown.index("guide 0.md")
    assert "3 of 4" in shown
    assert "library:handbook" in shown


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, "in sync"),
        ({"in_sync": False}, "indexing"),
        ({"in_sync": False, "reason": "HTTP 401", "waiting_since": NOW}, "waiting"),
    ],
)
def test_page_says_how_the_library_is(changes: dict[str, object], state: str) -> None:
    shown = text(**changes)

    assert f"<title>handbook: {state}</title>" in shown
    assert str(changes.get("reason", "")) in shown


def test_page_of_many_documents_stays_short() -> None:
    few, many = (
        len(library_page(*library_report(library_documents(number)))) for number in (200, 20_000)
    )

    assert many < few + 2_000


def test_nothing_gets_in_unescaped() -> None:
    shown = library_page(*HOSTILE_LIBRARY).decode()

    assert "<script" not in shown
    assert "onload=x" not in shown or "&#x27; onload=x" in shown
    assert "\x1b" not in shown
