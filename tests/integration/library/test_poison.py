"""One document that OpenAI refuses, or a server leaves out, never stops the others."""

import os
from datetime import timedelta
from typing import Any

import pytest
from moto import mock_aws

from local.measure.kit.moto_speed import quick_transactions
from shared.library.content import MAX_TRIES
from tests.support.clock import START
from tests.support.libraries import Folder
from tests.support.world import World

MANY = 16
DOCUMENTS = int(os.environ.get("LIBRARY_DOCUMENTS", "200"))  # one of 200 is poisoned


def fill(folder: Folder, number: int = MANY, *, notify: bool = True) -> None:
    for each in range(number):
        folder.put(f"doc{each:03}.md", f"Text {each}.", notify=notify)


def attaching_calls(folder: Folder) -> int:
    (store,) = folder.world.small.stores
    return folder.calls("POST", f"/v1/vector_stores/{store}/file_batches")


@pytest.mark.parametrize(
    ("bad", "names"),
    [
        *(((MANY - 1,), False), ((3, 4), False), (tuple(range(5)), False)),
        ((0, 8, 15), True),
    ],
)
def test_refused_documents_fail_alone_and_are_told(
    folder: Folder, world: World, bad: tuple[int, ...], names: bool
) -> None:
    for each in bad:
        named = {"names": True} if names else {}
        world.small.misbehave(
            "document_refused", times=None, filename=f"doc{each:03}.*", status=400, **named
        )
    fill(folder)
    folder.tick()
    folder.tick()

    states = folder.states()
    failed = {name for name, state in states.items() if state == "failed"}
    assert failed == {f"doc{each:03}.md" for each in bad}
    assert set(states.values()) == {"failed", "searchable"}
    assert world.subjects().count("Document Failed") == len(bad)
    assert attaching_calls(folder) <= (2 if names else 10) * len(bad) + 4
    report = {each["document"]: each for each in folder.report()["documents"]}
    assert "The request is not as it should be." in report[f"doc{bad[0]:03}.md"]["error"]
    folder.settle()
    left = {each.filename[:6] for each in world.small.files.values()}
    assert len(left) == MANY - len(bad)


