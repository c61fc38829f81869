"""A store that is gone is noticed when it is asked, and made anew; a good one is not given up."""

import json
from contextlib import suppress
from typing import Any

import pytest

from functions.poll.sweep import sweep
from functions.submit.flow import submit
from local.openai.stores.models import Document
from shared.errors import TryLater
from shared.jobs.part import Part
from tests.support.batch_files import chat, lines, question
from tests.support.interrupts import Interrupt, Killed
from tests.support.libraries import Folder
from tests.support.survival import interrupted_edges
from tests.support.world import World

CATS, DOGS = "Cats sleep sixteen hours a day.", "Dogs bark at strangers."
QUESTIONS = lines([question("How long do cats sleep?", "library:handbook"), chat("r", "Hello")])
PARTS = 2  # of these questions


def delete_store(folder: Folder) -> str:
    store = folder.store.id
    folder.world.edges.openai.call_with_retries("DELETE", f"/vector_stores/{store}")
    return store


def answer(world: World, job: str, name: str) -> dict[str, Any]:
    results = {each["custom_id"]: each for each in world.results(world.job(job))}
    body: dict[str, Any] = results[name]["response"]["body"]
    return body


def asked_stores(world: World, job: str) -> set[str]:
    """The stores that its parts named as they were submitted."""
    found: set[str] = set()
    for part in world.parts(job):
        source = part.source
        body = world.s3.get_object(Bucket=source.bucket, Key=source.key)["Body"].read()
        for line in body[source.start : source.start + source.length].splitlines():
            for tool in json.loads(line)["body"].get("tools", []):
                found |= set(tool["vector_store_ids"])
    return found


@pytest.mark.parametrize("how", ["deleted", "expired"])
def test_store_lost_before_the_question_is_made_anew_first(
    folder: Folder, world: World, how: str
) -> None:
    folder.set(expires_after={"anchor": "last_active_at", "days": 7})
    folder.put("cats.md", CATS)
    folder.settle()
    first = folder.store.id
    if how == "deleted":
        delete_store(folder)
    else:
        world.clock.advance(days=8)

    job = world.drop("questions.jsonl", QUESTIONS)
    world.run_until_over(job)

    second = world.edges.library_table.library("handbook")
    assert second
    assert second.store_id != first
    said = answer(world, job, "How long do cats sleep?")["output"][-1]["content"][0]
    assert CATS in said["text"]
    assert asked_stores(world, job) == {second.store_id}


def test_store_lost_between_reading_and_asking_is_asked_by_its_new_id(
    folder: Folder, world: World
) -> None:
    """The part waits for its library while its lines name a store that is gone."""
    folder.put("cats.md", CATS)
    folder.settle()
    folder.put("dogs.md", DOGS, notify=False)
    job = world.drop("questions.jsonl", QUESTIONS)
    world.run_functions()  # the lines are read, and the part waits for dogs.md
    first = delete_store(folder)

    world.run_until_over(job)

    assert world.job(job).state == "completed"
    assert first not in asked_stores(world, job)
    said = answer(world, job, "How long do cats sleep?")["output"][-1]["content"][0]
    assert CATS in said["text"]


@pytest.mark.parametrize("first", range(1, 5))
def test_no_question_goes_to_the_new_store_before_it_holds_what_the_old_one_did(
    folder: Folder, world: World, first: int
) -> None:
    """The sync that makes it dies at every call, one further each time."""
    folder.put("cats.md", CATS)
    folder.put("dogs.md", DOGS)
    folder.settle()
    world.small.misbehave("error_503_before", times=PARTS, route="create_batch")
    job = world.drop("questions.jsonl", QUESTIONS)
    world.run_functions()  # it waits, though all that was dropped before it has been indexed
    world.clock.advance(minutes=10)
    folder.reconcile()
    folder.settle()
    delete_store(folder)
    for number in range(first, 80, 4):
        with suppress(Killed, TryLater):
            folder.tick(interrupted_edges(world, Interrupt(number)))
        world.clock.advance(seconds=world.config.lease_seconds + 1)
        for part in world.parts(job):
            submit(world.edges, part.ref)
        if any(stores for stores in map(asked_of, world.parts(job))):
            break
        assert not world.job(job).over

    assert {CATS, DOGS} <= set(folder.texts())
    world.run_until_over(job)
    said = answer(world, job, "How long do cats sleep?")["output"][-1]["content"][0]
    assert CATS in said["text"]


def asked_of(part: Part) -> list[str]:
    """The libraries of a part that has been submitted."""
    return part.libraries if part.batch_id else []


def test_one_404_gives_no_store_up(folder: Folder, world: World) -> None:
    folder.put("cats.md", CATS)
    folder.settle()
    first = folder.store.id
    world.small.misbehave("not_found", times=3, route="retrieve_store")
    folder.reconcile()
    folder.settle()
    job = world.drop("questions.jsonl", QUESTIONS)
    world.small.misbehave("not_found", times=1, route="retrieve_store")
    world.run_until_over(job)

    assert folder.store.id == first
    assert world.job(job).state == "completed"
    assert folder.uploads() == 1 + PARTS


@pytest.mark.parametrize("route", ["list_store_files", "create_file_batch"])
def test_404_elsewhere_gives_no_store_up(folder: Folder, world: World, route: str) -> None:
    world.small.misbehave("not_found", times=2, route=route)
    folder.put("cats.md", CATS)
    folder.settle()
    first = folder.store.id
    world.small.misbehave("not_found", times=2, route=route)
    folder.put("dogs.md", DOGS)
    folder.reconcile()
    folder.settle()

    assert (folder.store.id, folder.texts(), folder.uploads()) == (first, [CATS, DOGS], 2)


