"""Checks every line of an input file, as the Batch API does after it has answered 200."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from local.openai.http.messages import Json
from local.openai.inference.engine import Engine
from local.openai.inference.outcomes import ANSWERED, Outcome, requested_outcome
from local.openai.settings import SmallSettings

REQUIRED = ("custom_id", "method", "url", "body")


@dataclass(frozen=True, slots=True)
class PlannedRequest:
    """One request of a batch: where its line starts, and how it will end."""

    offset: int
    custom_id: str
    outcome: Outcome


@dataclass
class CheckedInput:
    requests: list[PlannedRequest] = field(default_factory=list)
    errors: list[Json] = field(default_factory=list)
    model: str | None = None
    tokens: int = 0


def check(
    path: Path, endpoint: str, attempt: int, settings: SmallSettings, engine: Engine
) -> CheckedInput:
    """The requests of a batch, or the errors that fail it: one a line, up to a limit."""
    checker = Checker(endpoint, attempt, settings, engine)
    if path.stat().st_size > settings.max_input_bytes:
        checker.too_large(path)
        return checker.found
    offset = 0
    with path.open("rb") as lines:
        for number, raw in enumerate(lines, start=1):
            checker.check_line(number, offset, raw)
            offset += len(raw)
            if checker.full:
                break
    return checker.found


def error(
    code: str | None, message: str, param: str | None = None, line: int | None = None
) -> Json:
    return {"code": code, "message": message, "param": param, "line": line}


class Checker:
    def __init__(
        self, endpoint: str, attempt: int, settings: SmallSettings, engine: Engine
    ) -> None:
        self.endpoint = endpoint
        self.attempt = attempt
        self.settings = settings
        self.engine = engine
        self.found = CheckedInput()
        self.seen: set[str] = set()
        self.inputs = 0
        self.full = False

    def too_large(self, path: Path) -> None:
        with path.open("rb") as lines:
            model = _model_of(lines.readline())
        # The code of this error was never captured; null is what a client must cope with.
        self.found.errors.append(
            error(
                None,
                f"The batch input file is larger than the {self.settings.max_input_bytes} maximum "
                f"for the {model} model",
            )
        )

    def check_line(self, number: int, offset: int, raw: bytes) -> None:
        if number > self.settings.max_requests:
            self._stop("requests", self.settings.max_requests)
            return
        try:
            line = orjson.loads(raw)
        except orjson.JSONDecodeError:
            line = None
        problem = next(self._problems(line), None)
        if problem is None:
            self._plan(offset, raw, line)
            return
        self.found.errors.append(problem | {"line": number})
        self.full = len(self.found.errors) >= self.settings.max_errors

    def _problems(self, line: Any) -> Iterator[Json]:
        if not isinstance(line, dict):
            yield error("invalid_json_line", "This line is not parseable as valid JSON.")
            return
        yield from self._required(line)
        yield from self._identity(line)
        yield from self._model(line["body"])
        yield from self._body(line["body"])

    def _required(self, line: Json) -> Iterator[Json]:
        for name in REQUIRED:
            if line.get(name) in (None, ""):
                message = f"Missing required parameter: '{name}'."
                yield error("missing_required_parameter", message, name)
        for name, kind in (("custom_id", str), ("body", dict)):
            if not isinstance(line.get(name), kind):
                message = f"Invalid type for '{name}': expected {kind.__name__}."
                yield error("invalid_type", message, name)

    def _identity(self, line: Json) -> Iterator[Json]:
        if line["custom_id"] in self.seen:
            yield error(
                "duplicate_custom_id",
                "The custom_id for this request is a duplicate of another request. The custom_id "
                "parameter must be unique for each request in a batch.",
                "custom_id",
            )
        self.seen.add(line["custom_id"])
        if line["method"] != "POST":  # OpenAI's own words are not published
            message = f"Invalid value: '{line['method']}'. Supported values are: 'POST'."
            yield error("invalid_value", message, "method")
        if line["url"] != self.endpoint:
            message = "The URL provided for this request does not match the batch endpoint."
            yield error("invalid_url", message, "url")

    def _model(self, body: Json) -> Iterator[Json]:
        model = body.get("model")
        if not isinstance(model, str) or not model:
            yield error("invalid_request", "Model parameter is required.", "body.model")
            return
        if model not in self.engine.models:
            message = f"The provided model '{model}' is not supported by the Batch API."
            yield error("model_not_found", message, "body.model")
        self.found.model = self.found.model or model
        if model != self.found.model:
            yield error(
                "mismatched_model",
                f"The model '{model}' for this request does not match the rest of the batch. Each "
                "batch must contain requests for a single model.",
                "body.model",
            )

    def _body(self, body: Json) -> Iterator[Json]:
        if self.endpoint == "/v1/chat/completions" and body.get("messages") is None:
            yield error("invalid_request", "Messages parameter is required.", "body.messages")
        if self.endpoint == "/v1/moderations" and body.get("input") is None:
            yield error("invalid_request", "Input parameter is required.", "body.input")
        if body.get("stream"):
            name = "Responses" if self.endpoint == "/v1/responses" else "Chat Completions"
            message = f"{name}: Streaming is not supported in the Batch API."
            yield error("streaming_unsupported", message, "body.stream")

    def _plan(self, offset: int, raw: bytes, line: Json) -> None:
        body = line["body"]
        outcome = requested_outcome(body, self.attempt) if b"small-openai:" in raw else None
        outcome = outcome or self.engine.refusal(self.endpoint, body) or ANSWERED
        self.found.requests.append(PlannedRequest(offset, line["custom_id"], outcome))
        self.found.tokens += -(-len(orjson.dumps(body)) // 4)
        if self.endpoint == "/v1/embeddings":
            self._count_inputs(body.get("input"))

    def _count_inputs(self, inputs: object) -> None:
        # A list of numbers is one input of tokens, not many inputs.
        many = isinstance(inputs, list) and not all(isinstance(item, int) for item in inputs)
        self.inputs += len(inputs) if many and isinstance(inputs, list) else 1
        if self.inputs > self.settings.max_embedding_inputs:
            self._stop("embedding inputs", self.settings.max_embedding_inputs)

    def _stop(self, what: str, limit: int) -> None:
        # OpenAI's own words are not published; the code is Azure's.
        message = f"The batch exceeds the maximum of {limit} {what}."
        self.found.errors.append(error("too_many_tasks", message))
        self.full = True


def _model_of(line: bytes) -> str:
    try:
        return str(orjson.loads(line)["body"]["model"])
    except (orjson.JSONDecodeError, LookupError, TypeError):
        return "unknown"
