"""A folder under libraries/ becomes a vector store: what a library's owner sees."""

import json
from typing import Any

import pytest

from functions.poll.sweep import sweep
from shared.jobs.cancel import cancel
from shared.library.content import MAX_TRIES
from tests.support.batch_files import chat, lines, question
from tests.support.libraries import Folder
from tests.support.world import World

CATS, DOGS = "Cats sleep sixteen hours a day.", "Dogs bark at strangers."
BROKEN = b"%PDF-1.4 broken off"


def test_store_follows_added_changed_and_deleted_documents(folder: Folder, world: World) -> None:
    folder.put("cats.md", CATS)
    folder.put("pets/dogs.md", DOGS)
    folder.settle()

    assert folder.texts() == [CATS, DOGS]
    assert folder.states() == {"cats.md": "searchable", "pets/dogs.md": "searchable"}
    assert sorted(world.subjects()) == [
        "Document Searchable",
        "Document Searchable",
        "Library In Sync",
    ]

    folder.put("cats.md", "Cats purr.")
    folder.delete("pets/dogs.md")
    folder.settle()

    assert folder.texts() == ["Cats purr."]
    assert len(world.small.files) == 1
    assert sorted(world.subjects()) == ["Document Searchable", "Library In Sync"]


def test_many_documents_are_attached_by_one_call(folder: Folder) -> None:
    for number in range(30):
        folder.put(f"{number}.md", f"page {number}")
    folder.settle()

    assert len(folder.searchable) == 30
    assert folder.calls("POST", f"/v1/vector_stores/{folder.store.id}/file_batches") == 1


def test_unchanged_bytes_dropped_again_cost_no_call(folder: Folder, world: World) -> None:
    folder.put("cats.md", CATS)
    folder.settle()
    before = len(world.small.calls)

    folder.put("cats.md", CATS)
    folder.settle()

    assert len(world.small.calls) == before


def test_same_bytes_under_two_names_are_one_file(folder: Folder, world: World) -> None:
    folder.put("a.md", CATS)
    folder.put("b.md", CATS)
    folder.settle()
    folder.delete("a.md")
    folder.settle()

    assert (folder.uploads(), folder.texts(), list(folder.states())) == (1, [CATS], ["b.md"])


def test_rename_reuses_the_file(folder: Folder) -> None:
    folder.put("a.md", CATS)
    folder.settle()

    folder.delete("a.md")
    folder.tick(seconds=30)
    folder.put("b.md", CATS)
    folder.settle()

    assert (folder.uploads(), list(folder.states())) == (1, ["b.md"])


def test_newest_version_wins_whatever_the_order_of_events(folder: Folder) -> None:
    messages = [folder.put("a.md", f"version {n}", notify=False) for n in range(3)]
    messages.append(folder.delete("b.md", notify=False))
    messages.append(folder.put("b.md", CATS, notify=False))

    for message in reversed(messages):
        folder.send(message)
    folder.settle()

    assert (folder.texts(), folder.uploads()) == ([CATS, "version 2"], 2)


def test_broken_document_dropped_again_is_uploaded_once(folder: Folder, world: World) -> None:
    folder.put("broken.pdf", BROKEN)
    folder.settle()
    folder.put("broken.pdf", BROKEN)
    folder.put("again.pdf", BROKEN)
    folder.settle()
    folder.delete("broken.pdf")
    folder.settle()
    folder.put("broken.pdf", BROKEN)
    folder.set(chunking_strategy={"type": "static", "static": _sizes(200, 100)})
    folder.settle()
    folder.reconcile()
    folder.settle()

    assert folder.uploads() == 1
    assert folder.states() == {"again.pdf": "failed", "broken.pdf": "failed"}
    assert (folder.store.documents, world.small.files) == ({}, {})
    assert "invalid_file" in folder.report()["documents"][0]["error"]


def _sizes(size: int, overlap: int) -> dict[str, int]:
    return {"max_chunk_size_tokens": size, "chunk_overlap_tokens": overlap}


