"""Contents that the folder holds and OpenAI does not are uploaded, each once."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from functions.library.session import SyncSession
from shared.aws.s3_reader import GONE
from shared.errors import NotGiven, OutcomeUnknown, Refused, TryLater
from shared.library import paths
from shared.library.content import REFUSED, Content
from shared.library.wanted import Want
from shared.objects import Source, Span
from shared.openai.models import File

MAX_UPLOADS = 900  # in one run: OpenAI allows 1,000 a minute, and poll asks once a minute
SKEW = timedelta(hours=1)  # between our clock and OpenAI's
NOT_SENT_PAUSE = timedelta(minutes=1)

Outcome = File | TryLater | Refused


def recover_uploads(session: SyncSession) -> None:
    """Finds the Files of uploads whose answers were lost, by the names that only we give.

    They get time to appear in OpenAI's list before they are sent again.
    """
    lost = {each.filename: each for each in session.contents.values() if each.uploading_at}
    if not lost:
        return
    found = _find_files(session, lost)
    session.put(lost[name].uploaded(session.now, file) for name, file in found.items())
    absent = [each for name, each in lost.items() if name not in found]
    _send_again_or_wait(session, absent)


def upload(session: SyncSession) -> None:
    """The intent is written before the call; several calls run at once."""
    wants = session.plan().uploads[:MAX_UPLOADS]
    at_once = session.edges.settings.uploads_at_once
    for start in range(0, len(wants), at_once):
        if session.out_of_time:
            return
        some = wants[start : start + at_once]
        _stop_answering(session, some)
        intents = [
            _content(session, want).uploading(session.now, _source(session, want)) for want in some
        ]
        session.put(intents)
        outcomes = _send_all(session, intents)
        session.put(_after(session, *pair) for pair in zip(intents, outcomes, strict=True))
        for outcome in outcomes:
            if isinstance(outcome, TryLater) and not isinstance(outcome, NotGiven):
                raise outcome


def _find_files(session: SyncSession, lost: dict[str, Content]) -> dict[str, str]:
    """File ids by name. OpenAI lists the newest first, so we stop at the first upload's time."""
    since = min(each.uploading_at for each in lost.values() if each.uploading_at) - SKEW
    found: dict[str, str] = {}
    for file in session.vector_stores.files():
        if len(found) == len(lost) or datetime.fromtimestamp(file.created_at, UTC) < since:
            break
        if file.filename in lost:
            found.setdefault(file.filename, file.id)
    return found


def _send_again_or_wait(session: SyncSession, absent: Sequence[Content]) -> None:
    late = [each for each in absent if session.may_still_appear(each.uploading_at)]
    session.put(each.not_uploaded(session.now) for each in absent if each not in late)
    if late:
        raise TryLater(f"answers to {len(late)} upload(s) were lost; the Files may still appear")


def _stop_answering(session: SyncSession, wants: Sequence[Want]) -> None:
    """A failed content that is tried again: its new outcome will be published as the first was."""
    session.put(
        document.switched_to("")
        for want in wants
        if _has_failed(session, want)
        for document in want.documents
        if document.answered_by == want.content  # the others keep the version that answers
    )


def _has_failed(session: SyncSession, want: Want) -> bool:
    content = session.contents.get(want.content)
    return content is not None and content.has_failed


def _content(session: SyncSession, want: Want) -> Content:
    known = session.contents.get(want.content)
    if known is None:
        return _new_content(session, want)
    if known.is_over:
        return known.reset(session.now).model_copy(update={"rev": known.rev})
    return known


def _new_content(session: SyncSession, want: Want) -> Content:
    """Revision -1, so that the first one written is 0."""
    name, library = want.documents[0].name, session.library.name
    return Content(
        library=library,
        id=want.content,
        digest=want.digest,
        chunking=session.settings.chunking_strategy.fingerprint,
        filename=paths.filename(session.bucket, library, want.content, name),
        source=want.documents[0].source,
        due=session.now,
        changed_at=session.now,
        rev=-1,
    )


def _source(session: SyncSession, want: Want) -> Source:
    """The folder does not hold what is retained; a version of it may be there still."""
    document = want.documents[0]
    if want.retained:
        return session.contents[want.content].source
    return document.source


def _send_all(session: SyncSession, contents: Sequence[Content]) -> list[Outcome]:
    if len(contents) == 1:
        return [_send(session, contents[0])]
    with ThreadPoolExecutor(len(contents)) as threads:
        return list(threads.map(lambda content: _send(session, content), contents))


def _send(session: SyncSession, content: Content) -> Outcome:
    source = content.source
    span = Span(bucket=source.bucket, key=source.key, version=source.version, length=source.size)
    try:
        return session.vector_stores.upload(content.filename, session.edges.s3.open_again(span))
    except (TryLater, Refused) as error:
        return error


def _after(session: SyncSession, content: Content, outcome: Outcome) -> Content:
    match outcome:
        case File():
            return content.uploaded(session.now, outcome.id)
        case OutcomeUnknown():
            return content.updated()  # the next run looks for the File
        case NotGiven():
            return content.not_readable(session.now, outcome.reason)
        case TryLater():
            return content.not_uploaded(session.now, NOT_SENT_PAUSE)
    if outcome.details.code == GONE:  # an event about it may come
        return content.not_readable(session.now, outcome.reason)
    return content.refused(session.now, REFUSED, outcome.reason)
