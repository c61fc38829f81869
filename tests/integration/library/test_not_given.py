"""What S3 or OpenAI does not take or give for now waits; the old version answers meanwhile."""

from typing import Any

import pytest

from tests.support.libraries import Folder
from tests.support.refusing_s3 import Refusal, RefusingSession
from tests.support.wires import TwistedWire, refused
from tests.support.world import World

CATS, NEW, DOGS = "Cats sleep sixteen hours a day.", "Cats purr.", "Dogs bark at strangers."
KMS = Refusal(403, "AccessDenied", "not authorized to perform kms:Decrypt")
ARCHIVED = Refusal(403, "InvalidObjectState", "The operation is not valid for its storage class")
KEYLESS = Refusal(400, "InvalidRequest", "The object was stored using a form of SSE")


class Lock:
    """Objects under this name are not given while it is shut."""

    def __init__(self, world: World, refusal: Refusal, name: str, *calls: str) -> None:
        self.shut = True
        session = RefusingSession(
            refusal, *(calls or ("GetObject",)), while_=lambda: self.shut, within=name
        )
        self.edges = world.connect(session)


def ticks(folder: Folder, lock: Lock, number: int, seconds: float = 60) -> None:
    for _ in range(number):
        folder.tick(lock.edges, seconds)


@pytest.mark.parametrize(
    ("refusal", "calls"),
    [
        (KMS, ("GetObject",)),
        (ARCHIVED, ("GetObject",)),
        (KEYLESS, ("HeadObject", "GetObject")),
        (KMS, ("HeadObject", "GetObject")),
    ],
    ids=["kms", "archived", "keyless", "kms at once"],
)
def test_object_that_s3_does_not_give_stops_no_other(
    folder: Folder, world: World, refusal: Refusal, calls: tuple[str, ...]
) -> None:
    folder.put("cats.md", CATS)
    folder.settle()
    lock = Lock(world, refusal, "cats.md", *calls)
    changed = folder.put("cats.md", NEW, notify=False)
    folder.send(changed, lock.edges)
    folder.send(folder.put("dogs.md", DOGS, notify=False), lock.edges)
    ticks(folder, lock, 5)

    assert folder.texts() == [CATS, DOGS]
    assert folder.states() == {"cats.md": "not given", "dogs.md": "searchable"}
    assert not folder.in_sync
    assert world.subjects().count("Document Failed") == 1

    lock.shut = False
    ticks(folder, lock, 10, 900)
    assert folder.texts() == [NEW, DOGS]
    assert folder.in_sync


def test_scan_notes_the_others_beside_an_object_that_is_not_given(
    folder: Folder, world: World
) -> None:
    lock = Lock(world, ARCHIVED, "bad.md")
    for name in ("bad.md", "cats.md", "dogs.md"):
        folder.put(name, f"Text of {name}.", notify=False)
    folder.send({"library": folder.name, "reconcile": True}, lock.edges)
    ticks(folder, lock, 4)

    assert folder.states() == {
        "bad.md": "not given",
        "cats.md": "searchable",
        "dogs.md": "searchable",
    }
    assert not folder.in_sync
    ticks(folder, lock, 30)
    assert world.subjects().count("Document Failed") == 1


def test_object_that_is_not_given_is_read_less_and_less_often(folder: Folder, world: World) -> None:
    lock = Lock(world, KMS, "cats.md")
    folder.send(folder.put("cats.md", CATS, notify=False), lock.edges)
    ticks(folder, lock, 2 * 24 * 3, 1_200)

    document = world.edges.library_table.document("handbook", "cats.md")
    assert document
    assert 5 < document.reads < 25


def test_object_archived_between_reading_and_upload_fails_and_is_told(
    folder: Folder, world: World
) -> None:
    lock = Lock(world, ARCHIVED, "cats.md")
    folder.put("cats.md", CATS)
    folder.put("dogs.md", DOGS)
    ticks(folder, lock, 12, 600)

    assert folder.states() == {"cats.md": "failed", "dogs.md": "searchable"}
    assert "InvalidObjectState" in folder.report()["documents"][0]["error"]

    lock.shut = False
    folder.reconcile()
    folder.settle()
    assert folder.states()["cats.md"] == "searchable"


