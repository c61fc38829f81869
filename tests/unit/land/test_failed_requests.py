"""Lines are picked by their numbers, wherever blocks are cut."""

import io
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from functions.land.failed_requests import picked
from shared.batchfile.lines import Block, blocks
from tests.support.splits import bounded


@bounded
@given(
    st.lists(st.binary(max_size=5).filter(lambda line: b"\n" not in line), min_size=1),
    st.sets(st.integers(1, 30)),
    st.integers(1, 9),
)
def test_lines_are_picked_by_their_numbers_however_they_are_cut(
    lines: list[bytes], wanted: set[int], size: int
) -> None:
    numbers = sorted(each for each in wanted if each <= len(lines))
    cut = [lines[at : at + size] for at in range(0, len(lines), size)]
    found = [Block(0, b"\n".join(each)) for each in cut]

    assert list(picked(found, iter(numbers))) == [lines[n - 1] + b"\n" for n in numbers]


def test_a_file_is_read_no_further_than_the_last_wanted_line() -> None:
    source = io.BytesIO(b"x" * 100 + b"\n" + b"y" * (10 << 20))

    assert list(picked(blocks(source, 1 << 30), iter([1]))) == [b"x" * 100 + b"\n"]
    assert source.tell() < 1 << 20


def test_memory_does_not_grow_with_the_file_or_with_what_failed() -> None:
    found = (Block(0, b"\n".join([b"x" * 200] * 1_000)) for _ in range(400))
    tracemalloc.start()

    size = sum(map(len, picked(found, iter(range(1, 400_001)))))

    assert size == 400_000 * 201
    assert tracemalloc.get_traced_memory()[1] < 2 << 20
    tracemalloc.stop()