def test_openai_error_is_tried_again_up_to_a_limit(folder: Folder, world: World) -> None:
    world.small.misbehave("document_fails", times=2)
    folder.put("cats.md", CATS)
    folder.settle()

    assert (folder.states(), folder.uploads()) == ({"cats.md": "searchable"}, 1)

    world.small.misbehave("document_fails", times=5)
    folder.put("dogs.md", DOGS)
    folder.settle()

    assert folder.states()["dogs.md"] == "failed"
    assert world.subjects().count("Document Failed") == 1

    folder.put("dogs.md", DOGS)
    folder.settle()

    assert folder.states()["dogs.md"] == "searchable"


def test_document_in_progress_too_long_is_published_as_stuck(folder: Folder, world: World) -> None:
    world.small.misbehave("document_stuck", filename=_filename(folder, world))
    folder.put("dogs.md", DOGS)
    for _ in range(10):
        folder.tick(seconds=900)

    assert folder.states() == {"cats.md": "searchable", "dogs.md": "stuck"}
    assert world.subjects().count("Document Stuck") == 1

    for _ in range(28):
        folder.tick(seconds=3_600)
    folder.settle()

    assert folder.states()["dogs.md"] == "searchable"


def _filename(folder: Folder, world: World) -> str:
    """Of dogs.md: its unique part is made of its content, so we upload it once to see it."""
    folder.put("cats.md", CATS)
    folder.put("dogs.md", DOGS)
    folder.settle()
    name = next(f.filename for f in world.small.files.values() if f.filename.startswith("dogs"))
    folder.delete("dogs.md")
    folder.settle()
    return name


def test_attributes_of_settings_and_sidecar_change_without_upload(
    folder: Folder,
) -> None:
    folder.set(attributes={"team": "search", "year": 2025})
    folder.put("cats.md", CATS)
    folder.describe("cats.md", year=2026, draft=False, weight=0.5)
    folder.settle()

    (cats,) = folder.searchable
    assert cats.attributes == {"team": "search", "year": 2026, "draft": False, "weight": 0.5}

    folder.describe("cats.md", year=2027)
    folder.settle()

    (cats,) = folder.searchable
    assert (cats.attributes, folder.uploads()) == ({"team": "search", "year": 2027}, 1)
    assert folder.report()["documents"][0]["attributes"] == {"team": "search", "year": 2027}


def test_other_chunking_indexes_documents_again(folder: Folder) -> None:
    folder.put("cats.md", CATS)
    folder.settle()
    folder.set(chunking_strategy={"type": "static", "static": _sizes(100, 0)})
    folder.settle()

    (cats,) = folder.searchable
    assert (cats.chunking.size, cats.chunking.overlap) == (100, 0)
    assert len(folder.world.small.files) == 1


@pytest.mark.parametrize(
    ("wrong", "remedy"),
    [
        ({"chunking_strategy": {"type": "auto", "size": 3}}, "{type: auto}` and nothing else"),
        ({"chunking_strategy": {"type": "static", "static": _sizes(100, 51)}}, "at most half"),
        ({"on_deletion": "keep"}, "write only: attributes, chunking_strategy"),
    ],
)
def test_invalid_settings_change_nothing_and_are_published(
    folder: Folder, world: World, wrong: dict[str, Any], remedy: str
) -> None:
    folder.put("cats.md", CATS)
    folder.settle()
    folder.set(**wrong)
    folder.delete("cats.md")
    folder.tick()
    folder.tick(seconds=600)

    assert folder.texts() == [CATS]
    messages = [m for m in world.published() if m["Subject"].startswith("Library Settings Refused")]
    assert len(messages) == 1
    assert remedy in messages[0]["Message"]
    assert remedy in json.dumps(folder.report()["settings_problems"])

    folder.set(on_delete="delete")
    folder.settle()

    assert folder.texts() == []


def test_deleted_document_with_retain_stays_searchable(folder: Folder) -> None:
    folder.set(on_delete="retain")
    folder.put("cats.md", CATS)
    folder.settle()
    folder.delete("cats.md")
    folder.settle()

    assert folder.texts() == [CATS]

    folder.set(on_delete="delete")
    folder.settle()

    assert folder.texts() == []


def test_suffix_not_taken_is_reported_and_not_uploaded(folder: Folder) -> None:
    folder.put("table.csv", "a,b")
    folder.put("cats.md", CATS)
    folder.settle()

    assert folder.states() == {"cats.md": "searchable", "table.csv": "not taken"}
    assert folder.uploads() == 1

    folder.set(suffixes=[".txt"])
    folder.settle()

    assert folder.texts() == []


