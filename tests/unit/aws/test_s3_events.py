"""S3's notifications, with every oddity of their keys."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.aws.s3_events import dropped, replay_event
from shared.objects import Source
from tests.support.splits import bounded

EVENT = Path(__file__).parents[3] / "events" / "s3_object_created.json"


def record(name: str = "ObjectCreated:Put", **thing: Any) -> dict[str, Any]:
    return {"eventName": name, "s3": {"bucket": {"name": "b"}, "object": {"key": "k"} | thing}}


def sources(*records: dict[str, Any]) -> list[Source]:
    return list(dropped(json.dumps({"Records": records})))


def test_dropped_reads_a_real_event() -> None:
    (source,) = dropped(EVENT.read_text())

    assert source.bucket
    assert source.key.startswith("inbox/")
    assert source.size > 0


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("inbox/a+b.jsonl", "inbox/a b.jsonl"),
        ("inbox/a%2Bb.jsonl", "inbox/a+b.jsonl"),
        ("inbox/%C3%BC.jsonl", "inbox/ü.jsonl"),
        ("inbox/a%252Fb.jsonl", "inbox/a%2Fb.jsonl"),
        ("inbox/%F0%9F%98%80%0A.jsonl", "inbox/😀\n.jsonl"),
        ("inbox/folder/", "inbox/folder/"),
    ],
)
def test_dropped_decodes_the_key(written: str, key: str) -> None:
    assert [each.key for each in sources(record(key=written))] == [key]


@pytest.mark.parametrize(
    "name",
    [
        "ObjectCreated:Put",
        "ObjectCreated:CompleteMultipartUpload",
        "ObjectCreated:Copy",
        "s3:ObjectCreated:Put",
    ],
)
def test_dropped_knows_every_way_to_create_an_object(name: str) -> None:
    assert len(sources(record(name))) == 1


@pytest.mark.parametrize("name", ["ObjectRemoved:Delete", "s3:TestEvent", ""])
def test_dropped_ignores_events_of_other_kinds(name: str) -> None:
    assert sources(record(name)) == []


@pytest.mark.parametrize("body", ['{"Service": "Amazon S3", "Event": "s3:TestEvent"}', "{}"])
def test_dropped_accepts_a_message_without_objects(body: str) -> None:
    assert list(dropped(body)) == []


@pytest.mark.parametrize("version", [None, "null", ""])
def test_source_without_a_version_is_identified_by_etag_and_sequencer(version: str | None) -> None:
    (source,) = sources(record(versionId=version, eTag="e", sequencer="s", size=3))

    assert source == Source(bucket="b", key="k", etag="e", sequencer="s", size=3)


def test_dropped_reads_every_object_of_a_message() -> None:
    assert [each.key for each in sources(record(key="a"), record(key="b"))] == ["a", "b"]


@bounded
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.none() | st.just("v1"))
def test_replay_event_is_read_like_an_event_of_s3(key: str, version: str | None) -> None:
    source = Source(bucket="b", key=key, version=version, etag="e", sequencer="s", size=7)

    assert list(dropped(replay_event(source))) == [source]
