"""Reads a key by reference when it is first used, and again after a few minutes."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from shared.aws.failures import code_of
from shared.errors import ActionRequired

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_ssm import SSMClient

KEPT = timedelta(minutes=5)  # a rotated key is read again after this


class Secret:
    """One key, held by an SSM SecureString (its name) or a Secrets Manager secret (its ARN)."""

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
            return self._fetch().strip()
        except ClientError as error:
            raise ActionRequired(
                f"the key can't be read from {self._reference}: {code_of(error)}. Store it there "
                "(aws ssm put-parameter --type SecureString …) and let this function read it"
            ) from error

    def _fetch(self) -> str:
        if self._reference.startswith("arn:"):
            secret = self._secrets_manager().get_secret_value(SecretId=self._reference)
            return secret["SecretString"]
        parameter = self._ssm().get_parameter(Name=self._reference, WithDecryption=True)
        return parameter["Parameter"].get("Value", "")