def test_store_named_in_settings_is_used(folder: Folder, world: World) -> None:
    made = world.edges.vector_stores.create({"name": "mine"}).id
    folder.set(store=made)
    folder.put("cats.md", CATS)
    folder.settle()

    assert list(world.small.stores) == [made]
    assert folder.texts() == [CATS]


def test_files_of_others_stay_in_a_store_that_is_named_in_settings(
    folder: Folder, world: World
) -> None:
    made = world.edges.vector_stores.create({"name": "mine"}).id
    folder.set(store=made)
    folder.put("cats.md", CATS)
    folder.settle()
    stranger = world.edges.vector_stores.upload("stranger.md", _reader(world, folder))
    world.edges.vector_stores.attach(made, [{"file_id": stranger.id}])
    world.clock.advance(hours=30)

    sweep(world.edges)
    world.run_functions()
    folder.settle()

    assert stranger.id in world.small.stores[made].documents
    assert len(folder.texts()) == 2


def test_second_upload_is_deleted_only_once_no_run_can_be_at_it(
    folder: Folder, world: World
) -> None:
    folder.put("cats.md", CATS)
    folder.settle()
    (known,) = world.small.files.values()
    second = world.edges.vector_stores.upload(known.filename, _reader(world, folder))
    folder.reconcile()
    folder.settle()
    assert second.id in world.small.files

    world.clock.advance(hours=2)
    folder.reconcile()
    folder.settle()
    assert set(world.small.files) == {known.id}


def test_overwrite_whose_event_was_lost_is_found_by_the_daily_look(
    folder: Folder, world: World
) -> None:
    folder.put("cats.md", CATS)
    folder.settle()
    folder.put("cats.md", DOGS, notify=False)
    world.clock.advance(hours=24)

    sweep(world.edges)
    world.run_functions()
    folder.settle()

    assert folder.texts() == [DOGS]


def test_store_that_has_expired_is_replaced(folder: Folder, world: World) -> None:
    folder.set(expires_after={"anchor": "last_active_at", "days": 1})
    folder.put("cats.md", CATS)
    folder.settle()
    (first,) = world.small.stores
    world.clock.advance(hours=72)

    folder.reconcile()
    folder.settle()

    second = world.edges.library_table.library("handbook")
    assert second
    assert second.store_id != first


def test_documents_are_attached_once_a_minute_at_most(folder: Folder) -> None:
    folder.put("cats.md", CATS)
    folder.settle()
    path = f"/v1/vector_stores/{folder.store.id}/file_batches"
    before = folder.calls("POST", path)
    for n in range(5):
        folder.put(f"{n}.md", f"Text {n}.")
        folder.tick(seconds=5)
    assert folder.calls("POST", path) - before <= 1

    folder.settle()
    assert len(folder.texts()) == 6


def test_upload_whose_answer_was_lost_and_that_is_listed_late_is_sent_once(
    folder: Folder, world: World
) -> None:
    world.small.misbehave("cut_after", route="upload")
    world.small.misbehave("file_not_visible", seconds=200)
    folder.put("cats.md", CATS)
    folder.settle()

    assert (folder.texts(), folder.uploads(), len(world.small.files)) == ([CATS], 1, 1)


def test_openai_that_is_busy_is_not_asked_for_each_document(folder: Folder, world: World) -> None:
    for n in range(40):
        folder.put(f"{n}.md", f"Text {n}.")
    world.small.misbehave("rate_limited", times=None, route="upload", retry_after=300)

    folder.send({"library": folder.name, "reconcile": False})

    assert folder.uploads() <= 2 * world.config.uploads_at_once


def test_created_store_with_lost_answer_is_found_again(folder: Folder, world: World) -> None:
    world.small.misbehave("cut_after", route="create_store")
    folder.put("cats.md", CATS)
    folder.settle()

    assert len(world.small.stores) == 1
    assert folder.texts() == [CATS]


@pytest.mark.parametrize("route", ["upload", "create_file_batch", "detach_file", "delete_file"])
def test_lost_answer_does_nothing_twice(folder: Folder, world: World, route: str) -> None:
    world.small.misbehave("cut_after", route=route)
    folder.put("cats.md", CATS)
    folder.settle()
    folder.put("cats.md", DOGS)
    folder.settle()

    assert (folder.texts(), folder.uploads(), len(world.small.files)) == ([DOGS], 2, 1)


