"""OpenAI's keys: whether each can be read where it should be, and whether OpenAI takes it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import boto3
import httpx
from botocore.exceptions import ClientError

from local.ops.doctor.finding import Finding
from shared.aws.failures import code_of

MISSING = frozenset({"ParameterNotFound", "ResourceNotFoundException"})
ASKED = {  # free calls; the second needs the scope that audit needs
    "OpenAI key": "/models",
    "admin key": "/organization/audit_logs?limit=1",
}
WHERE = "https://platform.openai.com/settings/organization"


@dataclass(frozen=True)
class StoredKey:
    """A key by where it lies: a parameter's name, or a secret's ARN."""

    about: str
    parameter: str
    secret: str

    @property
    def reference(self) -> str:
        return self.secret or self.parameter

    def read(self, session: boto3.Session) -> str:
        """As it is stored. Raises ClientError."""
        if self.secret:
            found = session.client("secretsmanager").get_secret_value(SecretId=self.secret)
            return str(found["SecretString"])
        ssm = session.client("ssm")
        return ssm.get_parameter(Name=self.parameter, WithDecryption=True)["Parameter"]["Value"]

    @property
    def storing(self) -> str:
        """The command that stores one."""
        if self.secret:
            return (
                f"aws secretsmanager put-secret-value --secret-id {self.secret} "
                f"--secret-string sk-…"
            )
        return (
            f"aws ssm put-parameter --overwrite --type SecureString --name {self.parameter} "
            f"--value sk-…"
        )


def keys_of(parameters: Mapping[str, str]) -> Iterator[StoredKey]:
    """The project's key, and the admin key if the audit log is on."""
    for about, name in (("OpenAI key", "OpenAIKey"), ("admin key", "OpenAIAdminKey")):
        parameter, secret = (
            parameters.get(f"{name}{each}", "") for each in ("Parameter", "SecretArn")
        )
        if parameter or secret:
            yield StoredKey(about, parameter, secret)


def headers_of(parameters: Mapping[str, str], key: str) -> dict[str, str]:
    """What OpenAI is asked with, as the functions ask it."""
    names = {"OpenAI-Organization": "OpenAIOrganization", "OpenAI-Project": "OpenAIProject"}
    headers = {head: parameters[name] for head, name in names.items() if parameters.get(name)}
    return {**headers, "Authorization": f"Bearer {key}"}


def check_key(
    session: boto3.Session, http: httpx.Client, stored: StoredKey, parameters: Mapping[str, str]
) -> Iterator[Finding]:
    try:
        key = stored.read(session)
    except ClientError as error:
        said = "is not there" if code_of(error) in MISSING else f"can't be read: {error}"
        text = f"{stored.reference} {said}"
        yield Finding("problem", stored.about, text, stored.storing)
        return
    if key != key.strip() or not key:
        text = f"{stored.reference} holds blanks or a line's end beside the key"
        yield Finding("problem", stored.about, text, stored.storing)
        return
    yield _asked(http, stored, key, parameters)


def _asked(
    http: httpx.Client, stored: StoredKey, key: str, parameters: Mapping[str, str]
) -> Finding:
    headers = headers_of(parameters, key)
    url = parameters["OpenAIBaseUrl"].rstrip("/") + ASKED[stored.about]
    try:
        answer = http.get(url, headers=headers)
    except httpx.HTTPError as error:
        text = f"{parameters['OpenAIBaseUrl']} does not answer: {type(error).__name__}"
        return Finding(
            "warning", stored.about, text, f"curl -sS {parameters['OpenAIBaseUrl']}/models"
        )
    return _judged(stored, answer)


def _judged(stored: StoredKey, answer: httpx.Response) -> Finding:
    about, reference = stored.about, stored.reference
    match answer.status_code:
        case 200:
            return Finding("ok", about, f"OpenAI takes the one in {reference}")
        case 401:
            text = f"OpenAI refuses the one in {reference} (401)"
            return Finding("problem", about, text, stored.storing)
        case 403:
            text = f"the one in {reference} may not ask for {answer.url.path} (403)"
            scope = "api.audit_logs.read" if about == "admin key" else "Models: read, Files, Batch"
            return Finding("problem", about, text, f"give it {scope} at {WHERE}")
        case 429:
            text = f"OpenAI turns the one in {reference} away: quota or rate (429)"
            return Finding("problem", about, text, f"see {WHERE}/limits")
    return Finding("warning", about, f"OpenAI answers {answer.status_code} to {answer.url.path}")
