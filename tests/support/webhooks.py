"""Webhooks as OpenAI signs them, made by the standard and not by our own code."""

import base64
import hashlib
import hmac
import json
from datetime import datetime
from typing import Any

SECRET = "whsec_" + base64.b64encode(b"a signing secret of 32 bytes....").decode()
OTHER = "whsec_" + base64.b64encode(b"another secret, as it was before").decode()


def signature(secret: str, id_: str, timestamp: str, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = b".".join((id_.encode(), timestamp.encode(), body))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def event(kind: str, about: str = "batch_1") -> bytes:
    told = {"id": f"evt_{kind}", "object": "event", "type": kind, "created_at": 1_793_491_200}
    return json.dumps(told | {"data": {"id": about}}).encode()


def signed(
    body: bytes, now: datetime, *secrets: str, id_: str = "wh_1", **headers: str
) -> dict[str, str]:
    """The headers of a webhook."""
    timestamp = str(int(now.timestamp()))
    signatures = (signature(each, id_, timestamp, body) for each in secrets or (SECRET,))
    return {
        "webhook-id": id_,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(signatures),
        "content-type": "application/json",
    } | headers


def called(headers: dict[str, str], body: bytes, *, encoded: bool = False) -> dict[str, Any]:
    """The event of a Function URL."""
    text = base64.b64encode(body).decode() if encoded else body.decode(errors="replace")
    return {
        "version": "2.0",
        "rawPath": "/",
        "headers": headers,
        "requestContext": {"http": {"method": "POST", "path": "/", "sourceIp": "203.0.113.7"}},
        "body": text,
        "isBase64Encoded": encoded,
    }