def test_broken_sidecar_and_one_that_is_not_given_leave_the_attributes(
    folder: Folder, world: World
) -> None:
    folder.put("cats.md", CATS)
    folder.describe("cats.md", year=2025)
    folder.settle()
    lock = Lock(world, KMS, "cats.md.metadata.json")
    folder.send(folder.put("cats.md.metadata.json", "{}", notify=False), lock.edges)
    ticks(folder, lock, 3)
    assert folder.searchable[0].attributes == {"year": 2025}

    lock.shut = False
    folder.put("cats.md.metadata.json", "{}")
    folder.put("cats.md.metadata.json", '{"metadataAttributes": {"a": []}}')
    folder.settle()

    assert folder.searchable[0].attributes == {"year": 2025}
    told = [each["Message"] for each in world.published() if "Document Failed" in each["Subject"]]
    assert len(told) == 3  # each mistake
    folder.describe("cats.md", year=2026)
    folder.settle()
    assert folder.searchable[0].attributes == {"year": 2026}


PASSING: list[dict[str, Any]] = [
    {"status": 400, "message": "You have exceeded your file storage quota."},
    {"status": 429, "code": "insufficient_quota", "message": "You exceeded your current quota."},
    {"status": 401, "code": "invalid_api_key", "message": "Incorrect API key provided."},
    {"status": 405, "message": "Method not allowed."},
]


@pytest.mark.parametrize("words", PASSING, ids=[str(each["status"]) for each in PASSING])
def test_upload_refused_for_what_may_pass_waits_and_the_old_version_answers(
    folder: Folder, world: World, words: dict[str, Any]
) -> None:
    folder.put("cats.md", CATS)
    folder.settle()
    world.small.misbehave("refused", times=None, route="upload", **words)
    folder.put("cats.md", NEW)
    for _ in range(8):
        folder.tick(seconds=4 * 3_600)

    assert folder.texts() == [CATS]
    assert folder.states() == {"cats.md": "indexing"}
    assert folder.report()["documents"][0]["previous_version_answers"]
    assert world.subjects().count("Library Waiting") == 1
    assert words["message"].split(" ")[0] in folder.report()["reason"]

    world.small.clear_quirks()
    folder.tick(seconds=3_600)
    folder.settle()
    assert folder.texts() == [NEW]


def test_key_that_is_refused_is_told_at_once(folder: Folder, world: World) -> None:
    world.small.misbehave("unauthorized", times=None)
    folder.put("cats.md", CATS)
    folder.tick()

    assert world.subjects().count("Library Waiting") == 1


def test_waiting_that_passes_is_told_after_an_hour_and_once(folder: Folder, world: World) -> None:
    world.small.misbehave("rate_limited", times=None, route="upload")
    folder.put("cats.md", CATS)
    for _ in range(30):
        folder.tick()
    assert "Library Waiting" not in world.subjects()
    for _ in range(60):
        folder.tick()
    assert world.subjects().count("Library Waiting") == 1


def test_upload_refused_for_good_is_tried_when_dropped_again(folder: Folder, world: World) -> None:
    world.small.misbehave("refused", times=1, route="upload", status=400, message="No.")
    folder.put("cats.md", CATS)
    folder.settle()
    assert folder.states() == {"cats.md": "failed"}

    folder.put("cats.md", CATS)
    folder.settle()
    assert folder.states() == {"cats.md": "searchable"}


def test_uploads_that_openai_never_takes_keep_no_other_from_the_store(
    folder: Folder, world: World
) -> None:
    wire = TwistedWire(world.small.transport())
    wire.before = lambda request: (
        refused(503, "The engine is overloaded.") if CATS.encode() in request.content else None
    )
    edges = world.connect(transport=wire)
    folder.put("dogs.md", DOGS, notify=False)

    for number in range(13):  # there is always one that was not tried yet
        folder.put(f"cats{number}.md", f"{CATS} {number}", notify=False)
        folder.send({"library": folder.name, "reconcile": True}, edges)
        folder.tick(edges)

    assert folder.texts() == [DOGS]
    assert folder.states()["dogs.md"] == "searchable"