def test_question_waits_for_a_store_that_holds_less_than_it_held(
    folder: Folder, world: World
) -> None:
    folder.put("cats.md", CATS)
    folder.put("dogs.md", DOGS)
    folder.settle()
    cats = next(each for each in folder.searchable if each.text == CATS)
    world.edges.vector_stores.detach(folder.store.id, cats.id)  # somebody else did

    job = world.drop("questions.jsonl", QUESTIONS)
    world.run_until_over(job)

    said = answer(world, job, "How long do cats sleep?")["output"][-1]["content"][0]
    assert CATS in said["text"]
    assert folder.uploads() == 2 + PARTS


def test_server_that_counts_no_documents_is_asked_all_the_same(
    folder: Folder, world: World
) -> None:
    folder.put("cats.md", CATS)
    folder.settle()
    library = world.edges.library_table.library("handbook")
    assert library
    world.edges.library_table.put_library(library, library.updated(counted=5))  # it lied before

    job = world.drop("questions.jsonl", QUESTIONS)
    world.run_until_over(job)

    assert world.job(job).state == "completed"


def retained_cats(folder: Folder) -> Document:
    """cats.md is deleted and dogs.md is not; both answer."""
    folder.set(on_delete="retain")
    folder.put("cats.md", CATS)
    folder.put("dogs.md", DOGS)
    folder.settle()
    folder.delete("cats.md")
    folder.settle()
    (cats,) = [each for each in folder.searchable if each.text == CATS]
    return cats


@pytest.mark.parametrize("lost", ["store", "document", "file", "all"])
def test_what_is_retained_is_attached_again_really(folder: Folder, world: World, lost: str) -> None:
    cats = retained_cats(folder)
    if lost in {"file", "all"}:
        world.edges.vector_stores.delete_file(cats.id)
    if lost == "document":
        world.edges.vector_stores.detach(folder.store.id, cats.id)
    if lost in {"store", "all"}:
        delete_store(folder)
    world.clock.advance(hours=2)

    for _ in range(2):
        folder.reconcile()
        folder.settle()

    assert folder.texts() == [CATS, DOGS]


def test_retained_document_whose_version_is_gone_fails_once_and_ends(
    folder: Folder, world: World
) -> None:
    cats = retained_cats(folder)
    listed = world.s3.list_object_versions(Bucket="test-inbox", Prefix=folder.key("cats.md"))
    for each in [*listed["Versions"], *listed["DeleteMarkers"]]:
        world.s3.delete_object(Bucket="test-inbox", Key=each["Key"], VersionId=each["VersionId"])
    world.edges.vector_stores.delete_file(cats.id)
    world.clock.advance(hours=2)

    folder.reconcile()
    folder.settle()

    assert folder.texts() == [DOGS]


def test_libraries_that_share_a_store_spare_each_others_files(folder: Folder, world: World) -> None:
    folder.put("cats.md", CATS)
    folder.settle()
    other = Folder(world, "other")
    other.set(store=folder.store.id)
    other.put("dogs.md", DOGS)
    other.settle()
    world.clock.advance(hours=30)

    for _ in range(2):
        sweep(world.edges)
        world.run_functions()
        folder.settle()
        other.settle()

    assert folder.texts() == [CATS, DOGS]
    assert folder.uploads() == 2
    assert "detach_file" not in {call.route for call in world.small.calls}
    assert "other libraries keep 1 files in this store: spared" in folder.report()["repaired"]


@pytest.mark.parametrize("route", ["list_files", "list_store_files"])
def test_list_that_leaves_out_what_is_there_is_not_believed(
    folder: Folder, world: World, route: str
) -> None:
    for each in range(4):
        folder.put(f"{each}.md", f"Text {each}.")
    folder.settle()
    world.clock.advance(hours=2)
    world.small.misbehave("list_forgets", times=1, route=route, count=1)
    path = f"/v1/vector_stores/{folder.store.id}/file_batches"
    calls = folder.calls("POST", path)
    folder.reconcile()
    folder.settle()

    assert (folder.uploads(), len(folder.texts())) == (4, 4)
    assert folder.calls("POST", path) == calls


def test_stores_that_are_lost_again_and_again_are_not_made_for_ever(
    folder: Folder, world: World
) -> None:
    folder.put("cats.md", CATS)
    folder.settle()
    world.small.misbehave("not_found", times=None, route="retrieve_store")
    world.small.misbehave("not_found", times=None, route="create_file_batch")
    folder.put("dogs.md", DOGS)
    for _ in range(150):
        folder.tick(seconds=600)

    assert folder.calls("POST", "/v1/vector_stores") <= 7
    assert "Library Waiting" in world.subjects()


def test_document_that_is_refused_in_the_new_store_is_told(folder: Folder, world: World) -> None:
    folder.put("cats.md", CATS)
    folder.put("dogs.md", DOGS)
    folder.settle()
    world.published()
    delete_store(folder)
    world.small.misbehave("document_refused", times=None, filename="cats.*")
    world.clock.advance(hours=1)
    for _ in range(4):
        folder.reconcile()
        folder.tick(seconds=400)
    folder.settle()

    assert folder.states() == {"cats.md": "failed", "dogs.md": "searchable"}
    assert world.subjects().count("Document Failed") == 1
