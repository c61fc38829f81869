"""A file that lies in none of the folders gets a report, with the command that moves it."""

import json

import pytest

from functions.intake.flow import take_in
from shared.aws.s3_events import dropped
from shared.jobs.model import JobState
from tests.support.batch_files import chats
from tests.support.names import INBOX
from tests.support.world import World

REQUESTS = [
    ("a.jsonl", "inbox/a.jsonl"),
    ("Inbox/a.jsonl", "inbox/a.jsonl"),
    ("INBOX/deep/er/a.jsonl", "inbox/deep/er/a.jsonl"),
    ("/inbox/a.jsonl", "inbox/a.jsonl"),
    ("inbox", "inbox/inbox"),
    ("in box/it's a.jsonl", "inbox/in box/it's a.jsonl"),
    ("data/é.jsonl", "inbox/data/é.jsonl"),
    ("notes.txt", "inbox/notes.txt"),
    ("Libraries/manual/a.md", "libraries/manual/a.md"),
    ("library/manual/a.md", "libraries/manual/a.md"),
    ("/libraries/manual/a.md", "libraries/manual/a.md"),
    ("libraries", "inbox/libraries"),
]


def on_the_bus(key: str, version: str) -> str:
    """What S3 says on EventBridge: the key as it is, other names than in a notification."""
    entity = {"key": key, "size": 5, "etag": "e", "version-id": version, "sequencer": "00A"}
    detail = {"version": "0", "bucket": {"name": INBOX}, "object": entity}
    return json.dumps({"source": "aws.s3", "detail-type": "Object Created", "detail": detail})


@pytest.mark.parametrize(("key", "right"), REQUESTS)
def test_misplaced_file_is_told_with_the_command_that_moves_it(
    world: World, key: str, right: str
) -> None:
    version = world.s3.put_object(Bucket=INBOX, Key=key, Body=chats(1))["VersionId"]

    (source,) = dropped(on_the_bus(key, version))
    job = take_in(world.edges, source)

    assert (source.key, source.version) == (key, version)
    assert job.state is JobState.REJECTED
    (problem,) = world.report(job)["problems"]
    assert problem["code"] == "wrong_place"
    quoted = right.replace("'", """'"'"'""")
    assert f"s3://{INBOX}/{quoted}" in problem["remedy"]
    assert problem["remedy"].startswith("move it to where it belongs: aws s3 mv ")
    assert len(world.small.files) == 0


def test_same_object_said_twice_in_both_ways_is_one_job(world: World) -> None:
    put = world.s3.put_object(Bucket=INBOX, Key="inbox/a.jsonl", Body=chats(1))
    (source,) = dropped(on_the_bus("inbox/a.jsonl", put["VersionId"]))

    job = take_in(world.edges, source)
    world.notify("inbox/a.jsonl", put["VersionId"])
    world.run_until_over(job.id)

    assert world.job(job.id).state is JobState.COMPLETED
    assert len(world.small.billed) == 1


def test_other_events_on_the_bus_name_no_file() -> None:
    deleted = on_the_bus("a.jsonl", "1").replace("Object Created", "Object Deleted")

    assert list(dropped(deleted)) == []
