"""Checks the body of a request to a model, and refuses it in OpenAI's words."""

from collections.abc import Callable

from local.openai.http import validation
from local.openai.http.messages import Json, Refusal
from local.openai.inference.body_types import check_types
from local.openai.inference.media import usual_size
from local.openai.inference.structure_check import check_chat_structure, check_response_structure

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
MOST_MESSAGES = 2_048
REASONING = ("gpt-5", "o1", "o3", "o4")  # these know `max_completion_tokens` alone


def check_body(endpoint: str, body: Json) -> None:
    if rule := RULES.get(endpoint):
        rule(body)
    _check_temperature(body.get("temperature"))
    check_types(endpoint, body)


def _chat(body: Json) -> None:
    messages = validation.require(body, "messages")
    for at, message in enumerate(validation.check_list(messages, (1, MOST_MESSAGES), "messages")):
        _check_message(message, f"messages[{at}]")
    if body.get("max_tokens") is not None and str(body.get("model")).startswith(REASONING):
        raise Refusal(
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
            "'max_completion_tokens' instead.",
            param="max_tokens",
            code="unsupported_parameter",
        )
    _check_number(body, 128)
    validation.metadata(body.get("metadata"))
    check_chat_structure(body)


def _check_message(message: object, name: str) -> None:
    found: Json = validation.check_type(message, "object", name)
    role = validation.require(found, "role", f"{name}.")
    validation.check_choice(role, ROLES, f"{name}.role")


def _responses(body: Json) -> None:
    found = body.get("input", body.get("prompt"))
    if found is None:
        raise Refusal(
            "One of \"input\" or \"previous_response_id\" or 'prompt' or 'conversation_id' must "
            "be provided.",
            param="input",
            code="missing_required_parameter",
        )
    if not isinstance(found, str | list | dict):
        validation.check_type(found, "string", "input")
    validation.metadata(body.get("metadata"))
    check_response_structure(body)


def _embeddings(body: Json) -> None:
    inputs = validation.require(body, "input")
    if inputs in ("", []):
        message = "'$.input' is invalid. Please check the API reference."
        raise Refusal(message, param="input")
    if not isinstance(inputs, list):
        validation.check_type(inputs, "string", "input")
    if body.get("encoding_format") is not None:
        validation.check_choice(body["encoding_format"], ("float", "base64"), "encoding_format")
    if body.get("dimensions") is not None:
        _check_dimensions(body["dimensions"], usual_size(str(body.get("model"))))


def _check_dimensions(dimensions: object, most: int) -> None:
    if validation.is_a(dimensions, "integer") and int(str(dimensions)) > most:
        message = f"Invalid value for 'dimensions' = {dimensions}. Must be less than or equal to "
        raise Refusal(f"{message}{most}.", param="dimensions")
    validation.check_range(dimensions, 1, most, "dimensions")


def _moderations(body: Json) -> None:
    inputs = validation.require(body, "input")
    if not isinstance(inputs, list):
        validation.check_type(inputs, "string", "input")


def _completions(body: Json) -> None:
    _check_number(body, 128)


def _images(body: Json) -> None:
    _check_prompt(body)
    _check_number(body, 10)


def _check_prompt(body: Json) -> None:
    if not body.get("prompt"):
        validation.require({}, "prompt")


def _check_number(body: Json, most: int) -> None:
    if body.get("n") is not None:
        validation.check_range(body["n"], 1, most, "n")


def _check_temperature(temperature: object) -> None:
    if temperature is None:
        return
    number: float = validation.check_type(temperature, "number", "temperature")
    if not 0 <= number <= 2:
        side, bound = ("above maximum", "<= 2") if number > 2 else ("below minimum", ">= 0")
        raise Refusal(
            f"Invalid 'temperature': decimal {side} value. Expected a value {bound}, but got "
            f"{number} instead.",
            param="temperature",
            code=f"decimal_{side[:5]}_{side[6:9]}_value",
        )


RULES: dict[str, Callable[[Json], None]] = {
    "/v1/chat/completions": _chat,
    "/v1/embeddings": _embeddings,
    "/v1/completions": _completions,
    "/v1/images/edits": _images,
    "/v1/images/generations": _images,
    "/v1/moderations": _moderations,
    "/v1/responses": _responses,
    "/v1/videos": _check_prompt,
}
