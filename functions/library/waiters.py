"""What waits for a library is asked for as soon as it is ready, not at the next tick."""

from collections import defaultdict

from functions.library.session import SyncSession


def wake_waiters(session: SyncSession) -> None:
    """Sends, then forgets: a message about what waits no more does no harm."""
    table, name = session.edges.library_table, session.library.name
    waiters = table.waiters(name, session.now)
    messages = defaultdict[str, list[str]](list)
    for each in waiters:
        messages[each.queue].append(each.message)
    for queue, bodies in messages.items():
        session.edges.queue(queue).send(bodies)
    for each in waiters:
        table.forget_waiter(name, each, session.now)
