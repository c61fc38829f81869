"""Reads S3's event notifications, and writes one for a file whose event was lost."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import quote_plus, unquote_plus

from shared.objects import Source


def dropped(body: str) -> Iterator[Source]:
    """The objects that S3 or its event on a bus says were created; S3's test event names none."""
    message = json.loads(body)
    if message.get("detail-type") == "Object Created":
        yield _on_bus(message["detail"])
    for record in message.get("Records", []):
        if record.get("eventName", "").removeprefix("s3:").startswith("ObjectCreated"):
            yield _source(record["s3"])


class Change(NamedTuple):
    """Something happened to an object: a hint to look at it, and when it happened."""

    source: Source
    at: datetime | None


def changed(message: dict[str, Any]) -> Iterator[Change]:
    """The objects that a notification says were created or removed."""
    for record in message.get("Records", []):
        event = record.get("eventName", "").removeprefix("s3:")
        if event.startswith(("ObjectCreated", "ObjectRemoved", "LifecycleExpiration")):
            time = record.get("eventTime")
            yield Change(_source(record["s3"]), datetime.fromisoformat(time) if time else None)


def replay_event(source: Source) -> str:
    """The notification that S3 should have sent for a file."""
    entity = {
        "key": quote_plus(source.key),
        "size": source.size,
        "eTag": source.etag,
        "versionId": source.version,
        "sequencer": source.sequencer,
    }
    s3 = {"bucket": {"name": source.bucket}, "object": entity}
    return json.dumps({"Records": [{"eventName": "ObjectCreated:Put", "s3": s3}]})


def _on_bus(detail: dict[str, Any]) -> Source:
    """EventBridge gives the key as it is."""
    entity = detail["object"]
    version = entity.get("version-id")
    return Source(
        bucket=detail["bucket"]["name"],
        key=entity["key"],
        version=version if version and version != "null" else None,
        etag=entity.get("etag", ""),
        sequencer=entity.get("sequencer", ""),
        size=entity.get("size", 0),
    )


def _source(s3: dict[str, Any]) -> Source:
    """The key comes URL-encoded, with + for a space."""
    entity = s3["object"]
    version = entity.get("versionId")
    return Source(
        bucket=s3["bucket"]["name"],
        key=unquote_plus(entity["key"]),
        version=version if version and version != "null" else None,
        etag=entity.get("eTag", ""),
        sequencer=entity.get("sequencer", ""),
        size=entity.get("size", 0),
    )