def test_attach_with_lost_answer_is_not_taken_for_an_old_failure(
    folder: Folder, world: World
) -> None:
    world.small.misbehave("document_fails", times=MAX_TRIES - 1)
    folder.put("cats.md", CATS)
    folder.tick()
    while folder.calls("POST", f"/v1/vector_stores/{folder.store.id}/file_batches") < MAX_TRIES - 1:
        folder.tick()
    world.small.misbehave("cut_before", route="create_file_batch")
    folder.settle()

    assert folder.states() == {"cats.md": "searchable"}


@pytest.mark.parametrize(
    ("first", "then"),
    [({}, {"year": 2026}), ({"year": 2025}, {"year": 2026}), ({"year": 2025}, {})],
)
def test_attach_that_never_arrived_does_not_hide_the_attributes_of_the_one_before(
    folder: Folder, world: World, first: dict[str, int], then: dict[str, int]
) -> None:
    folder.describe("cats.md", **first)
    folder.put("cats.md", CATS)
    world.small.misbehave("cut_after", route="create_file_batch")
    folder.tick()
    assert len(folder.store.documents) == 1
    folder.describe("cats.md", **then)
    world.small.misbehave("list_forgets", route="list_store_files")
    world.small.misbehave("cut_before", route="create_file_batch")
    folder.settle()

    assert [each.attributes for each in folder.searchable] == [then]


def test_what_a_list_forgets_is_not_attached_again(folder: Folder, world: World) -> None:
    """Its answer was lost, and it answers: to attach it again would take it away for a while."""
    folder.put("cats.md", CATS)
    world.small.misbehave("cut_after", route="create_file_batch")
    folder.tick()
    world.small.misbehave("list_forgets", route="list_store_files")
    folder.settle()

    assert folder.states() == {"cats.md": "searchable"}
    assert folder.calls("POST", f"/v1/vector_stores/{folder.store.id}/file_batches") == 1


def test_reconcile_repairs_folder_ledger_and_store(folder: Folder, world: World) -> None:
    folder.put("cats.md", CATS)
    folder.put("dogs.md", DOGS)
    folder.settle()
    cats, dogs = sorted(folder.searchable, key=lambda each: each.text)
    world.edges.vector_stores.delete_file(cats.id)
    world.edges.vector_stores.detach(folder.store.id, dogs.id)
    stranger = world.edges.vector_stores.upload("stranger.md", _reader(world, folder))
    world.edges.vector_stores.attach(folder.store.id, [{"file_id": stranger.id}])
    folder.put("birds.md", "Birds sing.", notify=False)

    world.clock.advance(
        seconds=world.config.lost_answer_seconds
    )  # new Files may be listed late until then
    sweep(world.edges)
    world.run_functions()
    folder.settle()

    assert folder.texts() == ["Birds sing.", CATS, DOGS]
    repaired = " ".join(folder.report()["repaired"])
    assert "changes in the folder without an S3 event, recorded: 1" in repaired
    assert "File gone at OpenAI, uploaded again: cats." in repaired
    assert "missing in the store, attached again: dogs." in repaired
    assert f"in the store and not in the folder, detached: {stranger.id}" in repaired


def _reader(world: World, folder: Folder) -> Any:
    source = world.edges.s3.newest("test-inbox", folder.key("cats.md"))
    return world.edges.s3.open(source)


def test_deleted_store_is_created_again(folder: Folder, world: World) -> None:
    folder.put("cats.md", CATS)
    folder.settle()
    world.edges.openai.call_with_retries("DELETE", f"/vector_stores/{folder.store.id}")

    folder.reconcile()
    folder.settle()

    assert (folder.texts(), folder.uploads()) == ([CATS], 1)


def test_object_outside_any_library_is_published_as_failed(folder: Folder, world: World) -> None:
    message = folder.put("cats.md", CATS, notify=False)
    message["Records"][0]["s3"]["object"]["key"] = "libraries/cats.md"
    folder.send(message)

    assert [each["Subject"].split(" ")[0:2] for each in world.published()] == [
        ["Document", "Failed:"]
    ]


