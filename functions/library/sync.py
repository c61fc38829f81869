"""The run that holds a library's lease brings its store up to date with its folder, step by step.

Each step reads what to do from the rows, whatever the one before did: a run may die anywhere. A
step that fails adds its reason and holds up no other.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple

from functions.library.attach import attach, attach_singly, update_attributes
from functions.library.indexing import check_indexing, recover_attachments
from functions.library.reconcile import expire_rows, read_again, reconcile, scan_folder
from functions.library.session import SyncSession, take_lease
from functions.library.store import (
    check_missing_store,
    ensure_store,
    look_at_store,
    release_store,
    store_problems,
)
from functions.library.swap import remove_unused, switch_documents
from functions.library.upload import recover_uploads, upload
from functions.library.waiters import wake_waiters
from shared.errors import ActionRequired, Conflict, EdgeError, Refused, TryLater
from shared.library import notifications, paths, report
from shared.library.edges import LibraryEdges
from shared.library.model import SyncRequest
from shared.library.plan import Plan, unfinished
from shared.report.library_page import library_page

Step = Callable[[SyncSession], None]
STEPS: tuple[Step, ...] = (
    release_store,
    check_missing_store,
    read_again,
    recover_uploads,
    recover_attachments,
    check_indexing,
    switch_documents,
    upload,
    ensure_store,
    attach,
    attach_singly,
    update_attributes,
    remove_unused,
)
TOLD_AFTER = timedelta(hours=1)  # of waiting for what passes by itself
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
SETTINGS_PAUSE = timedelta(minutes=15)  # then a store that library.yaml names may be there


class Obstacles:
    """Why steps of this run could not do all of their work."""

    def __init__(self) -> None:
        self._reasons: dict[str, None] = {}
        self.needs_person = False

    def add(self, error: EdgeError | Conflict) -> None:
        self._reasons[error.reason] = None
        self.needs_person |= isinstance(error, ActionRequired | Refused)

    @property
    def reason(self) -> str:
        return "; ".join(self._reasons)


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
        session.read()
        return _synced(session, request)
    except Exception:
        session.update_library(leased_until=None)  # the next run need not wait until it ends
        raise


def _synced(session: SyncSession, request: SyncRequest) -> str:
    obstacles = Obstacles()
    try:
        session.problems = session.problems or store_problems(session)
    except TryLater as error:  # nothing is changed before the store that it names was seen
        obstacles.add(error)
        return _finish(session, obstacles)
    if session.problems:
        return _refuse_settings(session)
    if request.reconcile or _was_referenced(session):
        _take_steps(session, [scan_folder, release_store, look_at_store], obstacles)
    _take_steps(session, STEPS, obstacles)
    if request.reconcile or session.store_lacks:
        _take_steps(session, [reconcile, expire_rows], obstacles)
    return _finish(session, obstacles)


def _was_referenced(session: SyncSession) -> bool:
    """A batch file named this library since the last scan.

    It waits for what was dropped before it, whether or not the S3 event arrived.
    """
    referenced, scanned = session.dirty_flag.referenced_at, session.library.scanned_at
    return referenced is not None and (scanned is None or referenced >= scanned)


def _take_steps(session: SyncSession, steps: Sequence[Step], obstacles: Obstacles) -> None:
    for step in steps:
        try:
            step(session)
        except Conflict:
            obstacles.add(Conflict("documents changed during this run"))
            return  # the rows in memory are out of date: the next run reads them again
        except (TryLater, Refused) as error:
            obstacles.add(error)


def _refuse_settings(session: SyncSession) -> str:
    """Nothing is changed until library.yaml is valid."""
    problems = "; ".join(each.message for each in session.problems)[:1_000]
    if problems != session.library.settings_notified:
        session.notifier.publish(
            notifications.settings_refused(session.library.name, session.problems)
        )
    session.update_library(settings_notified=problems, reason=problems, in_sync=False)
    _write_report(session)
    _release(session, session.now + SETTINGS_PAUSE)  # S3 or OpenAI may have it then
    return "settings refused"


class Outcome(NamedTuple):
    in_sync: bool
    reason: str  # why it waits, or empty

    @property
    def word(self) -> str:
        if self.in_sync:
            return "in sync"
        return "waiting" if self.reason else "in progress"


def _finish(session: SyncSession, obstacles: Obstacles) -> str:
    """Writes the report, publishes, then commits; releases the lease last."""
    todo = session.plan()
    outcome = _outcome(session, todo, obstacles)
    was_in_sync, before = session.library.in_sync, session.library.finished_until
    _note_outcome(session, todo, outcome)
    counts = _write_report(session)
    if outcome.in_sync and not was_in_sync:
        key = paths.report_key(session.library.name)
        session.notifier.publish(
            notifications.in_sync(session.library, counts, session.dirty_flag.marks, key)
        )
    if outcome.reason and not session.library.waiting_notified:
        _publish_waiting(session, obstacles)
    if session.library.finished_until != before:
        wake_waiters(session)
    _release(session, _due(session, outcome))
    return outcome.word


def _outcome(session: SyncSession, todo: Plan, obstacles: Obstacles) -> Outcome:
    unread = sum(each.is_unread for each in session.documents.values())
    reason = obstacles.reason
    if not reason and unread:
        reason = f"S3 does not give {unread:,} of its documents"
    return Outcome(not reason and _is_complete(session, todo), reason)


def _note_outcome(session: SyncSession, todo: Plan, outcome: Outcome) -> None:
    library, now = session.library, session.now
    since = (library.waiting_since or now) if outcome.reason else None
    changes: dict[str, object] = {
        "reason": outcome.reason,
        "waiting_since": since,
        "waiting_notified": library.waiting_notified and since is not None,
        "in_sync": outcome.in_sync,
        "in_sync_since": (library.in_sync_since or now) if outcome.in_sync else None,
        "finished_until": _finished_until(session, todo),
        "settings_notified": "",
    }
    if session.has_settings:
        changes["on_delete"] = session.settings.on_delete
    if outcome.in_sync and (session.changed or not library.in_sync):
        changes |= {"stores_lost": 0, "counted": _counted(session)}
    session.update_library(**changes)


def _counted(session: SyncSession) -> int:
    """What the store itself says now, to notice later that it holds less."""
    if not session.store:
        return 0
    try:
        return session.vector_stores.store(session.store).file_counts.completed
    except EdgeError:
        return 0  # nothing will be noticed until it is next in sync


def _publish_waiting(session: SyncSession, obstacles: Obstacles) -> None:
    """At once if a person is needed; what passes by itself is told of after an hour."""
    library = session.library
    since = library.waiting_since or session.now
    if obstacles.needs_person or session.now - since >= TOLD_AFTER:
        session.notifier.publish(
            notifications.waiting(library, library.reason, session.dirty_flag.marks)
        )
        session.update_library(waiting_notified=True)


def _due(session: SyncSession, outcome: Outcome) -> datetime | None:
    """When poll asks again, if nothing marks it before; None: not before that."""
    if outcome.in_sync:
        return None
    now, since = session.now, session.library.waiting_since
    if outcome.reason and since and not session.is_under_way:
        return now + min(max((now - since) / 4, FIRST_PAUSE), LONGEST_PAUSE) - FIRST_PAUSE
    return now


def _is_complete(session: SyncSession, todo: Plan) -> bool:
    return todo.idle and not todo.due_later and not session.is_under_way


def _finished_until(session: SyncSession, todo: Plan) -> datetime | None:
    """Before the first document that has not ended; unknown before the first scan."""
    scanned = session.library.scanned_at
    dropped = [each.dropped_at for each in unfinished(session.view(), todo.wants)]
    return min([scanned, *dropped]) if scanned else None


def _release(session: SyncSession, due: datetime | None) -> None:
    session.update_library(leased_until=None)
    with suppress(Conflict):  # marked during this run: it stays dirty
        session.edges.library_table.clear_dirty(session.dirty_flag, due)


def _write_report(session: SyncSession) -> dict[str, int]:
    view, library, s3 = session.view(), session.library, session.edges.s3
    documents = report.documents(view)
    counts = report.counted(documents)
    head = report.head(library, view, counts, session.problems, session.has_settings)
    s3.write(paths.report_key(library.name), report.written(head, documents), "application/json")
    s3.write(paths.page_key(library.name), [library_page(head, documents)], "text/html")
    return counts
