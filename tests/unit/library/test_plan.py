"""What to do: what is wanted, compared with what is known."""

from datetime import UTC, datetime, timedelta
from typing import Any

from shared.library.content import Content, ContentState
from shared.library.model import Document, fingerprint
from shared.library.plan import Plan, View, plan, unfinished
from shared.library.settings import LibrarySettings
from shared.objects import Source

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(hours=1)
AUTO = LibrarySettings()


def document(name: str, digest: str = "aa.md", **changes: Any) -> Document:
    fields = {
        "library": "handbook",
        "name": name,
        "source": Source(bucket="in", key=f"libraries/handbook/{name}", version="v"),
        "digest": digest,
        "dropped_at": LONG_AGO,
        "recorded_at": LONG_AGO,
    }
    return Document.model_validate(fields | changes)


def content(digest: str = "aa.md", state: str = "searchable", **changes: Any) -> Content:
    fields = {
        "library": "handbook",
        "id": f"{digest}@auto",
        "digest": digest,
        "chunking": "auto",
        "filename": f"{digest}.md",
        "source": Source(bucket="in", key="k"),
        "state": state,
        "file_id": f"file-{digest}",
        "due": LONG_AGO,
        "changed_at": LONG_AGO,
    }
    return Content.model_validate(fields | changes)


def view(
    documents: list[Document], contents: list[Content], settings: LibrarySettings = AUTO
) -> View:
    return View(settings, {d.name: d for d in documents}, {c.id: c for c in contents}, NOW)


def planned(*args: Any) -> Plan:
    return plan(view(*args))


def test_new_bytes_under_two_names_are_uploaded_once() -> None:
    todo = planned([document("a.md"), document("b.md")], [])

    (want,) = todo.uploads
    assert [each.name for each in want.documents] == ["a.md", "b.md"]


def test_store_that_matches_its_folder_needs_nothing() -> None:
    served = document("a.md", answered_by="aa.md@auto")
    todo = planned([served], [content()])

    assert todo.idle
    assert todo.due_later == []


def test_old_version_stays_until_the_new_one_is_searchable() -> None:
    changed = document("a.md", "bb.md", answered_by="aa.md@auto")

    under_way = planned([changed], [content(), content("bb.md", "attaching")])
    ready = planned([changed], [content(), content("bb.md")])

    assert under_way.removals == []
    assert [each.id for each in ready.removals] == ["aa.md@auto"]
    assert [each.answered_by for each in ready.switches] == ["bb.md@auto"]


def test_version_in_between_is_removed_before_it_is_attached() -> None:
    changed = document("a.md", "cc.md", answered_by="aa.md@auto")
    todo = planned([changed], [content(), content("bb.md", "uploaded")])

    assert [each.id for each in todo.removals] == ["bb.md@auto"]
    assert todo.attaches == []


def test_deleted_document_is_removed_after_the_grace_for_renames() -> None:
    now_gone = document("a.md", deleted=True, recorded_at=NOW, answered_by="aa.md@auto")
    long_gone = document("a.md", deleted=True, answered_by="aa.md@auto")

    just_now, later = planned([now_gone], [content()]), planned([long_gone], [content()])

    assert (just_now.removals, just_now.due_later) == ([], [NOW + timedelta(minutes=1)])
    assert [each.id for each in later.removals] == ["aa.md@auto"]


def test_deleted_document_with_retain_needs_nothing() -> None:
    gone = document("a.md", deleted=True, answered_by="aa.md@auto")

    assert planned([gone], [content()], LibrarySettings(on_delete="retain")).idle


def test_bytes_that_failed_for_good_are_not_uploaded_with_any_chunking() -> None:
    failed = content(state="failed", error="invalid_file", file_id=None)
    other = LibrarySettings.model_validate(
        {
            "chunking_strategy": {
                "type": "static",
                "static": {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 0},
            }
        }
    )

    assert planned([document("a.md", dropped_at=NOW)], [failed]).uploads == []
    assert planned([document("a.md", recorded_at=NOW)], [failed], other).uploads == []


def test_openai_error_is_tried_again_once_the_document_is_dropped_again() -> None:
    failed = content(state="failed", error="server_error", file_id=None)
    before = document("a.md", dropped_at=LONG_AGO - timedelta(minutes=1))

    assert planned([before], [failed]).uploads == []
    assert len(planned([document("a.md", recorded_at=NOW)], [failed]).uploads) == 1


def test_failed_content_is_removed() -> None:
    failed = content(state="failed", error="invalid_file")

    assert planned([document("a.md")], [failed]).removals == [failed]


def test_changed_attributes_need_no_upload_and_no_removal() -> None:
    beside = document("a.md.metadata.json", "", attributes={"year": 2026})
    served = document("a.md", answered_by="aa.md@auto")

    todo = planned([served, beside], [content()])
    done = planned([served, beside], [content(attributes_fingerprint=fingerprint({"year": 2026}))])

    assert [each.id for each in todo.new_attributes] == ["aa.md@auto"]
    assert (todo.uploads, todo.removals) == ([], [])
    assert done.idle


def test_paused_content_is_due_later_and_not_attached() -> None:
    later = NOW + timedelta(minutes=4)
    todo = planned([document("a.md")], [content(state="uploaded", due=later)])

    assert (todo.attaches, todo.due_later) == ([], [later])


def test_unfinished_leaves_out_stuck_and_ended_documents() -> None:
    documents = [document(f"{n}.md", f"{n}.md") for n in "abc"]
    contents = [
        content("a.md", "attaching"),
        content("b.md", "attaching", stuck_notified=True),
        content("c.md"),
    ]
    seen = view(documents, contents)

    assert [each.name for each in unfinished(seen, plan(seen).wants)] == ["a.md"]


def test_refused_content_waits_longer_each_time_and_then_fails() -> None:
    now, tried = NOW, content(state="attaching")
    pauses = []
    for _ in range(4):
        tried = tried.refused(now, "server_error", "again")
        pauses.append(tried.due - now)
    last = tried.refused(now, "server_error", "again")

    assert pauses == [timedelta(minutes=n) for n in (1, 2, 4, 8)]
    assert last.state is ContentState.FAILED
    assert content(state="attaching").refused(now, "invalid_file", "no").failed_for_good
