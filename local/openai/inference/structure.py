"""What structure a request demands: a text that follows a schema, or the call of a function."""

from typing import Any, NamedTuple

from local.openai.http.messages import Json

JSON_OBJECT: Json = {
    "type": "object",
    "properties": {"answer": {"type": "string"}},
    "required": ["answer"],
}


class Function(NamedTuple):
    name: str
    parameters: Json


def text_schema(body: Json) -> Json | None:
    """The schema that the text follows, if it has to be JSON."""
    wanted = _format(body)
    if wanted.get("type") == "json_object":
        return JSON_OBJECT
    if wanted.get("type") == "json_schema":
        return dict(wanted.get("json_schema", wanted).get("schema") or JSON_OBJECT)
    return None


def forced_function(body: Json) -> Function | None:
    """The function that `tool_choice`, or the older `function_call`, says must be called."""
    functions = {each.name: each for each in functions_of(body)}
    chosen = chosen_function(body.get("tool_choice", body.get("function_call")))
    if chosen == ANY:
        return next(iter(functions.values()), None)
    return functions.get(chosen) if chosen else None


def functions_of(body: Json) -> list[Function]:
    """Chat wraps a function in `function`, responses do not; older requests list them alone."""
    tools = [each for each in body.get("tools") or () if each.get("type") == "function"]
    found = [each.get("function", each) for each in tools] + (body.get("functions") or [])
    return [Function(each["name"], each.get("parameters") or {}) for each in found]


ANY = "*"  # no function can be called so


def chosen_function(choice: Any) -> str:
    """The name of the function that must be called, ANY for any, or nothing."""
    match choice:
        case "required":
            return ANY
        case {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [tool, *_]}}:
            return chosen_function(tool)
        case {"type": "allowed_tools", "mode": "required", "tools": [tool, *_]}:
            return chosen_function(tool)
        case {"function": {"name": str(name)}} | {"name": str(name)}:
            return name
        case _:
            return ""


def _format(body: Json) -> Json:
    """Of chat completions, or of responses."""
    found = body.get("response_format") or (body.get("text") or {}).get("format")
    return found if isinstance(found, dict) else {}
