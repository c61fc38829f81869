"""The new version answers, and is told of, before the old is taken out."""

from functions.library.session import SyncSession
from shared.aws.notifier import Notification
from shared.library import notifications
from shared.library.model import Content, ContentState, Document

AT_ONCE = 25  # taken out before that is written down; taking out twice does no harm


def serve(session: SyncSession) -> None:
    """Bell, then ledger."""
    served = session.plan().served
    view = session.view()
    told = [_notification(session, each, view.failures.get(each.digest)) for each in served]
    session.notifier.publish_all(told)
    session.put(served)


def remove(session: SyncSession) -> None:
    """Detached first, then deleted: a store goes on counting a File that was deleted under it."""
    removals = [each for each in session.plan().removals if each.file_id]
    for start in range(0, len(removals), AT_ONCE):
        if session.late:
            return
        some = removals[start : start + AT_ONCE]
        for content in some:
            _take_out(session, content.file_id or "")
        session.put(content.removed(session.now) for content in some)


def _take_out(session: SyncSession, file_id: str) -> None:
    if session.store:
        session.vector_stores.detach(session.store, file_id)
    session.vector_stores.delete_file(file_id)


def _notification(session: SyncSession, document: Document, known: Content | None) -> Notification:
    content = session.contents.get(document.serves) or known
    if content and content.state is ContentState.SEARCHABLE:
        return notifications.searchable(document, content, session.store)
    failure = content or known
    code = failure.error if failure else "failed"
    return notifications.failed(document, code, failure.message if failure else "")
