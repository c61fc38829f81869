"""Contents that the folder holds and OpenAI does not are uploaded, each once."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from functions.library.session import SyncSession
from shared.errors import NotFound, OutcomeUnknown, Refused, TryLater
from shared.jobs.model import Source, Span
from shared.library import paths
from shared.library.model import Content, ContentState
from shared.library.plan import Want
from shared.openai.models import File

MOST = 900  # of one run: OpenAI counts a thousand a minute, and poll asks once a minute
SKEW = timedelta(hours=1)  # between our clock and OpenAI's
MISSED_PAUSE = timedelta(minutes=1)

Outcome = File | TryLater | Refused


def recover_uploads(session: SyncSession) -> None:
    """Uploads whose answer was lost: they lie there, by the name only we give, or they do not.

    They are given time to show up before they are sent again.
    """
    lost = {each.filename: each for each in session.contents.values() if each.uploading_at}
    if not lost:
        return
    since = min(each.uploading_at for each in lost.values() if each.uploading_at) - SKEW
    found: dict[str, str] = {}
    for file in session.vector_stores.files():
        if datetime.fromtimestamp(file.created_at, UTC) < since or len(found) == len(lost):
            break
        if file.filename in lost:
            found.setdefault(file.filename, file.id)
    session.put(lost[name].uploaded(session.now, file) for name, file in found.items())
    absent = [each for name, each in lost.items() if name not in found]
    hoped_for = [each for each in absent if session.may_show_up(each.uploading_at)]
    session.put(each.not_uploaded(session.now) for each in absent if each not in hoped_for)
    if hoped_for:
        raise TryLater(f"the answers of {len(hoped_for)} upload(s) were lost; they may show up")


def upload(session: SyncSession) -> None:
    """The intent is written before the call; as many at once as may be."""
    wants = session.plan().uploads[:MOST]
    at_once = session.edges.settings.uploads_at_once
    for start in range(0, len(wants), at_once):
        if session.late:
            return
        some = wants[start : start + at_once]
        _retried(session, some)
        intents = [_content(session, want).uploading(session.now, _source(want)) for want in some]
        session.put(intents)
        outcomes = _sent(session, intents)
        session.put(_moved(session, *pair) for pair in zip(intents, outcomes, strict=True))
        for outcome in outcomes:
            if isinstance(outcome, TryLater):
                raise outcome


def _retried(session: SyncSession, wants: Sequence[Want]) -> None:
    """What failed and was dropped again serves nobody until it ended again: then it is told."""
    again = [each for each in wants if each.content in session.contents]
    failed = [each for each in again if session.contents[each.content].state is ContentState.FAILED]
    session.put(
        document.served_by("")
        for want in failed
        for document in want.documents
        if document.serves == want.content  # others still answer with what they were
    )


def _content(session: SyncSession, want: Want) -> Content:
    known = session.contents.get(want.content)
    if known is None:
        return _fresh(session, want)
    if known.state in {ContentState.GONE, ContentState.FAILED}:
        return known.wanted_again(session.now).model_copy(update={"rev": known.rev})
    return known


def _fresh(session: SyncSession, want: Want) -> Content:
    """Revision -1, so that its first move is the row's first."""
    name, library = want.documents[0].name, session.library.name
    return Content(
        library=library,
        id=want.content,
        digest=want.digest,
        chunking=session.settings.chunking_strategy.print,
        filename=paths.filename(session.bucket, library, want.content, name),
        source=_source(want),
        due=session.now,
        at=session.now,
        rev=-1,
    )


def _source(want: Want) -> Source:
    return want.documents[0].source


def _sent(session: SyncSession, contents: Sequence[Content]) -> list[Outcome]:
    if len(contents) == 1:
        return [_send(session, contents[0])]
    with ThreadPoolExecutor(len(contents)) as threads:
        return list(threads.map(lambda content: _send(session, content), contents))


def _send(session: SyncSession, content: Content) -> Outcome:
    source = content.source
    span = Span(bucket=source.bucket, key=source.key, version=source.version, length=source.size)
    try:
        return session.vector_stores.upload(content.filename, session.edges.s3.open(span))
    except (TryLater, Refused) as error:
        return error


def _moved(session: SyncSession, content: Content, outcome: Outcome) -> Content:
    match outcome:
        case File():
            return content.uploaded(session.now, outcome.id)
        case OutcomeUnknown():
            return content.model_copy(update={"rev": content.rev + 1})  # looked for next time
        case NotFound() | TryLater():  # the version may be gone: its document is noted anew
            return content.not_uploaded(session.now, MISSED_PAUSE)
    return content.refused(session.now, "refused", str(outcome))
