"""What S3 writes of a change in the inbox, made from the real messages in `events/`."""

import json
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import quote_plus

from local.paths import ROOT
from tests.support.names import INBOX

CREATED, REMOVED = "ObjectCreated:Put", "ObjectRemoved:DeleteMarkerCreated"
ETAG, SEQUENCER = "d41d8cd98f00b204e9800998ecf8427e", "0055AED6DCD90281E5"


def object_created(key: str, version: str, size: int = 0) -> str:
    """A file was dropped."""
    item = {"versionId": version, "size": size, "eTag": ETAG, "sequencer": SEQUENCER}
    return json.dumps(_event("s3_object_created.json", key, item))


def library_changed(key: str, event: str, at: datetime, sequence: int) -> dict[str, Any]:
    """A document was put or taken away."""
    change = _event("library_changed.json", key, {"sequencer": f"{sequence:016X}"})
    change["Records"][0] |= {"eventName": event, "eventTime": at.isoformat()}
    return change


def _event(sample: str, key: str, item: dict[str, Any]) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(_sample(sample))
    (record,) = event["Records"]
    record["s3"]["bucket"]["name"] = INBOX
    record["s3"]["object"] = item | {"key": quote_plus(key)}
    return event


@cache
def _sample(name: str) -> str:
    return (ROOT / "events" / name).read_text()
