"""Parts that follow one another share a stream."""

from itertools import chain, pairwise

from hypothesis import given
from hypothesis import strategies as st

from functions.land.merge import chained
from shared.jobs.part import Part
from tests.support.records import part
from tests.support.splits import bounded

spans = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 30)), max_size=15)


def parts(spans: list[tuple[int, int]]) -> list[Part]:
    return [
        part(number=number, first_line=first, last_line=first + more)
        for number, (first, more) in enumerate(spans, 1)
    ]


def numbers(chains: list[list[Part]]) -> list[list[int]]:
    return [[each.number for each in chain] for chain in chains]


def test_parts_that_do_not_overlap_are_one_chain() -> None:
    assert numbers(chained(parts([(21, 9), (1, 9), (11, 9)]))) == [[2, 3, 1]]


def test_parts_that_overlap_are_separate_chains() -> None:
    assert numbers(chained(parts([(1, 99), (2, 50), (60, 5), (100, 5)]))) == [[1], [2, 3, 4]]
    assert numbers(chained(parts([(1, 8), (10, 5), (10, 9)]))) == [[1, 2], [3]]


def test_part_that_was_split_again_is_in_no_chain() -> None:
    assert chained([part(replaced=True)]) == []


@bounded
@given(spans)
def test_every_part_is_in_one_chain_without_overlaps(spans: list[tuple[int, int]]) -> None:
    chains = chained(parts(spans))

    assert sorted(chain.from_iterable(numbers(chains))) == list(range(1, len(spans) + 1))
    assert all(
        before.last_line < after.first_line for each in chains for before, after in pairwise(each)
    )


@bounded
@given(spans)
def test_chains_are_no_more_than_overlapping_parts(spans: list[tuple[int, int]]) -> None:
    most = max(
        (
            sum(first <= line <= first + more for first, more in spans)
            for line in (first for first, _ in spans)
        ),
        default=0,
    )

    assert len(chained(parts(spans))) == most
