"""Keys and names of a library."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.library import paths


@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("libraries/handbook/a.md", ("handbook", "a.md")),
        ("libraries/handbook/b/c d.md", ("handbook", "b/c d.md")),
        ("libraries/handbook/", None),
        ("libraries/handbook/b/", None),
        ("libraries/a.md", None),
        ("inbox/handbook/a.md", None),
    ],
)
def test_key_gives_library_and_name(key: str, place: tuple[str, str] | None) -> None:
    assert paths.place_of(key) == place


@pytest.mark.parametrize(
    ("one", "other", "later"),
    [
        ("0055AED6DCD90281E6", "0055AED6DCD90281E5", True),
        ("0055AED6DCD90281E5", "0055AED6DCD90281E5", False),
        ("0055aed6dcd90281e6", "0055AED6DCD90281E5", True),
        ("0055AED6DC", "0055AED6DCD90281E5", False),
        ("0055AED6DD", "0055AED6DCD90281E5", True),
        ("0055AED6DC", "0055AED6DC00", False),
    ],
)
def test_sequencers_are_compared_as_s3_specifies(one: str, other: str, *, later: bool) -> None:
    assert paths.is_later(one, other) is later


@given(st.text("0123456789ABCDEF", min_size=1), st.text("0123456789ABCDEF", min_size=1))
def test_at_most_one_of_two_sequencers_is_later(one: str, other: str) -> None:
    assert not (paths.is_later(one, other) and paths.is_later(other, one))


def test_file_name_is_the_documents_with_a_unique_part() -> None:
    name = paths.filename("inbox", "handbook", "c1", "b/First Steps.MD")

    assert name.startswith("First Steps.")
    assert name.endswith(".md")
    assert name != paths.filename("inbox", "other", "c1", "b/First Steps.MD")
    assert name != paths.filename("inbox", "handbook", "c2", "b/First Steps.MD")


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("a.md", ".md"),
        ("b/c d.Tar.GZ", ".gz"),
        ("a", ""),
        ("a.d/b", ""),
        (".md", ""),
        ("a/.md", ""),
        ("...txt", ""),
        ("a/...txt", ""),
        ("a/..b.txt", ".txt"),
        ("a.", ""),
        ("a..", ""),
        ("a .md ", ".md "),
    ],
)
def test_suffix_of_a_name_is_the_same_on_every_python(name: str, suffix: str) -> None:
    assert paths.suffix_of(name) == suffix
    assert paths.filename("inbox", "handbook", "c1", name).endswith(suffix)
