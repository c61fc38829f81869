"""The endpoints of models, called directly instead of in a batch; and the list of models."""

from collections.abc import Callable
from functools import partial

from werkzeug.wrappers import Response

from local.openai.context import Context
from local.openai.http import validation
from local.openai.http.messages import ConnectionDropped, Refusal, SmallRequest, json_answer
from local.openai.inference.engine import Engine
from local.openai.inference.models import dated
from local.openai.inference.outcomes import Outcome, requested_outcome
from local.openai.inference.spoiling import spoiled
from local.openai.inference.streaming import STREAMED, streamed

ROUTES = {
    "/v1/chat/completions": "create_chat_completion",
    "/v1/completions": "create_completion",
    "/v1/embeddings": "create_embedding",
    "/v1/moderations": "create_moderation",
    "/v1/responses": "create_response",
}
# Far from any limit, as the headers of a real answer say it.
RATE_LIMITS = {
    "x-ratelimit-limit-requests": "10000",
    "x-ratelimit-limit-tokens": "2000000",
    "x-ratelimit-remaining-requests": "9999",
    "x-ratelimit-remaining-tokens": "1999000",
    "x-ratelimit-reset-requests": "6ms",
    "x-ratelimit-reset-tokens": "30ms",
}
MODERATION_MODEL = "omni-moderation-latest"  # of a request that names none


class DirectCalls:
    def __init__(self, context: Context, engine: Engine) -> None:
        self.context = context
        self.engine = engine

    def routes(self) -> list[tuple[str, str, str, Callable[..., Response]]]:
        return [
            *(("POST", at, name, partial(self.create, at)) for at, name in ROUTES.items()),
            ("GET", "/v1/models", "list_models", self.list_models),
            ("GET", "/v1/models/<model>", "retrieve_model", self.retrieve_model),
        ]

    def create(self, endpoint: str, request: SmallRequest) -> Response:
        body = request.json_body()
        if endpoint == "/v1/moderations":
            body.setdefault("model", MODERATION_MODEL)
        model = validation.check_type(validation.require(body, "model"), "string", "model")
        self.engine.models.check(model)
        self.engine.check(endpoint, body)
        outcome = requested_outcome(body, attempt=1)
        if outcome and outcome.kind != "spoiled":
            raise _failure(outcome)
        snapshot = dated(model, self.context.settings.snapshot)
        answer = self.engine.answer(endpoint, body, snapshot, self.context.now())
        if outcome:
            return json_answer(spoiled(outcome.code or "", answer), headers=RATE_LIMITS)
        if body.get("stream") and endpoint in STREAMED:
            return _events(streamed(endpoint, answer, body))
        return json_answer(answer, headers=RATE_LIMITS)

    def list_models(self, request: SmallRequest) -> Response:
        models = self.engine.models
        return json_answer({"object": "list", "data": [models.view(each) for each in models.all()]})

    def retrieve_model(self, request: SmallRequest, model: str) -> Response:
        self.engine.models.check(model)
        return json_answer(self.engine.models.view(model))


def _failure(outcome: Outcome) -> Exception:
    if outcome.kind != "http":
        return ConnectionDropped()
    return Refusal(
        outcome.message,
        status=outcome.status,
        param=outcome.param,
        code=outcome.code,
        kind=outcome.type,
    )


def _events(events: list[bytes]) -> Response:
    return Response(events, mimetype="text/event-stream", headers=RATE_LIMITS)
