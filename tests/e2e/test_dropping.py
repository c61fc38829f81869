"""Whatever is dropped, by whatever name, ends in a report: nothing in silence or a dead letter."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from time import monotonic

import pytest

from local.cli.download import fetch
from local.cli.progress import Clock, snapshots
from local.cli.run import drop
from local.world.stack import World, WorldOptions, make_world
from local.world.workspace import temporary_home
from shared.jobs.model import Job, JobState
from tests.support.batch_files import chats

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("dropping")]

NAMES = {
    "spaces and a plus": "team a/b + c d.jsonl",
    "unicode and what URLs escape": "ünï/日本語 %20&=?#.jsonl",
    "900 characters": "x" * 894 + ".jsonl",
    "1,024 bytes": "ü" * 506 + ".jsonl",
    "a name of dots": "../..jsonl",
}
REFUSED = {
    "empty": ("empty.jsonl", b""),
    "a directory marker": ("folder/", b""),
    "another suffix": ("notes.txt", chats(1)),
    "no suffix": ("notes", chats(1)),
    "binary": ("picture.jsonl", bytes(range(256)) * 40),
    "not gzip": ("packed.jsonl.gz", chats(1)),
    "half a gzip": ("half.jsonl.gz", b"\x1f\x8b\x08\x00"),
}


@dataclass(frozen=True)
class Dropping:
    """A world to drop files in, and what became of them."""

    world: World
    home: Path
    clock: Clock

    def dropped(self, file: Path, name: str) -> Job:
        job_id = drop(self.world, file, f"inbox/{name}", {})
        *_, last = snapshots(self.world, self.home, job_id, self.clock)
        assert last.job, last.trouble
        assert _becomes({"0"}, self._messages), "a message could not be worked off"
        return last.job

    def _messages(self) -> set[str]:
        """How many there are: on their way, being tried again, or dead letters."""
        sqs = self.world.client("sqs")
        queues = sqs.list_queues()["QueueUrls"]
        assert len(queues) == 9  # four, their dead letters, and those of events
        held = [sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"]) for url in queues]
        return {
            count
            for each in held
            for name, count in each["Attributes"].items()
            if name.startswith("ApproximateNumberOfMessages")
        }


def _becomes(wanted: object, look: Callable[[], object]) -> bool:
    """A message is deleted a moment after the function that worked it off is done."""
    pause, until = Event(), monotonic() + 20
    while (seen := look()) != wanted and monotonic() < until:
        pause.wait(0.1)
    return seen == wanted


@pytest.fixture(scope="module")
def dropping() -> Iterator[Dropping]:
    with temporary_home() as home:
        world = make_world(home, WorldOptions(openai=("--speed", "1000")), print)
        with Clock(world) as clock:
            yield Dropping(world, home, clock)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_any_name_gets_its_results(
    dropping: Dropping, tmp_path: Path, out: Path, name: str
) -> None:
    file = tmp_path / "requests.jsonl"
    file.write_bytes(chats(3))

    job = dropping.dropped(file, name)

    assert job.state is JobState.COMPLETED
    assert job.key == f"inbox/{name}"
    fetch(dropping.world, job, out)
    assert len((out / "results.jsonl").read_text().splitlines()) == 3


@pytest.mark.parametrize(("name", "content"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_batch_file_is_refused_with_a_report(
    dropping: Dropping, tmp_path: Path, out: Path, name: str, content: bytes
) -> None:
    file = tmp_path / "dropped"
    file.write_bytes(content)

    job = dropping.dropped(file, name)

    assert job.state is JobState.REJECTED
    fetched = [path.name for path in fetch(dropping.world, job, out)]
    assert fetched == ["report.html", "report.json"]


@pytest.mark.parametrize("name", ["requests.jsonl", "Inbox/requests.jsonl"])
def test_file_outside_the_folders_is_refused_with_a_report(dropping: Dropping, name: str) -> None:
    """Found by its path: this S3 leaves the version out of what it says on the bus."""
    s3, outputs = dropping.world.client("s3"), dropping.world.outputs
    data, folder = outputs["DataBucketName"], f"rejected/{name.removesuffix('.jsonl')}/"

    def list_reports() -> list[str]:
        found = s3.list_objects_v2(Bucket=data, Prefix=folder).get("Contents", [])
        return [each["Key"] for each in found]

    s3.put_object(Bucket=outputs["InboxBucketName"], Key=name, Body=chats(1))

    assert _becomes(2, lambda: len(list_reports()))
    (report,) = (each for each in list_reports() if each.endswith(".json"))
    assert b"wrong_place" in s3.get_object(Bucket=data, Key=report)["Body"].read()


def test_file_dropped_twice_is_held_and_runs_once_it_is_approved(
    dropping: Dropping, tmp_path: Path
) -> None:
    file = tmp_path / "requests.jsonl"
    file.write_bytes(chats(2))
    dropping.dropped(file, "twice.jsonl")
    held = drop(dropping.world, file, "inbox/twice.jsonl", {})
    assert _becomes("held", lambda: _state(dropping.world, held))
    detail = json.dumps({"job": held})
    entry = {"EventBusName": dropping.world.outputs["BusName"], "Source": "operator"}
    entry |= {"DetailType": "Approve Job", "Detail": detail}

    dropping.world.client("events").put_events(Entries=[entry])

    *_, last = snapshots(dropping.world, dropping.home, held, dropping.clock)
    assert last.job
    assert last.job.state is JobState.COMPLETED


def _state(world: World, job: str) -> str:
    found = world.client("dynamodb").get_item(
        TableName=world.outputs["LedgerTableName"],
        Key={"pk": {"S": f"JOB#{job}"}, "sk": {"S": "JOB"}},
    )
    return found["Item"]["state"]["S"] if "Item" in found else ""
