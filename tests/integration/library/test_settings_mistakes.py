"""A mistake in library.yaml, in a sidecar or in a name changes nothing, and is told."""

import json
from typing import Any

import pytest

from functions.library.flow import keep_in_sync
from functions.poll.sweep import sweep
from shared.errors import TryLater
from tests.support.libraries import Folder
from tests.support.names import INBOX
from tests.support.refusing_s3 import Refusal, RefusingSession
from tests.support.s3_messages import library_changed
from tests.support.world import World

CATS, DOGS = "Cats sleep sixteen hours a day.", "Dogs bark at strangers."


UNREADABLE = [
    "since: 2026-02-30",
    "on_delete: !!bool maybe",
    "store: !!timestamp now",
    "suffixes: !!int .md",
    "on_delete: =",
    "on_delete: [retain",
    "? [a]\n: b",
    "a: &a [*a]",
    "\x00",
    "a: " + "[" * 200,
    "x" * 70_000,
]


def test_unreadable_settings_change_nothing_and_are_told_once(folder: Folder, world: World) -> None:
    folder.put("cats.md", CATS)
    folder.settle()
    folder.delete("cats.md", notify=False)
    for text in UNREADABLE:
        folder.put("library.yaml", text)
        world.published()
        for _ in range(2):
            folder.tick(seconds=1_800)

        assert world.subjects().count("Library Settings Refused") == 1, text
        library = world.edges.library_table.library("handbook")
        assert library
        assert library.leased_until is None
        assert folder.report()["settings_problems"][0]["remedy"]
    folder.send(folder.delete("cats.md", notify=False))
    folder.tick()
    assert folder.texts() == [CATS]

    folder.set(on_delete="delete")
    folder.settle()
    assert folder.texts() == []


@pytest.mark.parametrize("call", ["HeadObject", "GetObject"])
def test_settings_that_s3_does_not_give_change_nothing_and_are_told(
    folder: Folder, world: World, call: str
) -> None:
    folder.set(on_delete="retain")
    folder.put("cats.md", CATS)
    folder.settle()
    folder.delete("cats.md")
    shut = {"is": True}
    refusal = Refusal(403, "AccessDenied", "kms:Decrypt")
    session = RefusingSession(refusal, call, while_=lambda: shut["is"], within="library.yaml")
    edges = world.connect(session)
    for _ in range(3):
        folder.tick(edges, 1_000)

    assert folder.texts() == [CATS]
    assert world.subjects().count("Library Settings Refused") == 1

    shut["is"] = False
    folder.tick(edges, 1_000)
    folder.settle()
    assert folder.texts() == [CATS]
    assert folder.in_sync


def test_lease_is_given_back_when_the_settings_cannot_be_read_now(
    folder: Folder, world: World
) -> None:
    folder.put("cats.md", CATS)
    busy = RefusingSession(Refusal(503, "SlowDown"), "HeadObject", while_=lambda: True)
    world.clock.advance(seconds=60)
    with pytest.raises(TryLater):
        keep_in_sync(world.connect(busy), {"library": "handbook"})

    library = world.edges.library_table.library("handbook")
    assert library
    assert library.leased_until is None


@pytest.mark.parametrize("fault", ["missing", "expired"])
def test_store_that_is_not_there_is_refused_before_the_good_one_is_let_go(
    folder: Folder, world: World, fault: str
) -> None:
    folder.put("cats.md", CATS)
    folder.settle()
    good = folder.store.id
    named = "vs_mistyped"
    if fault == "expired":
        expiry: Any = {"anchor": "last_active_at", "days": 1}
        named = world.edges.vector_stores.create({"expires_after": expiry}).id
        world.clock.advance(days=2)
    folder.set(store=named)
    folder.put("dogs.md", DOGS)
    for _ in range(3):
        folder.tick()

    library = world.edges.library_table.library("handbook")
    assert library
    assert library.store_id == good
    assert world.subjects().count("Library Settings Refused") == 1
    (problem,) = folder.report()["settings_problems"]
    assert (problem["param"], named in problem["message"]) == ("store", True)

    folder.set(store=good)
    folder.settle()
    assert sorted(each.text for each in world.small.stores[good].documents.values()) == [CATS, DOGS]


def test_named_store_that_is_made_later_is_found(folder: Folder, world: World) -> None:
    world.small.misbehave("not_found", times=2, route="retrieve_store")
    made = world.edges.vector_stores.create({"name": "mine"}).id
    folder.set(store=made)
    folder.put("cats.md", CATS)
    for _ in range(4):
        folder.tick(seconds=1_000)
    folder.settle()

    assert folder.texts() == [CATS]


def test_own_store_may_be_named_and_no_longer_be_named(folder: Folder, world: World) -> None:
    folder.put("cats.md", CATS)
    folder.settle()
    folder.set(store=folder.store.id)
    folder.settle()
    folder.put("dogs.md", DOGS)
    folder.delete("library.yaml")
    folder.settle()

    assert folder.texts() == [CATS, DOGS]
    assert "no longer used" not in json.dumps(folder.report()["repaired"])


