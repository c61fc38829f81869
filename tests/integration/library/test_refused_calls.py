"""A call about one document that OpenAI refuses fails that document; the rest goes on."""

import pytest

from tests.support.libraries import Folder
from tests.support.world import World

CATS, DOGS = "Cats sleep sixteen hours a day.", "Dogs bark at strangers."


def test_attributes_that_are_refused_stop_no_other_document(folder: Folder, world: World) -> None:
    folder.put("cats.md", CATS)
    folder.put("dogs.md", DOGS)
    folder.settle()
    world.published()
    world.small.misbehave("refused", times=1, route="update_store_file", status=400, message="No.")
    folder.describe("cats.md", year=2025)
    folder.describe("dogs.md", year=2025)
    folder.delete("dogs.md")
    folder.settle()

    assert folder.texts() == [CATS]
    assert world.subjects().count("Document Failed") == 1
    (cats,) = folder.report()["documents"]
    assert (cats["state"], "No." in cats["error"]) == ("searchable", True)

    folder.describe("cats.md", year=2026)
    folder.settle()
    assert folder.searchable[0].attributes == {"year": 2026}
    assert (
        "error" not in folder.report()["documents"][0]
        or not folder.report()["documents"][0]["error"]
    )


@pytest.mark.parametrize(
    ("route", "status"),
    [("detach_file", 400), ("detach_file", 405), ("delete_file", 422), ("delete_file", 501)],
)
def test_removal_that_is_refused_blocks_no_other_and_is_told_once(
    folder: Folder, world: World, route: str, status: int
) -> None:
    for each in range(6):
        folder.put(f"{each}.md", f"Text {each}.")
    folder.settle()
    world.published()
    world.small.misbehave("refused", times=1, route=route, status=status, message="No.")
    for each in range(5):
        folder.delete(f"{each}.md")
    for _ in range(3):
        folder.tick()

    assert len(world.small.files) <= 2
    assert folder.report()["documents"][0]["state"] == "searchable"
    folder.settle()
    assert (folder.texts(), len(world.small.files)) == (["Text 5."], 1)
    assert world.subjects().count("Document Failed") == 1


def test_removal_that_is_always_refused_ends_and_holds_up_no_question(
    folder: Folder, world: World
) -> None:
    folder.put("cats.md", CATS)
    folder.put("dogs.md", DOGS)
    folder.settle()
    world.small.misbehave("refused", times=None, route="detach_file", status=400, message="No.")
    folder.delete("cats.md")
    for _ in range(45):
        folder.tick(seconds=8 * 3_600)

    library = world.edges.library_table.library("handbook")
    assert library
    assert library.in_sync
    path = f"/v1/vector_stores/{folder.store.id}/files"
    assert sum(each.method == "DELETE" and path in each.path for each in world.small.calls) <= 31


@pytest.mark.parametrize("status", [400, 405])
def test_store_that_cannot_be_made_is_told_and_asked_for_less_and_less(
    folder: Folder, world: World, status: int
) -> None:
    world.small.misbehave(
        "refused", times=None, route="create_store", status=status, message="No store for you."
    )
    folder.put("cats.md", CATS)
    for _ in range(36):
        folder.tick(seconds=600)

    assert "No store for you." in folder.report()["reason"]
    assert world.subjects().count("Library Waiting") == 1
    assert folder.calls("POST", "/v1/vector_stores") < 40

    world.small.clear_quirks()
    folder.put("dogs.md", DOGS)
    folder.settle()
    assert folder.texts() == [CATS, DOGS]


def test_document_is_searchable_within_two_ticks(folder: Folder) -> None:
    folder.put("cats.md", CATS)
    folder.tick()
    folder.tick()

    assert folder.states() == {"cats.md": "searchable"}
