"""The table of deliberate mistakes fits the code as it is."""

from pathlib import Path

import pytest

from tests.mutations.row import Row
from tests.mutations.table import ROWS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("row", ROWS, ids=[f"{row.file}: {row.what}" for row in ROWS])
def test_mistake_can_be_made_in_one_place_and_its_tests_exist(row: Row) -> None:
    right = (ROOT / row.file).read_text()
    assert row.applied(right) not in {None, right}
    files = [each for each in row.tests.split() if each.startswith("tests/")]
    assert files
    assert all((ROOT / each).exists() for each in files)


def test_no_mistake_is_in_the_table_twice() -> None:
    assert len({(row.file, row.old, row.new, row.after) for row in ROWS}) == len(ROWS)
