"""Whether a webhook is OpenAI's: Standard Webhooks, verified over the raw body.

https://github.com/standard-webhooks/standard-webhooks; agrees with the official client's
`webhooks.verify_signature`, message by message (tests/unit/webhook).
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterator, Mapping
from datetime import datetime

TOLERANCE = 300  # seconds, either way
PREFIX = "whsec_"
ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"


def looks_signed(headers: Mapping[str, str]) -> bool:
    """Whether there is anything to verify; a stranger mostly has nothing. Names in lower case."""
    return all(headers.get(name) for name in (ID, TIMESTAMP, SIGNATURE))


def is_signed(headers: Mapping[str, str], body: bytes, secret: str, now: datetime) -> bool:
    """Whether one of the signatures is right, and made within five minutes. Names in lower case.

    There may be several while a secret is being rotated.
    """
    if not looks_signed(headers) or not _is_recent(headers[TIMESTAMP], now) or not _is_text(body):
        return False
    signed = f"{headers[ID]}.{headers[TIMESTAMP]}.".encode() + body
    expected = base64.b64encode(hmac.new(_key(secret), signed, hashlib.sha256).digest()).decode()
    for signature in _signatures(headers[SIGNATURE]):
        if not signature.isascii():
            return False
        if hmac.compare_digest(expected, signature):
            return True
    return False


def is_secret(secret: str) -> bool:
    """Whether it can be one: what comes behind the prefix is Base64."""
    try:
        return bool(_key(secret))
    except binascii.Error:
        return False


def _is_recent(timestamp: str, now: datetime) -> bool:
    try:
        seconds = int(timestamp)
    except ValueError:
        return False
    return abs(int(now.timestamp()) - seconds) <= TOLERANCE


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _key(secret: str) -> bytes:
    if secret.startswith(PREFIX):
        return base64.b64decode(secret.removeprefix(PREFIX))
    return secret.encode()


def _signatures(header: str) -> Iterator[str]:
    """Each is `v1,` and Base64."""
    return (each.removeprefix("v1,") for each in header.split())
