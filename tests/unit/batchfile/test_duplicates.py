"""A custom_id that stands twice is a suspect, wherever the two stand; memory stays bounded."""

import io
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from shared.batchfile.duplicates import MOST_SUSPECTS, DuplicateFinder, FirstUses
from tests.support.splits import bounded

blocks = st.lists(st.lists(st.integers(0, 40).map(str), max_size=10), max_size=12)


@bounded
@given(blocks, st.integers(1, 12))
def test_exactly_what_stands_twice_is_suspected_near_or_far(
    blocks: list[list[str]], window: int
) -> None:
    seen = DuplicateFinder(io.BytesIO(), window)
    everything = [each for block in blocks for each in block]

    list(map(seen.add, blocks))

    assert seen.close() == {hash(each) for each in everything if everything.count(each) > 1}


def test_two_that_are_windows_apart_are_found() -> None:
    seen = DuplicateFinder(io.BytesIO(), window=10)

    seen.add(["first"])
    list(map(seen.add, ([f"{n}/{m}" for m in range(10)] for n in range(50))))
    seen.add(["first"])

    assert seen.close() == {hash("first")}


def test_the_hashes_in_memory_are_as_many_as_the_window() -> None:
    seen = DuplicateFinder(io.BytesIO(), window=10_000)
    tracemalloc.start()

    list(map(seen.add, ([f"{n}/{m}" for m in range(1000)] for n in range(200))))
    found = seen.close()

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == set()
    assert peak < 200_000 * 8 + (4 << 20)  # the "disk" of this test, and the window


def test_suspects_are_as_many_as_are_of_use() -> None:
    seen = DuplicateFinder(io.BytesIO(), window=100, most_suspects=5)

    list(map(seen.add, [[str(n) for n in range(150)]] * 3))

    assert len(seen.close()) == 5
    assert MOST_SUSPECTS > 1_000


def test_the_first_line_that_used_a_suspect_is_told() -> None:
    uses = FirstUses({hash("a"), hash("b")})

    found = [uses.first(*each) for each in [("a", 1), ("x", 2), ("x", 3), ("a", 4), ("b", 5)]]

    assert found == [1, 2, 3, 1, 5]


def test_only_suspects_are_of_concern() -> None:
    assert FirstUses({hash("a")}).concern(["b", "a"])
    assert not FirstUses({hash("a")}).concern(["b"])
    assert not FirstUses(set()).concern(["a"])


def test_long_custom_ids_are_told_apart_without_being_kept() -> None:
    one, two = "x" * 1_000_000 + "1", "x" * 1_000_000 + "2"
    uses = FirstUses({hash(one), hash(two)})
    tracemalloc.start()

    found = [uses.first(*each) for each in [(one, 1), (two, 2), (one, 3), (two, 4)]]

    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == [1, 2, 1, 2]
    assert kept < 10_000
