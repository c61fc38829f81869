"""S3's notifications as our words."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import quote_plus, unquote_plus

from shared.objects import Source


def dropped(body: str) -> Iterator[Source]:
    """The objects a notification names; S3's test event names none."""
    for record in json.loads(body).get("Records", []):
        if record.get("eventName", "").removeprefix("s3:").startswith("ObjectCreated"):
            yield _source(record["s3"])


class Change(NamedTuple):
    """Something happened to an object: a hint to look at it, and in which order hints came."""

    source: Source
    at: datetime | None


def changed(message: dict[str, Any]) -> Iterator[Change]:
    """The objects that a notification says were made or removed."""
    for record in message.get("Records", []):
        event = record.get("eventName", "").removeprefix("s3:")
        if event.startswith(("ObjectCreated", "ObjectRemoved", "LifecycleExpiration")):
            time = record.get("eventTime")
            yield Change(_source(record["s3"]), datetime.fromisoformat(time) if time else None)


def replay_event(source: Source) -> str:
    """The notification that S3 would have sent, for a file that nobody heard of."""
    thing = {
        "key": quote_plus(source.key),
        "size": source.size,
        "eTag": source.etag,
        "versionId": source.version,
        "sequencer": source.sequencer,
    }
    named = {"bucket": {"name": source.bucket}, "object": thing}
    return json.dumps({"Records": [{"eventName": "ObjectCreated:Put", "s3": named}]})


def _source(s3: dict[str, Any]) -> Source:
    """The key comes URL-encoded, with + for a space."""
    thing = s3["object"]
    version = thing.get("versionId")
    return Source(
        bucket=s3["bucket"]["name"],
        key=unquote_plus(thing["key"]),
        version=version if version and version != "null" else None,
        etag=thing.get("eTag", ""),
        sequencer=thing.get("sequencer", ""),
        size=thing.get("size", 0),
    )
