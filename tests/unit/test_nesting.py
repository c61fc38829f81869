"""How deeply JSON and YAML may be nested does not depend on the interpreter."""

import json
from collections.abc import Callable

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from shared.nesting import MOST_LEVELS, has_too_deep_line, is_too_deep, read_json
from shared.safe_yaml import read_yaml

JSON = st.recursive(
    st.none() | st.integers() | st.text('[]{}"\\\n a'),
    lambda inner: st.lists(inner) | st.dictionaries(st.text('[]{}"\\'), inner),
    max_leaves=20,
)


def arrays(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


def objects(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


def mixed(levels: int) -> bytes:
    inside = arrays(levels % 2) or b"0"
    return b'[0,{"]]":' * (levels // 2) + inside + b',"[[": ""}, ""]' * (levels // 2)


@pytest.mark.parametrize("nested", [arrays, objects, mixed])
@pytest.mark.parametrize(("levels", "deep"), [(MOST_LEVELS, False), (MOST_LEVELS + 1, True)])
def test_the_limit_is_exact(nested: Callable[[int], bytes], levels: int, *, deep: bool) -> None:
    document = nested(levels)

    assert is_too_deep(document) is deep
    assert has_too_deep_line(b'{"a": 1}\n' * 10_000 + document + b"\n{}") is deep


@pytest.mark.parametrize("nested", [arrays, objects, mixed])
@pytest.mark.parametrize("levels", [600, 950, 2_000, 9_000, 100_000])
def test_deeper_json_is_refused_and_not_parsed(nested: Callable[[int], bytes], levels: int) -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        read_json(nested(levels))
    with pytest.raises(ValueError, match="nested too deeply"):
        read_json(nested(levels).decode())


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":', b"[1,"])
def test_brackets_that_never_close_are_counted(opening: bytes) -> None:
    assert is_too_deep(opening * 1_000)


@pytest.mark.parametrize(
    "document",
    [
        json.dumps("[" * 1_000).encode(),
        json.dumps(['\\"[[' * 1_000, "{" * 1_000]).encode(),
        json.dumps(["\\", "[" * 1_000, "\\\\", "{" * 1_000]).encode(),
        b"[" + b'{"a": [1]}, ' * 10_000 + b"0]",
        b"]" * 10_000,
    ],
    ids=["a text", "texts with quotes", "texts with backslashes", "side by side", "closing"],
)
def test_brackets_in_texts_and_side_by_side_are_no_levels(document: bytes) -> None:
    assert not is_too_deep(document)


@given(JSON, st.integers(0, 3))
def test_levels_around_a_document_add_to_its_own(value: object, more: int) -> None:
    document = json.dumps(value).encode()
    around = MOST_LEVELS - _levels(value) + more

    assert is_too_deep(b"[" * around + document + b"]" * around) is (more > 0)


def _levels(value: object) -> int:
    if not isinstance(value, list | dict):
        return 0
    inner = value if isinstance(value, list) else value.values()
    return 1 + max(map(_levels, inner), default=0)


@pytest.mark.parametrize("text", ["", "nonsense", "[1,]", b"\xff", "NaN,"])
def test_what_is_no_json_is_a_value_error(text: str | bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever the parser says
        read_json(text)


@pytest.mark.parametrize("text", ["a: " + "[" * 63 + "]" * 63, "{a: " * 63 + "[]" + "}" * 63])
def test_yaml_may_be_nested_as_deeply_as_we_allow(text: str) -> None:
    assert read_yaml(text)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 65 + "]" * 65,
        "a: " + "{b: " * 64 + "1" + "}" * 64,
        "\n".join(" " * n + "a:" for n in range(66)),
        "[" * 10_000,
    ],
    ids=["a list", "mappings", "indented", "never closed"],
)
def test_deeper_yaml_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(yaml.MarkedYAMLError, match="nested too deeply") as error:
        read_yaml(text)

    assert error.value.problem_mark is not None
