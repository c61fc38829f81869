"""`batchdrop parameters`: writes the tables of docs/reference.md, and schemas, from code."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, TypeAdapter
from typer.models import CommandInfo

from local.paths import ROOT
from local.template import read_template
from shared.audit import details as audit
from shared.audit.config import Config
from shared.audit.rules import Rule
from shared.aws.event_bus import SOURCE
from shared.jobs import details as jobs
from shared.library import details as library
from shared.report.model import Estimated, JobReport, Rejected

PAGE = ROOT / "docs" / "reference.md"
DRAFT = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
REPORTS: dict[str, type[BaseModel]] = {
    "job_report": JobReport,
    "rejected_report": Rejected,
    "estimated_report": Estimated,
}
DETAILS: dict[str, Any] = jobs.DETAILS | library.DETAILS | audit.DETAILS
BUS_ONLY = frozenset({"Audit Events", "Safety Event"})  # they have no id
ID = {"description": "the same for the same notification", "type": "string"}
Json = dict[str, Any]
SCHEMAS = ROOT / "events" / "schemas"


def main(commands: Sequence[CommandInfo]) -> int:
    PAGE.write_text(filled(PAGE.read_text(), commands))
    for name, text in schemas().items():
        (SCHEMAS / name).write_text(text)
    return 0


def schemas() -> dict[str, str]:
    """JSON Schemas by file name, of what others read."""
    made: dict[str, Json] = {
        f"{name}.json": model.model_json_schema(mode="serialization", by_alias=False)
        for name, model in REPORTS.items()
    }
    made |= {f"{_file_of(kind)}.json": event_schema(kind) for kind in DETAILS}
    return {name: json.dumps(DRAFT | each, indent=2) + "\n" for name, each in made.items()}


def event_schema(kind: str) -> Json:
    """Of an event on the bus: what its detail holds."""
    made = TypeAdapter(DETAILS[kind]).json_schema(mode="serialization", by_alias=False)
    definitions = made.pop("$defs", {})
    for each in made.get("anyOf", [made]):
        shape = definitions[each["$ref"].rpartition("/")[2]] if "$ref" in each else each
        if kind not in BUS_ONLY:
            shape["properties"] = {"id": ID, **shape["properties"]}
            shape["required"] = ["id", *shape.get("required", [])]
    return {
        "title": kind,
        "type": "object",
        "properties": {
            "source": {"const": SOURCE},
            "detail-type": {"const": kind},
            "detail": made,
        },
        "required": ["source", "detail-type", "detail"],
        "$defs": definitions,
    }


def _file_of(kind: str) -> str:
    return kind.lower().replace(" ", "_")


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