def test_batch_file_waits_for_documents_dropped_before_it(folder: Folder, world: World) -> None:
    folder.put("cats.md", CATS)
    folder.put("dogs.md", DOGS, notify=False)  # its S3 event is still in flight
    asked = lines([question("How long do cats sleep?", "library:handbook"), chat("r", "Hello")])
    job = world.drop("questions.jsonl", asked)
    world.run_functions()

    assert world.job(job).reason == "the library handbook has no store yet"

    world.run_until_over(job)
    waited = [each["Message"] for each in world.published() if "Part Waiting" in each["Subject"]]
    reason = "documents dropped before it in the library handbook are still being indexed"
    assert len(waited) == 1
    assert reason in waited[0]
    results = world.results(world.job(job))
    answers = {each["custom_id"]: each["response"]["body"] for each in results}
    said = answers["How long do cats sleep?"]["output"][-1]["content"][0]
    assert CATS in said["text"]
    assert said["annotations"][0]["filename"].startswith("cats.")
    assert folder.texts() == [CATS, DOGS]


def test_rows_of_deleted_documents_expire_unless_retained(folder: Folder, world: World) -> None:
    def expiring() -> set[str]:
        rows = world.session.client("dynamodb").scan(TableName="ledger")["Items"]
        return {row["sk"]["S"].partition("#")[0] for row in rows if "expires_at" in row}

    folder.set(on_delete="retain")
    folder.put("cats.md", CATS)
    folder.settle()
    folder.delete("cats.md")
    folder.settle()
    world.clock.advance(days=31)
    folder.reconcile()
    assert (folder.texts(), expiring()) == ([CATS], set())

    folder.set(on_delete="delete")
    folder.settle()
    assert (folder.texts(), expiring()) == ([], set())

    world.clock.advance(days=31)
    folder.reconcile()
    assert expiring() == {"DOC", "CONTENT"}

    folder.put("cats.md", CATS)
    folder.settle()
    assert (folder.texts(), expiring()) == ([CATS], set())


def test_old_version_answers_while_failed_bytes_are_tried_again(
    folder: Folder, world: World
) -> None:
    folder.put("cats.md", CATS)
    folder.settle()
    world.small.misbehave("document_fails", times=MAX_TRIES)
    folder.put("dogs.md", DOGS)
    folder.settle()
    assert folder.states() == {"cats.md": "searchable", "dogs.md": "failed"}

    folder.put("cats.md", DOGS)
    folder.tick()

    assert folder.texts() == [CATS]
    folder.settle()
    assert folder.texts() == [DOGS]


def test_document_deleted_before_the_first_check_is_retained(folder: Folder, world: World) -> None:
    folder.set(on_delete="retain")
    folder.put("cats.md", CATS)
    folder.tick()
    world.clock.advance(seconds=60)
    assert folder.texts() == [CATS]

    folder.delete("cats.md")
    folder.settle()

    assert folder.texts() == [CATS]


def test_job_waiting_for_its_library_can_be_cancelled(folder: Folder, world: World) -> None:
    folder.set(store="vs_thatisnotthere")
    folder.put("cats.md", CATS)
    job = world.drop("questions.jsonl", lines([question("cats?", "library:handbook")]))
    world.run_functions()
    assert world.job(job).reason == "the library handbook has no store yet"

    cancel(world.edges, job)
    world.run_until_over(job)

    assert world.job(job).state.value == "cancelled"
    assert world.report(world.job(job))["problems_by_code"] == {"cancelled": 1}
    assert world.small.batches == {}


def test_document_dropped_after_a_batch_file_does_not_delay_it(
    folder: Folder, world: World
) -> None:
    folder.put("cats.md", CATS)
    folder.settle()
    job = world.drop("questions.jsonl", lines([question("cats?", "library:handbook")]))
    world.run_functions()
    world.small.misbehave("document_stuck", times=1)
    world.clock.advance(seconds=1)
    folder.put("dogs.md", DOGS)
    world.run_until_over(job)

    assert world.job(job).state == "completed"


def test_unknown_library_is_a_line_error(folder: Folder, world: World) -> None:
    folder.put("cats.md", CATS)
    asked = lines([question("a", "library:handbok"), question("b", "vs_1"), chat("c", "library:x")])
    job = world.run_job("questions.jsonl", asked)

    report = json.loads(world.read(f"{job.results_prefix}report.json"))
    assert [(p["line"], p["code"]) for p in report["problems"]] == [(1, "unknown_library")]
