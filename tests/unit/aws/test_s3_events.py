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


def test_a_real_event_names_its_object() -> None:
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
def test_a_key_comes_url_encoded(written: str, key: str) -> None:
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
def test_however_an_object_came_it_is_told(name: str) -> None:
    assert len(sources(record(name))) == 1


@pytest.mark.parametrize("name", ["ObjectRemoved:Delete", "s3:TestEvent", ""])
def test_what_is_no_new_object_is_let_go(name: str) -> None:
    assert sources(record(name)) == []


@pytest.mark.parametrize("body", ['{"Service": "Amazon S3", "Event": "s3:TestEvent"}', "{}"])
def test_a_notification_may_name_nothing(body: str) -> None:
    assert list(dropped(body)) == []


@pytest.mark.parametrize("version", [None, "null", ""])
def test_without_a_version_etag_and_sequencer_identify(version: str | None) -> None:
    (source,) = sources(record(versionId=version, eTag="e", sequencer="s", size=3))

    assert source == Source(bucket="b", key="k", etag="e", sequencer="s", size=3)


def test_a_notification_may_name_several() -> None:
    assert [each.key for each in sources(record(key="a"), record(key="b"))] == ["a", "b"]


@bounded
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.none() | st.just("v1"))
def test_what_we_ring_ourselves_is_heard_as_s3s(key: str, version: str | None) -> None:
    source = Source(bucket="b", key=key, version=version, etag="e", sequencer="s", size=7)

    assert list(dropped(replay_event(source))) == [source]
