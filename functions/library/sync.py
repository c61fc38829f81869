"""Whoever holds a library's lease brings its store up to its folder, step by step.

Every step is found again in the rows, whatever became of the one before: a run may die anywhere.
"""

from collections.abc import Callable
from contextlib import suppress

from functions.library.attach import attach, describe, recover_attached, watch
from functions.library.reconcile import forget, reconcile, walk
from functions.library.session import SyncSession, hold
from functions.library.store import rebind, stand
from functions.library.swap import remove, serve
from functions.library.upload import recover_uploads, upload
from shared.errors import Conflict, TryLater
from shared.library import notifications, paths, report
from shared.library.edges import LibraryEdges
from shared.library.model import SyncRequest
from shared.library.plan import Plan, unsettled

Step = Callable[[SyncSession], None]
STEPS: tuple[Step, ...] = (
    *(rebind, recover_uploads, recover_attached, watch, serve, upload, stand, attach),
    *(describe, remove),
)


def sync(edges: LibraryEdges, ask: SyncRequest) -> str:
    """What came of it, in a word. Poll asks again as long as the bell rings."""
    if ask.reconcile:
        edges.library_table.ring(ask.library, edges.now())  # what is found is gone on with
    dirty_flag = edges.library_table.dirty_flag(ask.library)
    library = hold(edges, ask.library)
    if library is None:
        return "held"
    session = SyncSession(edges, library, dirty_flag)
    try:
        return _synced(session, ask)
    except Exception:
        session.set(held_until=None)  # the next one need not wait for the lease to run out
        raise


def _synced(session: SyncSession, ask: SyncRequest) -> str:
    if session.problems:
        return _frozen(session)
    reasons: list[str] = []
    _each(session, [_walked(ask)], reasons)
    _each(session, STEPS, reasons)
    if ask.reconcile:
        _each(session, [reconcile, forget], reasons)
    return _closed(session, "; ".join(dict.fromkeys(reasons)))


def _each(session: SyncSession, steps: "list[Step] | tuple[Step, ...]", reasons: list[str]) -> None:
    """What can't be done now is said; the other steps need not wait for it."""
    for step in steps:
        try:
            step(session)
        except Conflict:
            reasons.append("documents changed meanwhile")
            return  # what was read is stale: the next run reads anew
        except TryLater as error:
            reasons.append(error.reason)


def _walked(ask: SyncRequest) -> Step:
    """Files of questions wait for what was dropped before them, heard of or not."""

    def maybe(session: SyncSession) -> None:
        asked, walked = session.dirty_flag.asked_at, session.library.walked_at
        if ask.reconcile or (asked and (walked is None or asked >= walked)):
            walk(session)

    return maybe


def _frozen(session: SyncSession) -> str:
    """Settings that can't be followed: nothing is changed until they can."""
    told = "; ".join(each.message for each in session.problems)[:1_000]
    if told != session.library.settings_told:
        session.notifier.publish(
            notifications.settings_refused(session.library.name, session.problems)
        )
    session.set(settings_told=told, reason=told, in_sync=False)
    _report(session)
    session.set(held_until=None)
    with suppress(Conflict):
        session.edges.library_table.rest(session.dirty_flag, None)  # the next change rings
    return "settings refused"


def _closed(session: SyncSession, reason: str) -> str:
    """Report, then bell, then ledger; the lease is given back last."""
    todo = session.plan()
    under_way = any(each.is_under_way for each in session.contents.values())
    synced = todo.idle and not todo.waiting and not under_way and not reason
    late = [each.dropped_at for each in unsettled(session.view(), todo.wants)]
    walked = session.library.walked_at
    upto = min([walked, *late]) if walked else None
    was = session.library.in_sync
    session.set(reason=reason, in_sync=synced, settled_upto=upto, settings_told="")
    counts = _report(session)
    if synced and not was:
        key = paths.report_key(session.library.name)
        session.notifier.publish(
            notifications.in_sync(session.library, counts, session.dirty_flag.n, key)
        )
    session.set(held_until=None)
    with suppress(Conflict):  # rung meanwhile: it stays open
        session.edges.library_table.rest(session.dirty_flag, None if synced else session.now)
    return "in sync" if synced else _word(todo, reason)


def _word(todo: Plan, reason: str) -> str:
    return "waits" if reason or todo.idle else "goes on"


def _report(session: SyncSession) -> dict[str, int]:
    view = session.view()
    found = report.documents(view)
    counts = report.counted(found)
    head = report.head(session.library, view, counts, session.problems)
    key = paths.report_key(session.library.name)
    session.edges.s3.write(key, report.written(head, found), "application/json")
    return counts
