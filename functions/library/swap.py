"""The new version answers, and is told of, before the old is taken out."""

from functions.library.session import Desk
from shared.aws.notifier import Fact
from shared.library import notifications
from shared.library.model import Content, ContentState, Document

AT_ONCE = 25  # taken out before that is written down; taking out twice does no harm


def serve(desk: Desk) -> None:
    """Bell, then ledger."""
    served = desk.plan().served
    view = desk.view()
    told = [_fact(desk, each, view.failures.get(each.digest)) for each in served]
    desk.edges.pager.tell_all(told)
    desk.put(served)


def remove(desk: Desk) -> None:
    """Detached first, then deleted: a store goes on counting a File that was deleted under it."""
    removals = [each for each in desk.plan().removals if each.file_id]
    for start in range(0, len(removals), AT_ONCE):
        if desk.late:
            return
        some = removals[start : start + AT_ONCE]
        for content in some:
            _take_out(desk, content.file_id or "")
        desk.put(content.removed(desk.now) for content in some)


def _take_out(desk: Desk, file_id: str) -> None:
    if desk.store:
        desk.edges.vector_stores.detach(desk.store, file_id)
    desk.edges.vector_stores.delete_file(file_id)


def _fact(desk: Desk, document: Document, known: Content | None) -> Fact:
    content = desk.contents.get(document.serves) or known
    if content and content.state is ContentState.SEARCHABLE:
        return notifications.searchable(document, content, desk.store)
    failure = content or known
    code = failure.error if failure else "failed"
    return notifications.failed(document, code, failure.message if failure else "")
