"""Reads YAML from outside: plain values only, nested no deeper than we allow."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, TypeAlias

import yaml

from shared.text import shorten

MOST_LEVELS = 64  # PyYAML takes several frames for each, and gives up where the stack ends
MOST_SHOWN = 60  # characters of a value in a message
MERGE = "tag:yaml.org,2002:merge"
MOST_VALUES = 20_000  # of a text, aliases followed
LineOf: TypeAlias = Callable[[Sequence[str | int]], int]  # of the value at a path, from 1


def read_yaml(text: str) -> Any:
    """Raises YAMLError where the text is no YAML, is nested too deeply, or holds no value."""
    return yaml.load(text, _Loader)  # noqa: S506  # it is a SafeLoader


def read_yaml_with_lines(text: str) -> tuple[Any, LineOf]:
    """As JSON would hold it, and where each value stands. Raises YAMLError."""
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        value = None if node is None else loader.construct_document(node)
    finally:
        loader.dispose()
    return _as_json(value, [MOST_VALUES]), lambda path: _line(node, path)


def _line(node: Any, path: Sequence[str | int]) -> int:
    """Of the deepest part of the path that there is."""
    line = 1
    for step in path:
        key, node = _below(node, step)
        if node is None:
            break
        line = key.start_mark.line + 1
    return line


def _below(node: Any, step: str | int) -> tuple[Any, Any]:
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    if isinstance(node, yaml.MappingNode):
        return next((pair for pair in node.value if pair[0].value == str(step)), (None, None))
    return None, None


def _as_json(value: Any, left: list[int], level: int = 0) -> Any:
    """Dates become texts; a text whose aliases make it huge, or endless, is refused."""
    left[0] -= 1
    if left[0] < 0 or level > MOST_LEVELS:
        raise yaml.YAMLError(f"more than {MOST_VALUES:,} values, aliases followed")
    if isinstance(value, dict):
        return {_name(name): _as_json(each, left, level + 1) for name, each in value.items()}
    if isinstance(value, list | tuple | set):
        return [_as_json(each, left, level + 1) for each in value]
    if isinstance(value, date):  # a datetime is one
        return value.isoformat()
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _name(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


class _Loader(yaml.SafeLoader):
    """Counts the levels on the way down, and names the place of what is no value."""

    level = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self.level += 1
        if self.level > MOST_LEVELS:
            raise yaml.MarkedYAMLError(
                problem=f"nested too deeply (more than {MOST_LEVELS} levels)",
                problem_mark=self.peek_event().start_mark,  # type: ignore[no-untyped-call]
            )
        node = super().compose_node(parent, index)
        self.level -= 1
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        """A name that is written twice is a mistake: PyYAML takes the last without a word."""
        seen = set[str]()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if isinstance(key, yaml.ScalarNode) and key.tag != MERGE:
                if key.value in seen:
                    raise yaml.MarkedYAMLError(
                        problem=f"{shorten(key.value, MOST_SHOWN)!r} is written twice",
                        problem_mark=key.start_mark,
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep)

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        """PyYAML lets through whatever Python says of `2026-02-30` or `!!bool maybe`."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, LookupError, AttributeError, TypeError, ArithmeticError) as error:
            raise yaml.MarkedYAMLError(
                problem=f"{shorten(str(node.value), MOST_SHOWN)!r} is no valid value",
                problem_mark=node.start_mark,
            ) from error
