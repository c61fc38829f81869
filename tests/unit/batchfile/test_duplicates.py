"""A custom_id used twice is a suspect, however far apart the two are; memory stays bounded."""

import io
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from shared.batchfile.duplicates import MAX_SUSPECTS, DuplicateFinder, FirstUses
from tests.support.splits import bounded

blocks = st.lists(st.lists(st.integers(0, 40).map(str), max_size=10), max_size=12)


@bounded
@given(blocks, st.integers(1, 12))
def test_suspects_are_exactly_the_custom_ids_used_twice(
    blocks: list[list[str]], window: int
) -> None:
    finder = DuplicateFinder(io.BytesIO(), window)
    everything = [each for block in blocks for each in block]

    list(map(finder.add, blocks))

    assert finder.suspects() == {hash(each) for each in everything if everything.count(each) > 1}


def test_duplicates_many_windows_apart_are_found() -> None:
    finder = DuplicateFinder(io.BytesIO(), window=10)

    finder.add(["first"])
    list(map(finder.add, ([f"{n}/{m}" for m in range(10)] for n in range(50))))
    finder.add(["first"])

    assert finder.suspects() == {hash("first")}


def test_memory_holds_no_more_hashes_than_the_window() -> None:
    finder = DuplicateFinder(io.BytesIO(), window=10_000)
    tracemalloc.start()

    list(map(finder.add, ([f"{n}/{m}" for m in range(1000)] for n in range(200))))
    found = finder.suspects()

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == set()
    assert peak < 200_000 * 8 + (4 << 20)  # the "disk" of this test, and the window


def test_suspects_are_limited_in_number() -> None:
    finder = DuplicateFinder(io.BytesIO(), window=100, max_suspects=5)

    list(map(finder.add, [[str(n) for n in range(150)]] * 3))

    assert len(finder.suspects()) == 5
    assert MAX_SUSPECTS > 1_000


def test_first_uses_names_the_first_line_of_a_suspect() -> None:
    uses = FirstUses({hash("a"), hash("b")})

    found = [uses.first(*each) for each in [("a", 1), ("x", 2), ("x", 3), ("a", 4), ("b", 5)]]

    assert found == [1, 2, 3, 1, 5]


def test_first_uses_concerns_only_suspects() -> None:
    assert FirstUses({hash("a")}).concern(["b", "a"])
    assert not FirstUses({hash("a")}).concern(["b"])
    assert not FirstUses(set()).concern(["a"])


def test_first_uses_tells_long_custom_ids_apart_without_keeping_them() -> None:
    one, two = "x" * 1_000_000 + "1", "x" * 1_000_000 + "2"
    uses = FirstUses({hash(one), hash(two)})
    tracemalloc.start()

    found = [uses.first(*each) for each in [(one, 1), (two, 2), (one, 3), (two, 4)]]

    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == [1, 2, 1, 2]
    assert kept < 10_000
