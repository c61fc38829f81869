"""Reads YAML from outside: plain values only, nested no deeper than we allow."""

from typing import Any

import yaml

from shared.text import shorten

MOST_LEVELS = 64  # PyYAML takes several frames for each, and gives up where the stack ends
MOST_SHOWN = 60  # characters of a value in a message


def read_yaml(text: str) -> Any:
    """Raises YAMLError where the text is no YAML, is nested too deeply, or holds no value."""
    return yaml.load(text, _Loader)  # noqa: S506  # it is a SafeLoader


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

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        """PyYAML lets through whatever Python says of `2026-02-30` or `!!bool maybe`."""
        try:
            return super().construct_object(node, deep)
        except (ValueError, LookupError, AttributeError, TypeError, ArithmeticError) as error:
            raise yaml.MarkedYAMLError(
                problem=f"{shorten(str(node.value), MOST_SHOWN)!r} is no valid value",
                problem_mark=node.start_mark,
            ) from error
