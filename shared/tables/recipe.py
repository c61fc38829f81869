"""recipe.yaml: how a row of a table becomes a request, and an answer becomes columns."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, StringConstraints, ValidationError, model_validator

from shared.model import FrozenModel, Mistake, mistakes
from shared.problems import Problem
from shared.safe_yaml import LineOf, read_yaml_with_lines

FILE = "recipe.yaml"
MAX_BYTES = 256 << 10
TEXT, EMBEDDING = "text", "embedding"  # of an answer: its text, its vector
OURS = frozenset({"_error"})  # a column that we add
# `$.a.b[0]` or `$["a b"]`: as much of JSONPath as names one value.
STEP = re.compile(r"""\.([A-Za-z_][\w-]*)|\[(\d+)\]|\["([^"]+)"\]|\['([^']+)'\]""")
EXAMPLE = """\
request:
  url: /v1/responses
  body:
    model: gpt-5-mini
    instructions: Say in one word whether the text is positive, negative or neutral.
    input: "{columns}"
answer:
  columns: {{answer: text}}
"""

Url = Annotated[str, StringConstraints(pattern=r"^/v1/[\w/]+$")]
ColumnName = Annotated[str, StringConstraints(min_length=1, max_length=128)]


class RequestTemplate(FrozenModel):
    """The request of a row; templates may stand in any text of it."""

    url: Url
    body: Annotated[dict[str, Any], Field(min_length=1)]
    custom_id: Annotated[str, Field(min_length=1)] | None = None  # None: the row's number


class AnswerColumns(FrozenModel):
    """Columns that are added, each by where its value stands in an answer."""

    columns: Annotated[dict[ColumnName, str], Field(min_length=1)] = {"answer": TEXT}
    format: Literal["same", "csv", "parquet", "jsonl"] = "same"

    @model_validator(mode="after")
    def _places_can_be_read(self) -> "AnswerColumns":
        for name, place in self.columns.items():
            if place not in {TEXT, EMBEDDING} and path_of(place) is None:
                raise ValueError(f"{name}: {place!r} is no place in an answer")
            if name in OURS:
                raise ValueError(f"{name} is a column that is always added")
        return self


class Recipe(FrozenModel):
    """What recipe.yaml says."""

    request: RequestTemplate
    answer: AnswerColumns = AnswerColumns()
    options: dict[str, str | int | float | bool] = {}

    @property
    def answer_schema(self) -> Mapping[str, Any] | None:
        """The JSON schema that an answer has to follow, where the request names one."""
        body = self.request.body
        format_ = _at(body, ("text", "format")) or _at(body, ("response_format", "json_schema"))
        found = _at(format_, ("schema",)) if isinstance(format_, dict) else None
        return found if isinstance(found, dict) else None

    def metadata(self) -> dict[str, str]:
        """Its options, as S3's metadata would say them."""
        return {name: _as_text(value) for name, value in self.options.items()}


def _as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _at(value: Any, path: Sequence[str]) -> Any:
    for step in path:
        value = value.get(step) if isinstance(value, dict) else None
    return value


def path_of(place: str) -> tuple[str | int, ...] | None:
    """The steps of `$.a[0]`; None for what is no such path."""
    if not place.startswith("$"):
        return None
    steps: list[str | int] = []
    at = 1
    while at < len(place):
        found = STEP.match(place, at)
        if found is None:
            return None
        name, index, *quoted = found.groups()
        steps.append(int(index) if index else name or quoted[0] or quoted[1])
        at = found.end()
    return tuple(steps)


KEYS = {
    (): ("request", "answer", "options"),
    ("request",): ("url", "body", "custom_id"),
    ("answer",): ("columns", "format"),
}
REMEDIES = {
    "request": "write `request:` with `url:` and `body:`, as docs/tables.md shows",
    "request.url": "write the endpoint, such as `url: /v1/responses`",
    "request.body": "write the body of a request, with templates where a row's values go",
    "request.custom_id": 'write a text that differs in each row, such as `custom_id: "{{ id }}"`, '
    "or leave it out: then it is the row's number",
    "answer": "write `answer:` with `columns:`, or leave it out",
    "answer.columns": "write a name for each column and where its value stands: `text`, "
    "`embedding` or a place in the answer's JSON such as `$.sentiment`; `_error` is ours",
    "answer.format": "write `same` (the default), `csv`, `parquet` or `jsonl`",
    "options": "write what S3 metadata may say too, such as `options: {max-attempts: 5}`",
}


def read_recipe(content: bytes) -> tuple[Recipe | None, list[Problem]]:
    """The recipe, or everything that is wrong with it, each with its line."""
    if len(content) > MAX_BYTES:
        return None, [_whole(f"{FILE} is larger than {MAX_BYTES:,} bytes", None)]
    try:
        asked, line_of = read_yaml_with_lines(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return None, [_whole(f"{FILE} is not UTF-8", None)]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        said = getattr(error, "problem", None) or str(error)
        return None, [_whole(f"{FILE} can't be read as YAML: {said}", mark and mark.line + 1)]
    if not isinstance(asked, dict):
        return None, [_whole(f"{FILE} holds no names and values", None)]
    try:
        return Recipe.model_validate(asked), []
    except ValidationError as error:
        return None, list(_problems(mistakes(error), line_of))


def _whole(what: str, line: int | None) -> Problem:
    remedy = "write it as docs/tables.md shows, in UTF-8"
    return Problem(code="invalid_recipe", line=line, message=f"{what}.", remedy=remedy)


def _problems(found: list[Mistake], line_of: LineOf) -> Iterator[Problem]:
    for each in found:
        where = ".".join(each.path)
        if each.kind == "extra_forbidden":
            yield _unknown(each.path, line_of)
            continue
        known = next(
            (each.path[:n] for n in (2, 1) if ".".join(each.path[:n]) in REMEDIES), each.path[:1]
        )
        yield Problem(
            code="invalid_recipe",
            line=line_of(each.path),
            param=where or None,
            message=f"{FILE}: {where or 'the recipe'}: {each.message}.",
            remedy=REMEDIES.get(".".join(known), "write it as docs/tables.md shows"),
        )


def _unknown(path: tuple[str, ...], line_of: LineOf) -> Problem:
    known = KEYS.get(path[:-1], ())
    near = get_close_matches(path[-1], known, 1)
    meant = f"did you mean {near[0]!r}? " if near else ""
    return Problem(
        code="invalid_recipe",
        line=line_of(path),
        param=".".join(path),
        message=f"{FILE}: {'.'.join(path)} is not known.",
        remedy=f"{meant}write only: {', '.join(known)}",
    )


def starter(columns: Sequence[str]) -> str:
    """A recipe for a table of these columns, to begin with."""
    values = " ".join("{{ " + _named(each) + " }}" for each in columns[:8])
    return EXAMPLE.format(columns=values.replace("\\", "\\\\").replace('"', '\\"'))


def _named(column: str) -> str:
    """Whatever characters a name has; minijinja reads JSON's escapes in a quoted text."""
    return (
        column
        if re.fullmatch(r"[A-Za-z_]\w*", column)
        else f"row[{json.dumps(column, ensure_ascii=False)}]"
    )
