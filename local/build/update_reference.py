"""`batchdrop parameters`: writes the tables of docs/reference.md, and schemas, from code."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from typer.models import CommandInfo

from local.paths import ROOT
from local.template import read_template
from shared.audit.config import Config
from shared.audit.rules import Rule
from shared.report.model import Estimated, JobReport, Rejected

PAGE = ROOT / "docs" / "reference.md"
SCHEMAS = ROOT / "events" / "schemas"


def main(commands: Sequence[CommandInfo]) -> int:
    PAGE.write_text(filled(PAGE.read_text(), commands))
    for name, text in schemas().items():
        (SCHEMAS / name).write_text(text)
    return 0


def schemas() -> dict[str, str]:
    """JSON Schemas by file name, of what others read."""
    models: dict[str, type[BaseModel]] = {
        "job_report.json": JobReport,
        "rejected_report.json": Rejected,
        "estimated_report.json": Estimated,
    }
    draft = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    made = {name: model.model_json_schema(mode="serialization") for name, model in models.items()}
    return {name: json.dumps(draft | each, indent=2) + "\n" for name, each in made.items()}


def filled(page: str, commands: Sequence[CommandInfo]) -> str:
    """The page with each table between its marks, `<!-- name -->` and `<!-- /name -->`."""
    made = tables(read_template(), commands)
    marked = re.compile(rf"(<!-- ({'|'.join(made)}) -->\n).*?(?=<!-- /\2 -->)", re.DOTALL)
    return marked.sub(lambda mark: mark[1] + made[mark[2]], page)


def tables(template: Mapping[str, Any], commands: Sequence[CommandInfo]) -> dict[str, str]:
    return {
        "parameters": parameters(template["Parameters"]),
        "outputs": outputs(template["Outputs"]),
        "thresholds": thresholds(),
        "subcommands": subcommands(commands),
    }


def parameters(of_template: Mapping[str, Any]) -> str:
    """The template's own descriptions, so that there is one place to change them."""
    rows = [
        f"| `{name}` | {_default(each['Default'])} | {_choices(each)}{each['Description']} |"
        for name, each in of_template.items()
    ]
    return _table(["parameter", "default", "meaning"], rows)


def outputs(of_template: Mapping[str, Any]) -> str:
    rows = [f"| `{name}` | {each['Description']} |" for name, each in of_template.items()]
    return _table(["output", "what it is for"], rows)


def thresholds() -> str:
    """The settings that each detection has besides the common ones."""
    detections = Config().detections
    rows = [_row(name, getattr(detections, name)) for name in type(detections).model_fields]
    return _table(["detection", "its settings, with their defaults"], [row for row in rows if row])


def subcommands(commands: Sequence[CommandInfo]) -> str:
    """Each with the first line of its help."""
    called = [each.callback for each in commands if each.callback]
    rows = [f"| `batchdrop {each.__name__.rstrip('_')}` | {_first_line(each)} |" for each in called]
    return _table(["subcommand", "what it does"], rows)


def _first_line(callback: Callable[..., Any]) -> str:
    return (callback.__doc__ or "").partition("\n")[0]


def _row(name: str, rule: Rule) -> str:
    common = Rule().model_dump()
    of_its_own = {
        setting: value
        for setting, value in rule.model_dump(mode="json").items()
        if common.get(setting, ...) != value and setting not in {"severity", "allow"}
    }
    settings = ", ".join(f"`{key}: {json.dumps(value)}`" for key, value in of_its_own.items())
    return f"| {name} | {settings} |" if settings else ""


def _table(head: Sequence[str], rows: Sequence[str]) -> str:
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head), *rows]
    return "\n".join(lines) + "\n"


def _default(value: object) -> str:
    return f"`{value}`" if value != "" else "empty"


def _choices(parameter: Mapping[str, Any]) -> str:
    allowed = parameter.get("AllowedValues", [])
    if not allowed or len(allowed) > 6:
        return ""
    return ", ".join(f"`{each}`" for each in allowed) + ". "
