"""Reads CloudFormation's YAML into plain values."""

from pathlib import Path
from typing import Any

import yaml

from local.paths import TEMPLATE


class Loader(yaml.CSafeLoader):
    """Short forms come out as long ones: `!GetAtt A.Arn` as `{"Fn::GetAtt": ["A", "Arn"]}`."""


def read_template(path: Path = TEMPLATE) -> Any:
    """Parsed anew on each call, so that callers may change what they get."""
    return yaml.load(path.read_text(), Loader)


def _long_form(loader: Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}"
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    if not isinstance(node, yaml.ScalarNode):
        raise yaml.YAMLError(f"!{suffix} takes a text or a list")
    text = loader.construct_scalar(node)
    return {name: str(text).split(".", 1) if suffix == "GetAtt" else text}


Loader.add_multi_constructor("!", _long_form)
