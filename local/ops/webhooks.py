"""`batchdrop webhook`: tells OpenAI where to say that a batch has ended, and keeps the secret."""

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import boto3
import httpx
from botocore.exceptions import BotoCoreError, ClientError

from local.ops.doctor.keys import headers_of, keys_of
from local.ops.doctor.stack import Standing
from shared.aws.failures import code_of

WANTED = (
    *("batch.completed", "batch.failed", "batch.expired", "batch.cancelled"),
    "safety.alert.created",
)
PATH = "/webhook_endpoints"
PATIENCE = 30  # seconds
UNAUTHORIZED = 401
SECRET_READ_AGAIN = 6  # seconds after which the function reads a secret again that does not fit
SHOWN = 4  # characters of a secret that OpenAI shows


class NotDone(Exception):
    """In a line, with the remedy."""


@dataclass(frozen=True)
class Hook:
    """A stack's webhook: its URL, where its secret lies, and OpenAI to talk to."""

    stack: str
    url: str
    parameter: str
    ssm: Any
    openai: httpx.Client

    @property
    def endpoint(self) -> Mapping[str, Any] | None:
        """As OpenAI has it, by its URL."""
        found = self.ask("GET", PATH, params={"limit": 100})["data"]
        return next((each for each in found if each["url"] == self.url), None)

    def known(self) -> Mapping[str, Any]:
        if endpoint := self.endpoint:
            return endpoint
        raise NotDone(f"OpenAI knows no webhook of {self.stack}: batchdrop webhook on")

    def ask(self, method: str, path: str, **call: Any) -> dict[str, Any]:
        try:
            answer = self.openai.request(method, path, **call)
        except httpx.HTTPError as error:
            raise NotDone(f"OpenAI does not answer: {type(error).__name__}") from error
        if not answer.is_success:
            raise NotDone(f"OpenAI refuses it ({answer.status_code}): {_said(answer)}")
        found: dict[str, Any] = answer.json()
        return found

    def store(self, made: Mapping[str, Any]) -> None:
        """The secret is told once, when it is made."""
        secret = made["signing_secret"]
        self.ssm.put_parameter(
            Name=self.parameter, Value=secret, Type="SecureString", Overwrite=True
        )

    def has_secret(self, endpoint: Mapping[str, Any]) -> bool:
        """Whether the stored one is this endpoint's, as far as OpenAI lets one see."""
        try:
            found = self.ssm.get_parameter(Name=self.parameter, WithDecryption=True)
        except ClientError as error:
            if code_of(error) != "ParameterNotFound":
                raise
            return False
        hint = endpoint.get("signing_secret_hint") or ""
        stored: str = found["Parameter"]["Value"]
        return not hint or stored[-SHOWN:] == hint[-SHOWN:]


def turn_on(hook: Hook) -> str:
    """Again and again it does no harm; what was left half-done is done."""
    endpoint = hook.endpoint
    if endpoint is None:
        body = {"name": f"batchdrop {hook.stack}", "url": hook.url, "event_types": list(WANTED)}
        hook.store(hook.ask("POST", PATH, json=body))
        return f"OpenAI tells {hook.url} from now on"
    one = f"{PATH}/{endpoint['id']}"
    if set(WANTED) - set(endpoint["event_types"]):
        hook.ask("POST", one, json={"event_types": list(WANTED)})
    if not hook.has_secret(endpoint):
        hook.store(hook.ask("POST", f"{one}/rotate_secret", json={}))
        return f"OpenAI knew {hook.url}; its secret was made anew, and stored"
    return f"OpenAI tells {hook.url} already"


def turn_off(hook: Hook) -> str:
    """The function stays until the stack is deployed with Webhook=off."""
    endpoint = hook.endpoint
    if endpoint:
        hook.ask("DELETE", f"{PATH}/{endpoint['id']}")
    try:
        hook.ssm.delete_parameter(Name=hook.parameter)
    except ClientError as error:
        if code_of(error) != "ParameterNotFound":
            raise
    return "OpenAI tells nothing any more; poll looks by itself (PollEveryMinutes)"


def rotate(hook: Hook) -> str:
    """OpenAI signs with both for a day, so nothing is lost until every function knows the new."""
    path = f"{PATH}/{hook.known()['id']}/rotate_secret"
    hook.store(hook.ask("POST", path, json={"keep_old_secret_active_for_24_hours": True}))
    return f"There is a new secret in {hook.parameter}; the old one counts for a day"


def send_test(hook: Hook) -> str:
    """OpenAI sends a sample, and says what the function answered."""
    path = f"{PATH}/{hook.known()['id']}/test"
    status = _tested(hook, path)
    if status == UNAUTHORIZED:  # a function that knows another secret looks again, not at once
        time.sleep(SECRET_READ_AGAIN)
        status = _tested(hook, path)
    if 200 <= status < 300:
        return f"OpenAI was answered {status}: the webhook works"
    remedy = (
        "batchdrop webhook on" if status == UNAUTHORIZED else "read the log of the function webhook"
    )
    raise NotDone(f"OpenAI was answered {status}: {remedy}")


def _tested(hook: Hook, path: str) -> int:
    """The status that the function answered."""
    return int(hook.ask("POST", path, json={"event_type": "batch.completed"})["status_code"])


ACTIONS: dict[str, Callable[[Hook], str]] = {
    "on": turn_on,
    "off": turn_off,
    "rotate": rotate,
    "test": send_test,
}


def main(action: str, stack: str, session: boto3.Session | None = None) -> int:
    """Status 0: it is done. 1: it is not, and why. 2: the stack could not be asked."""
    session = session or boto3.Session()
    try:
        standing = Standing.described(session, stack)
        if standing is None:
            print(f"There is no stack {stack}: make deploy STACK={stack}", file=sys.stderr)
            return 2
        hook = _hook(session, standing)
        with hook.openai:
            print(ACTIONS[action](hook))
    except NotDone as error:
        print(error, file=sys.stderr)
        return 1
    except (BotoCoreError, ClientError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _hook(session: boto3.Session, standing: Standing) -> Hook:
    outputs = standing.outputs
    if "WebhookUrl" not in outputs:
        raise NotDone(
            f"The stack {standing.name} has no webhook function: make deploy "
            f"STACK={standing.name}, and answer `on` for Webhook"
        )
    return Hook(
        standing.name,
        _reachable(outputs["WebhookUrl"], session),
        outputs["WebhookSecretParameterName"],
        session.client("ssm"),
        _openai(session, standing.parameters),
    )


def _reachable(url: str, session: boto3.Session) -> str:
    """A local AWS answers a function's URL under its own address."""
    endpoint = session.client("lambda").meta.endpoint_url
    if urlsplit(endpoint).hostname not in {"127.0.0.1", "localhost"}:
        return url
    name = (urlsplit(url).hostname or "").partition(".")[0]
    return f"{endpoint}/_aws/lambda-url/{name}/"


def _openai(session: boto3.Session, parameters: Mapping[str, str]) -> httpx.Client:
    """By the key that the functions use."""
    key = next(keys_of(parameters)).read(session)
    base = parameters["OpenAIBaseUrl"].rstrip("/")
    headers = headers_of(parameters, key.strip())
    return httpx.Client(base_url=base, headers=headers, timeout=PATIENCE)


def _said(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return answer.text[:200]
