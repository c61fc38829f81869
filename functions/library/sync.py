"""Whoever holds a library's lease brings its store up to its folder, step by step.

Every step is found again in the rows, whatever became of the one before: a run may die anywhere.
"""

from collections.abc import Callable
from contextlib import suppress

from functions.library.attach import attach, describe, recover_attached, watch
from functions.library.reconcile import forget, reconcile, walk
from functions.library.session import Desk, hold
from functions.library.store import rebind, stand
from functions.library.swap import remove, serve
from functions.library.upload import recover_uploads, upload
from shared.edges import Edges
from shared.errors import Moved, TryLater
from shared.library import notifications, paths, report
from shared.library.model import Tend
from shared.library.plan import Plan, unsettled

Step = Callable[[Desk], None]
STEPS: tuple[Step, ...] = (
    *(rebind, recover_uploads, recover_attached, watch, serve, upload, stand, attach),
    *(describe, remove),
)


def tend(edges: Edges, ask: Tend) -> str:
    """What came of it, in a word. Poll asks again as long as the bell rings."""
    if ask.reconcile:
        edges.shelves.ring(ask.library, edges.now())  # what is found is gone on with
    bell = edges.shelves.bell(ask.library)
    library = hold(edges, ask.library)
    if library is None:
        return "held"
    desk = Desk(edges, library, bell)
    try:
        return _tended(desk, ask)
    except Exception:
        desk.set(held_until=None)  # the next one need not wait for the lease to run out
        raise


def _tended(desk: Desk, ask: Tend) -> str:
    if desk.problems:
        return _frozen(desk)
    reasons: list[str] = []
    _each(desk, [_walked(ask)], reasons)
    _each(desk, STEPS, reasons)
    if ask.reconcile:
        _each(desk, [reconcile, forget], reasons)
    return _closed(desk, "; ".join(dict.fromkeys(reasons)))


def _each(desk: Desk, steps: "list[Step] | tuple[Step, ...]", reasons: list[str]) -> None:
    """What can't be done now is said; the other steps need not wait for it."""
    for step in steps:
        try:
            step(desk)
        except Moved:
            reasons.append("documents changed meanwhile")
            return  # what was read is stale: the next run reads anew
        except TryLater as error:
            reasons.append(error.reason)


def _walked(ask: Tend) -> Step:
    """Files of questions wait for what was dropped before them, heard of or not."""

    def maybe(desk: Desk) -> None:
        asked, walked = desk.bell.asked_at, desk.library.walked_at
        if ask.reconcile or (asked and (walked is None or asked >= walked)):
            walk(desk)

    return maybe


def _frozen(desk: Desk) -> str:
    """Settings that can't be followed: nothing is changed until they can."""
    told = "; ".join(each.message for each in desk.problems)[:1_000]
    if told != desk.library.settings_told:
        desk.edges.pager.tell(notifications.settings_refused(desk.library.name, desk.problems))
    desk.set(settings_told=told, reason=told, in_sync=False)
    _report(desk)
    desk.set(held_until=None)
    with suppress(Moved):
        desk.edges.shelves.rest(desk.bell, None)  # the next change rings
    return "settings refused"


def _closed(desk: Desk, reason: str) -> str:
    """Report, then bell, then ledger; the lease is given back last."""
    todo = desk.plan()
    under_way = any(each.is_under_way for each in desk.contents.values())
    synced = todo.idle and not todo.waiting and not under_way and not reason
    late = [each.dropped_at for each in unsettled(desk.view(), todo.wants)]
    walked = desk.library.walked_at
    upto = min([walked, *late]) if walked else None
    was = desk.library.in_sync
    desk.set(reason=reason, in_sync=synced, settled_upto=upto, settings_told="")
    counts = _report(desk)
    if synced and not was:
        key = paths.report_key(desk.library.name)
        desk.edges.pager.tell(notifications.in_sync(desk.library, counts, desk.bell.n, key))
    desk.set(held_until=None)
    with suppress(Moved):  # rung meanwhile: it stays open
        desk.edges.shelves.rest(desk.bell, None if synced else desk.now)
    return "in sync" if synced else _word(todo, reason)


def _word(todo: Plan, reason: str) -> str:
    return "waits" if reason or todo.idle else "goes on"


def _report(desk: Desk) -> dict[str, int]:
    view = desk.view()
    found = report.documents(view)
    counts = report.counted(found)
    head = report.head(desk.library, view, counts, desk.problems)
    key = paths.report_key(desk.library.name)
    desk.edges.landing.write(key, report.written(head, found), "application/json")
    return counts