def test_poisoned_documents_of_a_large_library_cost_ten_calls_each() -> None:
    bad = {f"doc{each:03}.md" for each in range(7, DOCUMENTS, 200)}
    with mock_aws(), quick_transactions():
        world = World()
        folder = Folder(world)
        for name in bad:
            named = f"{name.removesuffix('.md')}.*"
            world.small.misbehave("document_refused", times=None, filename=named, status=400)
        fill(folder, DOCUMENTS, notify=False)
        folder.reconcile()
        for _ in range(3 + DOCUMENTS // 200):
            folder.tick()
            states = folder.states()
            if set(states.values()) <= {"failed", "searchable"}:
                break

        failed = {name for name, state in states.items() if state == "failed"}
        assert failed == bad
        assert sum(state == "searchable" for state in states.values()) == DOCUMENTS - len(bad)
        assert attaching_calls(folder) <= -(-DOCUMENTS // 2_000) + 10 * len(bad) + 4


def test_document_refused_is_tried_again_when_dropped_again(folder: Folder, world: World) -> None:
    world.small.misbehave("document_refused", times=1, filename="cats.*")
    folder.put("cats.md", "Cats purr.")
    folder.settle()
    assert folder.states() == {"cats.md": "failed"}

    folder.put("cats.md", "Cats purr.")
    folder.settle()

    assert folder.states() == {"cats.md": "searchable"}


def test_event_that_comes_late_is_no_other_drop_of_what_was_refused(
    folder: Folder, world: World
) -> None:
    world.small.misbehave("document_refused", times=1, filename="cats.*")
    first = folder.put("cats.md", "Cats sleep.", notify=False)
    second = folder.put("cats.md", "Cats purr.", notify=False)
    world.clock.advance(seconds=60)
    folder.send(first)  # which finds the newest version
    folder.settle()
    assert (folder.states(), folder.uploads()) == ({"cats.md": "failed"}, 1)

    folder.send(second)
    folder.settle()

    assert (folder.states(), folder.uploads()) == ({"cats.md": "failed"}, 1)


def test_attributes_that_openai_refuses_fail_their_document_only(
    folder: Folder, world: World
) -> None:
    world.small.misbehave(
        "document_refused",
        times=None,
        filename="b.*",
        status=400,
        message="Invalid 'files[1].attributes': a value is not allowed.",
    )
    for name in ("a.md", "b.md", "c.md"):
        folder.put(name, f"Text of {name}.")
    folder.settle()

    assert folder.states() == {"a.md": "searchable", "b.md": "failed", "c.md": "searchable"}


def test_lost_file_among_many_is_uploaded_again(folder: Folder, world: World) -> None:
    folder.put("first.md", "First.")
    folder.settle()
    fill(folder, 9)
    folder.tick(seconds=5)  # too soon to attach
    gone = next(i for i, each in world.small.files.items() if each.filename.startswith("doc004"))
    world.edges.vector_stores.delete_file(gone)
    folder.settle()

    assert set(folder.states().values()) == {"searchable"}
    assert folder.uploads() == 11
    assert "File gone at OpenAI, uploaded again: doc004" in " ".join(folder.report()["repaired"])


@pytest.mark.parametrize(
    "quirks",
    [
        {"document_left_out": {"filename": "doc003.*"}},
        {"file_batch_empty": {}},  # OGX: `files` is ignored, total 0
        {"not_found": {"route": "create_file_batch"}},  # LiteLLM: no such route
        {"refused": {"route": "create_file_batch", "status": 405, "message": "Method Not Allowed"}},
    ],
    ids=["one left out", "none taken", "404", "405"],
)
def test_server_without_file_batches_gets_documents_one_by_one(
    folder: Folder, world: World, quirks: dict[str, dict[str, Any]]
) -> None:
    for name, where in quirks.items():
        world.small.misbehave(name, times=None, **where)
    fill(folder, 5)
    folder.settle()

    assert set(folder.states().values()) == {"searchable"}
    assert world.clock() - START <= timedelta(minutes=10)


@pytest.mark.parametrize("status", [404, 501])
def test_server_that_attaches_nothing_fails_documents_with_its_reason(
    folder: Folder, world: World, status: int
) -> None:
    for route in ("create_file_batch", "attach_file"):
        world.small.misbehave("refused", times=None, route=route, status=status, message="No route")
    fill(folder, 3)
    for _ in range(2 * MAX_TRIES):
        folder.tick()

    assert set(folder.states().values()) == {"failed"}
    assert all("No route" in each["error"] for each in folder.report()["documents"])
    assert world.subjects().count("Document Failed") == 3


def test_document_that_is_left_out_for_ever_fails_and_is_told(folder: Folder, world: World) -> None:
    world.small.misbehave("file_batch_empty", times=None)
    world.small.misbehave("refused", times=None, route="attach_file", status=404, message="Nothing")
    fill(folder, 2)
    for _ in range(2 * MAX_TRIES):
        folder.tick()

    assert set(folder.states().values()) == {"failed"}
    assert folder.in_sync


def test_somebody_who_cancels_each_time_does_not_make_a_loop(folder: Folder, world: World) -> None:
    folder.put("cats.md", "Cats purr.")
    for _ in range(60):
        folder.tick()
        for document in folder.store.documents.values() if world.small.stores else ():
            document.status = "cancelled"

    assert folder.states() == {"cats.md": "failed"}
    assert attaching_calls(folder) <= MAX_TRIES


def test_narrowing_goes_on_where_a_busy_server_stopped_it(folder: Folder, world: World) -> None:
    world.small.misbehave("document_refused", times=None, filename="doc013.*")
    fill(folder, 16)
    folder.tick()
    world.small.misbehave("rate_limited", times=3, route="create_file_batch", retry_after=60)
    folder.settle()

    assert folder.states()["doc013.md"] == "failed"
    assert sum(each == "searchable" for each in folder.states().values()) == 15


def test_uploads_that_wait_do_not_keep_the_others_from_the_store(
    folder: Folder, world: World
) -> None:
    folder.put("first.md", "First.")
    folder.settle()
    folder.put("a.md", "Text a.")
    folder.put("b.md", "Text b.")
    folder.tick(seconds=5)  # too soon to attach
    world.small.misbehave("rate_limited", times=None, route="upload")
    folder.put("c.md", "Text c.")
    for _ in range(14):
        folder.tick()

    states = folder.states()
    assert (states["a.md"], states["b.md"], states["c.md"]) == (
        *("searchable", "searchable"),
        "indexing",
    )
