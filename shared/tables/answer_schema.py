"""The JSON schema that answers have to follow. Import this only where there is a table: large."""

from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs

from shared.problems import Problem
from shared.tables.recipe import FILE, Recipe
from shared.text import sanitize

MOST_SAID = 300  # characters
OF_RESPONSES, OF_CHAT = "text.format.schema", "response_format.json_schema.schema"


def validator(schema: Mapping[str, Any]) -> Any:
    """Raises ValueError for a schema that is none."""
    try:
        return jsonschema_rs.validator_for(dict(schema), validate_formats=False)
    except jsonschema_rs.ReferencingError as error:
        raise ValueError(str(error)) from error


def wrong_schema(recipe: Recipe) -> Iterator[Problem]:
    """OpenAI would refuse each request for it."""
    if recipe.answer_schema is None:
        return
    try:
        validator(recipe.answer_schema)
    except ValueError as error:
        at = "".join(f".{each}" for each in getattr(error, "instance_path", ()))
        said = sanitize(getattr(error, "message", str(error)), MOST_SAID)
        where = f"request.body.{OF_RESPONSES if 'text' in recipe.request.body else OF_CHAT}{at}"
        yield Problem(
            code="invalid_recipe",
            param=where,
            message=f"{FILE}: {where}: {said}.",
            remedy="write a JSON schema: json-schema.org/understanding-json-schema",
        )
