"""What a job may cost: from bytes alone, and from what was learnt; never a price nobody knows."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.batchfile.schema import (
    CHAT,
    EMBEDDINGS,
    RESPONSES,
    decode,
    may_hold_files,
    output_bounds,
    tokens_in,
    tokens_of,
)
from shared.jobs.estimate import (
    GUESSED_OUTPUT,
    MOST_RATIO,
    Asked,
    Estimate,
    Learnt,
    Used,
    estimate,
    estimate_of,
    in_words,
    learnt,
)
from shared.jobs.prices import Rate, prices

RATE = Rate(input=2.0, output=10.0, cached=0.5, cache_write=2.5)
HUNDRED = Asked(requests=100, tokens=10_000, bounded=100, most_output=30_000)


def used(number: int, ratio: float = 0.5, output: int = 40, cached: int = 0) -> Used:
    return Used(
        part=f"job/{number}",
        estimated=1_000,
        answers=10,
        input=round(1_000 * ratio),
        output=10 * output,
        cached=cached,
    )


def line(url: str = CHAT, **body: Any) -> bytes:
    return json.dumps(
        {"custom_id": "a", "method": "POST", "url": url, "body": {"model": "m"} | body}
    ).encode()


@pytest.mark.parametrize(
    ("data", "url", "bounds"),
    [
        (line(), CHAT, (0, 0)),
        (line(max_tokens=5), CHAT, (1, 5)),
        (line(max_completion_tokens=7), CHAT, (1, 7)),
        (line(max_output_tokens=9), RESPONSES, (1, 9)),
        (line(max_tokens=5, n=3), CHAT, (1, 15)),
        (line(max_tokens=5, max_completion_tokens=7), CHAT, (1, 5)),
        (line(max_tokens="5"), CHAT, (0, 0)),
        (line(max_tokens=None), CHAT, (0, 0)),
        (line(messages=[{"content": '"max_tokens": 5'}]), CHAT, (0, 0)),
        (b"\n".join([line(max_tokens=5), line(), line(max_tokens=6)]), CHAT, (2, 11)),
        (b"\n".join([line(), line()]), EMBEDDINGS, (2, 0)),
        (line(), "/v1/moderations", (1, 0)),
    ],
)
def test_a_request_may_say_how_long_its_answer_is_at_most(
    data: bytes, url: str, bounds: tuple[int, int]
) -> None:
    requests = [decode(each) for each in data.split(b"\n")]
    assert output_bounds(requests, url) == bounds


def test_without_experience_bytes_and_limits_alone_say_it() -> None:
    found = estimate_of(HUNDRED, Learnt(), RATE)

    assert (found.input_tokens, found.input_tokens_at_most) == (10_000, 40_000)
    assert (found.output_tokens, found.output_tokens_at_most) == (30_000, 30_000)
    assert found.expected == 10_000 * 2 + 30_000 * 10
    assert found.at_most == 40_000 * 2.5 + 30_000 * 10


def test_a_guess_is_made_of_answers_without_limit_and_no_limit_is_told() -> None:
    found = estimate_of(HUNDRED._replace(bounded=0, most_output=0), Learnt(), RATE)

    assert found.output_tokens == 100 * GUESSED_OUTPUT
    assert found.output_tokens_at_most is None
    assert found.at_most is None


def test_one_odd_part_changes_little() -> None:
    usual = [used(n) for n in range(9)]

    found = learnt([*usual, used(9, ratio=4.0, output=900)])

    assert (found.ratio, found.output) == (0.5, 40)
    assert found.ratio_at_most == MOST_RATIO
    assert found.output_at_most == 1_350


def test_what_is_learnt_lowers_the_limit_of_the_input() -> None:
    found = estimate_of(HUNDRED, learnt([used(n) for n in range(3)]), RATE)

    assert (found.input_tokens, found.input_tokens_at_most) == (5_000, 7_500)
    assert (found.output_tokens, found.output_tokens_at_most) == (4_000, 30_000)


def test_two_parts_are_not_enough_to_say_what_is_the_most() -> None:
    assert learnt([used(1), used(2)]).ratio_at_most == MOST_RATIO
    assert learnt([used(1), used(2)]).output_at_most is None


def test_cached_input_is_priced_apart() -> None:
    found = estimate_of(HUNDRED, learnt([used(n, cached=250) for n in range(3)]), RATE)

    assert found.cached_tokens == 2_500
    assert found.expected == 2_500 * 2 + 2_500 * 0.5 + 4_000 * 10


def test_a_model_without_a_price_is_named_and_not_free() -> None:
    kinds = [(("gpt-5-mini", CHAT), HUNDRED), (("llama", CHAT), HUNDRED)]

    found = estimate(kinds, lambda _: Learnt(), prices())

    assert found.unpriced == ["llama"]
    assert found.expected == found.by_model["gpt-5-mini"].expected
    assert found.at_most is None
    assert "without 1 model(s) whose price is not known" in in_words(found)


def test_where_no_price_is_known_tokens_are_told() -> None:
    found = estimate([(("gpt-5-mini", CHAT), HUNDRED)], lambda _: Learnt(), None)

    assert (found.expected, found.at_most) == (None, None)
    assert in_words(found) == "about 10,000 prompt tokens, of unknown price"
    assert Estimate().expected is None


def test_what_costs_a_trifle_is_less_than_a_cent() -> None:
    found = estimate([(("gpt-5-mini", CHAT), Asked(1, 10, 1, 10))], lambda _: Learnt(), prices())

    assert in_words(found) == "about 10 prompt tokens, less than $0.01, at most less than $0.01"


def test_one_model_at_two_endpoints_is_one_sum() -> None:
    kinds = [(("gpt-5-mini", CHAT), HUNDRED), (("gpt-5-mini", RESPONSES), HUNDRED)]

    found = estimate(kinds, lambda _: Learnt(), prices())

    assert found.by_model["gpt-5-mini"].requests == 200
    assert found.expected == 2 * (estimate(kinds[:1], lambda _: Learnt(), prices()).expected or 0)


@given(
    st.lists(
        st.builds(
            Used,
            part=st.text(),
            estimated=st.integers(0, 10**9),
            answers=st.integers(0, 10**5),
            input=st.integers(0, 10**9),
            output=st.integers(0, 10**9),
            cached=st.integers(0, 10**9),
        ),
        max_size=25,
    ),
    st.integers(1, 10**6),
    st.integers(0, 10**9),
    st.integers(0, 100),
)
def test_what_is_expected_is_never_more_than_what_it_costs_at_most(
    parts: list[Used], requests: int, tokens: int, share: int
) -> None:
    bounded = requests * share // 100
    asked = Asked(requests, tokens, bounded, bounded * 100)

    found = estimate_of(asked, learnt(parts), RATE)

    assert found.expected is not None
    assert found.expected >= 0
    assert found.at_most is None or found.at_most >= found.expected
    assert (found.at_most is None) is (found.output_tokens_at_most is None)


IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}


@pytest.mark.parametrize(
    ("content", "files"),
    [
        ([IMAGE], 1),
        ([IMAGE, IMAGE], 2),
        ([{"type": "image_url", "image_url": {"detail": "low", "url": "http://a/b"}}], 1),
        ([{"type": "input_image", "image_url": "https://example.com/a.png"}], 1),
        ([{"type": "input_file", "file_url": "https://example.com/a.pdf"}], 1),
        ([{"type": "input_file", "file_id": "file-abc"}], 1),
        ([{"type": "input_image", "image_url": "data:image/png;base64,AAAA"}], 0),
        ('say "image_url": "https://example.com/a.png"', 0),
        ("https://example.com/a.png", 0),
    ],
)
def test_a_file_that_is_named_counts_as_one_that_is_held(content: Any, files: int) -> None:
    spaced = line(messages=[{"role": "user", "content": content}])
    tight = spaced.replace(b'": ', b'":')

    for request in (spaced, tight):
        assert tokens_in(request) == tokens_of(len(request) + 1) + files * 1_500
        assert may_hold_files(request, 1) or not files
