"""Reads a key by reference when it is first used, and again after a few minutes.

What is read is checked at once: a key that no header can carry would end up in the texts of errors.
"""

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from shared.aws.failures import code_of
from shared.errors import ActionRequired
from shared.telemetry import ACTIONS_REQUIRED, count
from shared.text import keep_secret

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_ssm import SSMClient

KEPT = timedelta(minutes=5)  # a rotated key is read again after this
HOW = "Store it there (aws ssm put-parameter --type SecureString …) and let this function read it"
# What is wrong with a stored key, without showing any of it; the first that is found counts.
MISTAKES = (
    (re.compile(r"\Z"), "it is empty"),
    (re.compile(r"[{\[]"), "it is JSON: store the key alone, not an object that holds it"),
    (re.compile(r"[\"'].*[\"']\Z", re.DOTALL), "it is in quotes: store it without them"),
    (re.compile(r"Bearer\s", re.IGNORECASE), "it begins with Bearer: store the key alone"),
    (re.compile(r".*[\r\n]", re.DOTALL), "it has a line end in it: store the key on one line"),
    (re.compile(r".*\s", re.DOTALL), "it has a space in it: store the key alone"),
    (re.compile(r".*[^\x21-\x7e]", re.DOTALL), "it has a character in it that no key has"),
)

SHORTEST_KEY = 16  # characters
NO_OBJECT = 'it is no JSON object of texts, such as {"api-key": "…"}'
HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
HEADER_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")


class Secret:
    """One key, held by an SSM SecureString (its name) or a Secrets Manager secret (its ARN)."""

    what = "the key"

    def __init__(
        self,
        reference: str,
        ssm: Callable[[], "SSMClient"],
        secrets_manager: Callable[[], "SecretsManagerClient"],
        now: Callable[[], datetime],
    ) -> None:
        self._reference = reference
        self._ssm = ssm
        self._secrets_manager = secrets_manager
        self._now = now
        self._value = ""
        self._read_at: datetime | None = None

    def __call__(self) -> str:
        now = self._now()
        if self._read_at is None or now - self._read_at >= KEPT:
            self._value, self._read_at = self._read(), now
        return self._value

    def forget(self) -> None:
        """The key was refused: read it again next time, as it may have been replaced."""
        self._read_at = None

    def _read(self) -> str:
        try:
            stored = self._fetch().strip()
        except ClientError as error:
            raise self._unusable(code_of(error)) from error
        if what := self._mistake(stored):
            raise self._unusable(what)
        for secret in self._secrets(stored):
            keep_secret(secret)
        return stored

    def _mistake(self, stored: str) -> str:
        return next((what for mistake, what in MISTAKES if mistake.match(stored)), "")

    def _secrets(self, stored: str) -> list[str]:
        return [stored]

    def _unusable(self, what: str) -> ActionRequired:
        count(ACTIONS_REQUIRED)
        return ActionRequired(f"{self.what} can't be read from {self._reference}: {what}. {HOW}")

    def _fetch(self) -> str:
        if self._reference.startswith("arn:"):
            secret = self._secrets_manager().get_secret_value(SecretId=self._reference)
            return secret.get("SecretString", "")
        parameter = self._ssm().get_parameter(Name=self._reference, WithDecryption=True)
        return parameter["Parameter"].get("Value", "")


class SecretHeaders(Secret):
    """Headers for every call, held as a JSON object of names and values. No reference: none."""

    what = "the headers"

    def headers(self) -> dict[str, str]:
        if not self._reference:
            return {}
        found: dict[str, str] = json.loads(self())
        return found

    def _mistake(self, stored: str) -> str:
        try:
            found = json.loads(stored)
        except ValueError:
            return NO_OBJECT
        if not isinstance(found, dict):
            return NO_OBJECT
        if any(not HEADER_NAME.fullmatch(name) for name in found):
            return "a name in it is none that a header can have"
        if any(not _is_header_value(value) for value in found.values()):
            return "a value in it is none that a header can have"
        return ""

    def _secrets(self, stored: str) -> list[str]:
        """A short value is a version or a name, and may be shown."""
        return [value for value in json.loads(stored).values() if len(value) >= SHORTEST_KEY]


def _is_header_value(value: object) -> bool:
    return isinstance(value, str) and HEADER_VALUE.fullmatch(value) is not None
