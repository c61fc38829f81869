"""Whether an endpoint accepts a request's body; if not, the 400 that answers it."""

from collections.abc import Callable, Sequence

from local.openai.http.messages import Json
from local.openai.http.validation import is_a, kind_of
from local.openai.inference.media import usual_size
from local.openai.inference.outcomes import Outcome, invalid

ROLES = ("system", "developer", "user", "assistant", "tool", "function")


def refusal(endpoint: str, body: Json) -> Outcome | None:
    rule = RULES.get(endpoint)
    return (rule(body) if rule else None) or _numbers(body)


def _chat(body: Json) -> Outcome | None:
    messages = body["messages"]
    if not isinstance(messages, list):
        return _wrong_type("messages", "an array of objects", messages)
    if not messages:
        return invalid(
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an "
            "empty array instead.",
            "messages",
            "empty_array",
        )
    for index, message in enumerate(messages):
        if problem := _message(f"messages[{index}]", message):
            return problem
    return None


def _message(name: str, message: object) -> Outcome | None:
    if not isinstance(message, dict):
        return _wrong_type(name, "an object", message)
    if "role" not in message:
        return _missing(f"{name}.role")
    if message["role"] not in ROLES:
        return _wrong_choice(f"{name}.role", message["role"], ROLES)
    return None


def _embeddings(body: Json) -> Outcome | None:
    if "input" not in body:
        return _missing("input")
    inputs = body["input"]
    if inputs in ("", []):
        return invalid("'$.input' is invalid. Please check the API reference.", "input")
    if not isinstance(inputs, str | list):
        return _wrong_type("input", "a string", inputs)
    if body.get("encoding_format") not in (None, "float", "base64"):
        return _wrong_choice("encoding_format", body["encoding_format"], ("float", "base64"))
    return _dimensions(body)


def _dimensions(body: Json) -> Outcome | None:
    dimensions = body.get("dimensions")
    if dimensions is None:
        return None
    if not is_a(dimensions, "integer"):
        return _wrong_type("dimensions", "an integer", dimensions)
    if dimensions < 1:
        return invalid(
            "Invalid 'dimensions': integer below minimum value. Expected a value >= 1, but got "
            f"{dimensions} instead.",
            "dimensions",
            "integer_below_min_value",
        )
    most = usual_size(str(body.get("model")))
    if dimensions > most:
        message = f"Invalid value for 'dimensions' = {dimensions}. Must be less than or equal to "
        return invalid(f"{message}{most}.", "dimensions")
    return None


def _responses(body: Json) -> Outcome | None:
    prompt = body.get("input", body.get("prompt"))
    if prompt is None:
        return invalid(
            "One of \"input\" or \"previous_response_id\" or 'prompt' or 'conversation_id' must "
            "be provided.",
            "input",
            "missing_required_parameter",
        )
    if isinstance(prompt, str | list | dict):
        return None
    return _wrong_type("input", "a string", prompt)


def _prompt(body: Json) -> Outcome | None:
    return None if body.get("prompt") else _missing("prompt")


def _numbers(body: Json) -> Outcome | None:
    temperature = body.get("temperature")
    if temperature is not None and not is_a(temperature, "number"):
        return _wrong_type("temperature", "a decimal", temperature)
    if temperature is not None and not 0 <= temperature <= 2:
        side, bound = ("above maximum", "<= 2") if temperature > 2 else ("below minimum", ">= 0")
        return invalid(
            f"Invalid 'temperature': decimal {side} value. Expected a value {bound}, but got "
            f"{temperature} instead.",
            "temperature",
            f"decimal_{side[:5]}_{side[6:9]}_value",
        )
    return None


def _missing(name: str) -> Outcome:
    return invalid(f"Missing required parameter: '{name}'.", name, "missing_required_parameter")


def _wrong_choice(name: str, got: object, choices: Sequence[str]) -> Outcome:
    supported = ", ".join(repr(choice) for choice in choices)
    return invalid(
        f"Invalid value: '{got}'. Supported values are: {supported}.", name, "invalid_value"
    )


def _wrong_type(name: str, expected: str, got: object) -> Outcome:
    return invalid(
        f"Invalid type for '{name}': expected {expected}, but got a {kind_of(got)} instead.",
        name,
        "invalid_type",
    )


RULES: dict[str, Callable[[Json], Outcome | None]] = {
    "/v1/chat/completions": _chat,
    "/v1/embeddings": _embeddings,
    "/v1/responses": _responses,
    "/v1/images/generations": _prompt,
    "/v1/images/edits": _prompt,
    "/v1/videos": _prompt,
}
