"""Reads a command of the AWS CLI as the CLI would, by botocore's models, and sends nothing."""

import json
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import jmespath  # type: ignore[import-untyped]
from botocore import xform_name
from botocore.exceptions import UnknownServiceError
from botocore.model import OperationModel, Shape, StructureShape
from botocore.session import Session
from botocore.validate import ParamValidator

OF_ANY = {"cli-binary-format", "query", "profile", "region", "output"}
S3 = {  # the CLI's own commands, which botocore does not know
    "cp": {"metadata", "recursive"},
    "ls": {"recursive"},
    "sync": {"delete"},
}
POSITIONAL = {("lambda", "invoke"): 1}  # the file that takes the answer
RENAMED = {"notification-endpoint": "endpoint"}  # options that the CLI calls otherwise
BOOLEAN = {"": True, "true": True, "false": False}
NO = "no-"  # before the name of a switch: it is off


@cache
def session() -> Session:
    return Session()


def problems(words: Sequence[str]) -> list[str]:
    """What the CLI would say of it before it sends anything; `words` follow `aws`."""
    service, operation, *rest = words
    plain, options = _sorted(rest)
    if service == "s3":
        return list(_of_s3(operation, plain, options))
    model = _operation(service, operation)
    if model is None:
        return [f"aws {service} {operation} does not exist"]
    found = list(_of_all(options))
    if len(plain) != POSITIONAL.get((service, operation), 0):
        found.append(f"unexpected: {plain}")
    return found + _of_parameters(model, options)


def request(words: Sequence[str]) -> tuple[str, str, dict[str, Any]]:
    """What the CLI would send, if it is right: service, boto3's method, arguments."""
    service, operation, *rest = words
    _, options = _sorted(rest)
    model = _operation(service, operation)
    assert model
    shape = model.input_shape
    assert shape
    by_option = {xform_name(name, "-"): name for name in shape.members}
    return service, xform_name(model.name), _given(shape, by_option, options)


def _sorted(words: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """What stands by itself, and each option with its value; a switch has none."""
    plain: list[str] = []
    options: dict[str, str] = {}
    open_option: str | None = None
    for word in words:
        if word.startswith("--"):
            open_option = RENAMED.get(word[2:], word[2:])
            if open_option.startswith(NO):
                options[open_option.removeprefix(NO)], open_option = "false", None
                continue
            options.setdefault(open_option, "")
        elif open_option:
            options[open_option] = word
            open_option = None
        else:
            plain.append(word)
    return plain, options


def _of_s3(operation: str, plain: list[str], options: dict[str, str]) -> Iterator[str]:
    if operation not in S3:
        yield f"aws s3 {operation} is not in the table of this test"
        return
    yield from (f"no option --{name}" for name in options if name not in S3[operation])
    if len(plain) != (1 if operation == "ls" else 2):
        yield f"takes a source and a target, not {plain}"


def _of_all(options: dict[str, str]) -> Iterator[str]:
    try:
        jmespath.compile(options.get("query", "@"))
    except jmespath.exceptions.ParseError as error:
        yield f"--query: {error}"


def _operation(service: str, operation: str) -> OperationModel | None:
    try:
        model = session().get_service_model(service)
    except UnknownServiceError:
        return None
    names = {xform_name(name, "-"): name for name in model.operation_names}
    return model.operation_model(names[operation]) if operation in names else None


def _of_parameters(model: OperationModel, options: dict[str, str]) -> list[str]:
    shape = model.input_shape or StructureShape("Nothing", {"type": "structure", "members": {}})
    by_option = {xform_name(name, "-"): name for name in shape.members}
    unknown = [f"no option --{name}" for name in options if name not in {*by_option, *OF_ANY}]
    try:
        given = _given(shape, by_option, options)
    except (KeyError, ValueError) as error:
        return [*unknown, f"not a value: {error}"]
    report = ParamValidator().validate(given, shape)
    return [*unknown, report.generate_report()] if report.has_errors() else unknown


def _given(
    shape: StructureShape, by_option: dict[str, str], options: dict[str, str]
) -> dict[str, Any]:
    """What would be sent."""
    ours = {by_option[name]: text for name, text in options.items() if name in by_option}
    return {name: _value(shape.members[name], text) for name, text in ours.items()}


def _value(shape: Shape, text: str) -> Any:
    match shape.type_name:
        case "boolean":
            return BOOLEAN[text]
        case "integer" | "long":
            return int(text)
        case "structure" | "list" | "map":
            return json.loads(text) if text.startswith(("{", "[")) else _shorthand(shape, text)
    return text


def _shorthand(shape: Shape, text: str) -> Any:
    """`Name=value,Name=value`, the CLI's short way to write a structure."""
    if not isinstance(shape, StructureShape):
        return text.split()
    pairs = (pair.partition("=") for pair in text.split(","))
    return {name: _value(shape.members[name], value) for name, _, value in pairs}