def test_bound_store_that_expires_is_told_and_not_replaced(folder: Folder, world: World) -> None:
    expiry: Any = {"anchor": "last_active_at", "days": 1}
    made = world.edges.vector_stores.create({"expires_after": expiry}).id
    folder.set(store=made)
    folder.put("cats.md", CATS)
    folder.settle()
    world.clock.advance(days=3)
    folder.reconcile()
    for _ in range(50):
        folder.tick()

    assert list(world.small.stores) == [made]
    assert world.subjects().count("Library Waiting") == 1
    assert "has expired" in folder.report()["reason"]
    assert folder.calls("POST", f"/v1/vector_stores/{made}/file_batches") == 1


def test_emptied_folder_keeps_what_its_deleted_settings_retained(
    folder: Folder, world: World
) -> None:
    """`aws s3 rm --recursive` takes library.yaml along, in any order."""
    folder.set(on_delete="retain")
    folder.put("cats.md", CATS)
    folder.settle()
    folder.delete("library.yaml")
    folder.delete("cats.md")
    folder.settle()

    assert folder.texts() == [CATS]
    assert "still counts" in " ".join(folder.report()["notes"])

    folder.set(on_delete="delete")
    folder.settle()
    assert folder.texts() == []


def test_object_in_no_library_is_told_and_stops_no_sweep(folder: Folder, world: World) -> None:
    keys = ["libraries//x.md", "libraries/x.md", "libraries//library.yaml"]
    for key in keys:
        world.s3.put_object(Bucket=INBOX, Key=key, Body=b"text")
        keep_in_sync(world.edges, library_changed(key, "ObjectCreated:Put", world.clock(), 7))
    folder.put("cats.md", CATS)
    for _ in range(2):
        world.clock.advance(days=1)
        sweep(world.edges)
        world.run_functions()
    folder.settle()

    assert folder.texts() == [CATS]
    assert world.subjects().count("Document Failed") == len(keys)


def test_lock_and_system_files_are_passed_over_quietly(folder: Folder, world: World) -> None:
    folder.put("cats.md", CATS)
    folder.settle()
    world.published()
    names = [
        *(".DS_Store", "._plan.docx", "~$plan.docx", "a/.git/config.txt", "Thumbs.db"),
        *("b/desktop.ini", ".~lock.plan.docx#", "__MACOSX/x.txt"),
    ]
    for name in names * 2:
        folder.put(name, f"{name} is saved")
    folder.reconcile()
    folder.settle()

    assert folder.uploads() == 1
    assert world.subjects() == []
    assert folder.states() == {"cats.md": "searchable"}
    report = folder.report()
    assert (report["passed_over"], report["passed_over_names"]) == (len(names), sorted(names))


def test_file_that_may_be_meant_as_settings_is_told(folder: Folder, world: World) -> None:
    folder.put("cats.md", CATS)
    names = ["library.yml", "Library.yaml", "libary.yaml", "library.yaml.txt"]
    for name in names:
        folder.put(name, "on_delete: retain")
    folder.settle()

    told = [each["Message"] for each in world.published() if "Document Failed" in each["Subject"]]
    assert len(told) == len(names)
    assert all("call it library.yaml" in each for each in told)
    assert folder.uploads() == 1


def test_sidecar_belongs_to_its_document_however_its_name_is_composed(folder: Folder) -> None:
    folder.put("caf\u00e9.md", CATS)
    folder.describe("cafe\u0301.md", year=2026)
    folder.settle()

    assert folder.searchable[0].attributes == {"year": 2026}


def test_sidecars_in_the_long_form_and_with_a_byte_order_mark(folder: Folder) -> None:
    folder.put("cats.md", CATS)
    long = {
        "metadataAttributes": {
            "team": {
                "value": {"type": "STRING", "stringValue": "search"},
                "includeForEmbedding": True,
            },
            "year": {"value": {"type": "NUMBER", "numberValue": 2026}},
            "draft": {"value": {"type": "BOOLEAN", "booleanValue": False}},
            "plain": "yes",
        }
    }
    folder.put("cats.md.metadata.json", "\ufeff" + json.dumps(long))
    folder.settle()

    wanted = {"team": "search", "year": 2026, "draft": False, "plain": "yes"}
    assert folder.searchable[0].attributes == wanted


@pytest.mark.parametrize("event", ["Delete", "DeleteMarkerCreated"])
def test_document_that_a_lifecycle_rule_deletes_is_taken_out(
    folder: Folder, world: World, event: str
) -> None:
    folder.put("cats.md", CATS)
    folder.put("dogs.md", DOGS)
    folder.settle()
    folder.delete("cats.md", notify=False)
    name = f"LifecycleExpiration:{event}"
    folder.send(library_changed(folder.key("cats.md"), name, world.clock(), 99))
    folder.settle()

    assert folder.texts() == [DOGS]
