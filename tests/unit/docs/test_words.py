"""README and the pages of docs/ use the trade's words, not those of a picture of ours."""

import re
from pathlib import Path

import pytest

from tests.unit.docs.pages import PAGES, prose

# Words a stranger would have to ask about, as they were once used here.
OURS_ALONE = re.compile(
    r"\b(bells?|tend(s|ed|ing)?|desks?|pagers?|letters|shelves?|shelved?|shelf|doors?|rings?|rang|rung"
    r"|somebody is told|is told (once|with|of|after))\b",
    re.IGNORECASE,
)
ALLOWED = re.compile(
    r"dead letters|dead-letters?|spoke of bells, doors, desks, shelves and letters"
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_has_no_word_that_a_stranger_must_ask_about(page: Path) -> None:
    text = ALLOWED.sub("", prose(page))

    assert [found[0] for found in OURS_ALONE.finditer(text)] == []
