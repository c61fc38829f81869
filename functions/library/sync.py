"""The run that holds a library's lease brings its store up to date with its folder, step by step.

Each step reads what to do from the rows, whatever the one before did: a run may die anywhere.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime

from functions.library.attach import attach, update_attributes
from functions.library.indexing import check_indexing, recover_attachments
from functions.library.reconcile import expire_rows, reconcile, scan_folder
from functions.library.session import SyncSession, take_lease
from functions.library.store import ensure_store, release_store
from functions.library.swap import remove_unused, switch_documents
from functions.library.upload import recover_uploads, upload
from shared.errors import Conflict, TryLater
from shared.library import notifications, paths, report
from shared.library.edges import LibraryEdges
from shared.library.model import SyncRequest
from shared.library.plan import Plan, unfinished

Step = Callable[[SyncSession], None]
STEPS: tuple[Step, ...] = (
    release_store,
    recover_uploads,
    recover_attachments,
    check_indexing,
    switch_documents,
    upload,
    ensure_store,
    attach,
    update_attributes,
    remove_unused,
)


def sync(edges: LibraryEdges, request: SyncRequest) -> str:
    """The outcome in a word. Poll asks again while the library is marked dirty."""
    if request.reconcile:
        edges.library_table.mark_dirty(request.library, edges.now())  # repairs may need more runs
    dirty_flag = edges.library_table.dirty_flag(request.library)
    library = take_lease(edges, request.library)
    if library is None:
        return "already running"
    session = SyncSession(edges, library, dirty_flag)
    try:
        return _synced(session, request)
    except Exception:
        session.update_library(leased_until=None)  # the next run need not wait until it ends
        raise


def _synced(session: SyncSession, request: SyncRequest) -> str:
    if session.problems:
        return _refuse_settings(session)
    reasons: list[str] = []
    if request.reconcile or _was_referenced(session):
        _take_steps(session, [scan_folder], reasons)
    _take_steps(session, STEPS, reasons)
    if request.reconcile:
        _take_steps(session, [reconcile, expire_rows], reasons)
    return _finish(session, "; ".join(dict.fromkeys(reasons)))


def _was_referenced(session: SyncSession) -> bool:
    """A batch file named this library since the last scan.

    It waits for what was dropped before it, whether or not the S3 event arrived.
    """
    referenced, scanned = session.dirty_flag.referenced_at, session.library.scanned_at
    return referenced is not None and (scanned is None or referenced >= scanned)


def _take_steps(session: SyncSession, steps: Sequence[Step], reasons: list[str]) -> None:
    """A step that has to wait adds its reason and does not hold up the others."""
    for step in steps:
        try:
            step(session)
        except Conflict:
            reasons.append("documents changed during this run")
            return  # the rows in memory are out of date: the next run reads them again
        except TryLater as error:
            reasons.append(error.reason)


def _refuse_settings(session: SyncSession) -> str:
    """Nothing is changed until library.yaml is valid."""
    problems = "; ".join(each.message for each in session.problems)[:1_000]
    if problems != session.library.settings_notified:
        session.notifier.publish(
            notifications.settings_refused(session.library.name, session.problems)
        )
    session.update_library(settings_notified=problems, reason=problems, in_sync=False)
    _write_report(session)
    _release(session, None)  # the next change marks it again
    return "settings refused"


def _finish(session: SyncSession, reason: str) -> str:
    """Writes the report, publishes, then commits; releases the lease last."""
    todo = session.plan()
    in_sync = not reason and _is_complete(session, todo)
    was_in_sync = session.library.in_sync
    session.update_library(
        reason=reason,
        in_sync=in_sync,
        finished_until=_finished_until(session, todo),
        settings_notified="",
    )
    counts = _write_report(session)
    if in_sync and not was_in_sync:
        key = paths.report_key(session.library.name)
        session.notifier.publish(
            notifications.in_sync(session.library, counts, session.dirty_flag.marks, key)
        )
    _release(session, None if in_sync else session.now)
    return "in sync" if in_sync else _unfinished_outcome(todo, reason)


def _is_complete(session: SyncSession, todo: Plan) -> bool:
    under_way = any(each.is_under_way for each in session.contents.values())
    return todo.idle and not todo.due_later and not under_way


def _finished_until(session: SyncSession, todo: Plan) -> datetime | None:
    """Before the first document that has not ended; unknown before the first scan."""
    scanned = session.library.scanned_at
    dropped = [each.dropped_at for each in unfinished(session.view(), todo.wants)]
    return min([scanned, *dropped]) if scanned else None


def _unfinished_outcome(todo: Plan, reason: str) -> str:
    return "waiting" if reason or todo.idle else "in progress"


def _release(session: SyncSession, due: datetime | None) -> None:
    session.update_library(leased_until=None)
    with suppress(Conflict):  # marked during this run: it stays dirty
        session.edges.library_table.clear_dirty(session.dirty_flag, due)


def _write_report(session: SyncSession) -> dict[str, int]:
    view = session.view()
    documents = report.documents(view)
    counts = report.counted(documents)
    head = report.head(session.library, view, counts, session.problems)
    key = paths.report_key(session.library.name)
    session.edges.s3.write(key, report.written(head, documents), "application/json")
    return counts
