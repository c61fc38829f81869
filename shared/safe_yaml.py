"""Reads YAML from outside: plain values only, nested no deeper than we allow."""

from typing import Any

import yaml

MOST_LEVELS = 64  # PyYAML takes several frames for each, and gives up where the stack ends


def read_yaml(text: str) -> Any:
    """Raises YAMLError where the text is no YAML, and where it is nested too deeply."""
    return yaml.load(text, _Loader)  # noqa: S506  # it is a SafeLoader


class _Loader(yaml.SafeLoader):
    """Counts the levels on the way down."""

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
