"""OpenAI calls the function's URL. It hears 2xx, or 401 if it is not OpenAI; 500 is tried again."""

import base64
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.webhook.edges import WebhookEdges
from functions.webhook.flow import Receiver, Webhook
from shared.telemetry import count_outcome, logger, measured, traced_handler

STATUS = {"stranger": 401}
receiver = cache(lambda: Receiver(WebhookEdges.in_lambda()))


@logger.inject_lambda_context
@traced_handler
@measured
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """A Function URL's event, of format 2.0."""
    outcome = receiver().receive(_webhook(event))
    count_outcome("webhook", outcome)
    if outcome != "stranger":  # of strangers there may be many
        logger.info("webhook has run", outcome=outcome)
    return {"statusCode": STATUS.get(outcome, 200)}


def _webhook(event: dict[str, Any]) -> Webhook:
    headers = {name.lower(): value for name, value in event.get("headers", {}).items()}
    body = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return Webhook(headers, body.encode(errors="surrogatepass"))
    try:
        return Webhook(headers, base64.b64decode(body))
    except ValueError:
        return Webhook(headers, b"")
