"""Rows that are lines of JSON: what is read of them, and what is none."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.tables.json_rows import is_row, rows_in, save_rows, with_columns

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "null", "-2"], "BIGINT"),
        (["1", "2.5"], "DOUBLE"),
        (["1e3"], "DOUBLE"),
        (["true", "false"], "BOOLEAN"),
        (["true", "1"], "VARCHAR"),
        (['"a"', "1"], "VARCHAR"),
        (['{"a": 1}'], "VARCHAR"),
        (["[1]"], "VARCHAR"),
        (["null"], "VARCHAR"),
        (["9223372036854775807"], "BIGINT"),
        (["9223372036854775808"], "VARCHAR"),
        (["1", "9223372036854775808", "2.5"], "VARCHAR"),
    ],
)
def test_a_column_has_the_type_that_holds_all_its_values(
    values: list[str], kind: str, tmp_path: Path
) -> None:
    (tmp_path / "a").write_text("\n".join(f'{{"x": {each}}}' for each in values))

    found = save_rows(tmp_path / "a", tmp_path / "b", 9)

    assert found.columns == {"x": kind}


def test_numbers_keep_their_digits_and_texts_lose_their_quotes(tmp_path: Path) -> None:
    line = r'{"a": 1.50, "b": 1e2, "c": "q\"\u00e9", "d": {"k" : [1]}, "e": null, "f": true}'
    (tmp_path / "a").write_text(line)

    (row,) = rows_in(tmp_path / "a")

    texts = {"a": "1.50", "b": "1e2", "c": 'q"é', "d": '{"k" : [1]}', "e": None, "f": "true"}
    assert row.values == texts


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"[1]", "Expected `object`"),
        (b'"text"', "Expected `object`"),
        (b"{", "truncated"),
        (b'{"a": 1} {"b": 2}', "malformed"),
        (b'{"a": "\\ud800 "}', "surrogate"),
        (b'{"": 1}', "empty"),
        (b'{"a": ' + b"[" * 600 + b"]" * 600 + b"}", "nested too deeply"),
        (b'{"a": "' + b"x" * (17 << 20) + b'"}', "16 MB"),
    ],
    ids=["list", "text", "open", "two", "surrogate", "no name", "deep", "long"],
)
def test_a_line_that_is_no_row_says_why(line: bytes, why: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b'{"a": 1}\n\n' + line + b'\n{"a": 2}\n')

    found = save_rows(tmp_path / "a", tmp_path / "b", 9)

    (problem,) = found.first
    assert (found.broken, problem.line, problem.code) == (1, 3, "broken_row")
    assert why in problem.message
    written = (tmp_path / "b").read_text().splitlines()
    assert [json.loads(each) for each in written] == [{"a": "1"}, {"a": "2"}]


@pytest.mark.parametrize(
    ("line", "is_one"),
    [
        (b'{"text": "a", "body": 1, "model": 2}', True),
        (b"{}", True),
        (b'{"custom_id": "a"}', False),
        (b'{"url": "/v1"}', False),
        (b"[]", False),
        (b"nonsense", False),
        (b"\xff", False),
        (b"", False),
    ],
)
def test_a_row_has_neither_custom_id_nor_url(line: bytes, *, is_one: bool) -> None:
    assert is_row(line) is is_one


@given(own=st.dictionaries(st.text(), ANY), added=st.dictionaries(st.text(), ANY, min_size=1))
def test_new_columns_follow_the_row_as_it_is(
    own: dict[str, object], added: dict[str, object]
) -> None:
    line = json.dumps(own).encode()

    found = with_columns(line, json.dumps(added).encode())

    assert json.loads(found) == {**own, **added}
    assert found.startswith(line[:-1])
