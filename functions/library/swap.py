"""The new version of a document answers, and that is published, before the old one is removed."""

from functions.library.session import SyncSession
from shared.aws.notifier import Notification
from shared.errors import EdgeError
from shared.library import notifications
from shared.library.content import Content
from shared.library.model import Document

AT_ONCE = 25  # removed before that is written down; removing twice does no harm


def switch_documents(session: SyncSession) -> None:
    """Publishes, then commits."""
    switches = session.plan().switches
    failures = session.view().failures
    session.notifier.publish_all(
        [_notification(session, each, failures.get(each.digest)) for each in switches]
    )
    session.put(switches)


def remove_unused(session: SyncSession) -> None:
    """Detached first, then deleted: a store goes on counting a File that was deleted under it."""
    removals = [each for each in session.plan().removals if each.file_id]
    for start in range(0, len(removals), AT_ONCE):
        if session.out_of_time:
            return
        some = removals[start : start + AT_ONCE]
        session.put([_removed(session, content) for content in some])


def _removed(session: SyncSession, content: Content) -> Content:
    """One that OpenAI does not take out holds up no other."""
    file_id = content.file_id or ""
    try:
        if session.store:
            session.vector_stores.detach(session.store, file_id)
        session.vector_stores.delete_file(file_id)
    except EdgeError as error:
        if not error.is_for_good:
            raise
        if not content.refused_removals:
            session.notifier.publish(
                notifications.not_removed(content.filename, session.library.name, error.reason)
            )
        return content.not_removed(session.now)
    return content.removed(session.now)


def _notification(
    session: SyncSession, document: Document, same_bytes: Content | None
) -> Notification:
    """`same_bytes` failed for good, perhaps with other chunking."""
    content = session.contents.get(document.answered_by) or same_bytes
    if content is None:
        return notifications.failed(document, "failed", "")
    if content.is_searchable:
        return notifications.searchable(document, content, session.store)
    return notifications.failed(document, content.error, content.message)
