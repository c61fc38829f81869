"""Contents that the folder holds and OpenAI does not are uploaded, each once."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from functions.library.session import Desk
from shared.errors import AnswerLost, Gone, Refused, TryLater
from shared.jobs.model import Source, Span
from shared.library import paths
from shared.library.model import Content, ContentState
from shared.library.plan import Want
from shared.openai.models import File

MOST = 900  # of one run: OpenAI counts a thousand a minute, and poll asks once a minute
SKEW = timedelta(hours=1)  # between our clock and OpenAI's
MISSED_PAUSE = timedelta(minutes=1)

Outcome = File | TryLater | Refused


def recover_uploads(desk: Desk) -> None:
    """Uploads whose answer was lost: they lie there, by the name only we give, or they do not.

    They are given time to show up before they are sent again.
    """
    lost = {each.filename: each for each in desk.contents.values() if each.uploading_at}
    if not lost:
        return
    since = min(each.uploading_at for each in lost.values() if each.uploading_at) - SKEW
    found: dict[str, str] = {}
    for file in desk.edges.vector_stores.files():
        if datetime.fromtimestamp(file.created_at, UTC) < since or len(found) == len(lost):
            break
        if file.filename in lost:
            found.setdefault(file.filename, file.id)
    desk.put(lost[name].uploaded(desk.now, file) for name, file in found.items())
    absent = [each for name, each in lost.items() if name not in found]
    hoped_for = [each for each in absent if desk.may_show_up(each.uploading_at)]
    desk.put(each.not_uploaded(desk.now) for each in absent if each not in hoped_for)
    if hoped_for:
        raise TryLater(f"the answers of {len(hoped_for)} upload(s) were lost; they may show up")


def upload(desk: Desk) -> None:
    """The intent is written before the call; as many at once as may be."""
    wants = desk.plan().uploads[:MOST]
    at_once = desk.edges.settings.uploads_at_once
    for start in range(0, len(wants), at_once):
        if desk.late:
            return
        some = wants[start : start + at_once]
        _retried(desk, some)
        intents = [_content(desk, want).uploading(desk.now, _source(want)) for want in some]
        desk.put(intents)
        outcomes = _sent(desk, intents)
        desk.put(_moved(desk, *pair) for pair in zip(intents, outcomes, strict=True))
        for outcome in outcomes:
            if isinstance(outcome, TryLater):
                raise outcome


def _retried(desk: Desk, wants: Sequence[Want]) -> None:
    """What failed and was dropped again serves nobody until it ended again: then it is told."""
    again = [each for each in wants if each.content in desk.contents]
    failed = [each for each in again if desk.contents[each.content].state is ContentState.FAILED]
    desk.put(
        document.served_by("")
        for want in failed
        for document in want.documents
        if document.serves == want.content  # others still answer with what they were
    )


def _content(desk: Desk, want: Want) -> Content:
    known = desk.contents.get(want.content)
    if known is None:
        return _fresh(desk, want)
    if known.state in {ContentState.GONE, ContentState.FAILED}:
        return known.wanted_again(desk.now).model_copy(update={"rev": known.rev})
    return known


def _fresh(desk: Desk, want: Want) -> Content:
    """Revision -1, so that its first move is the row's first."""
    name, library = want.documents[0].name, desk.library.name
    return Content(
        library=library,
        id=want.content,
        digest=want.digest,
        chunking=desk.settings.chunking_strategy.print,
        filename=paths.filename(desk.bucket, library, want.content, name),
        source=_source(want),
        due=desk.now,
        at=desk.now,
        rev=-1,
    )


def _source(want: Want) -> Source:
    return want.documents[0].source


def _sent(desk: Desk, contents: Sequence[Content]) -> list[Outcome]:
    if len(contents) == 1:
        return [_send(desk, contents[0])]
    with ThreadPoolExecutor(len(contents)) as threads:
        return list(threads.map(lambda content: _send(desk, content), contents))


def _send(desk: Desk, content: Content) -> Outcome:
    source = content.source
    span = Span(bucket=source.bucket, key=source.key, version=source.version, length=source.size)
    try:
        return desk.edges.vector_stores.upload(content.filename, desk.edges.landing.open(span))
    except (TryLater, Refused) as error:
        return error


def _moved(desk: Desk, content: Content, outcome: Outcome) -> Content:
    match outcome:
        case File():
            return content.uploaded(desk.now, outcome.id)
        case AnswerLost():
            return content.model_copy(update={"rev": content.rev + 1})  # looked for next time
        case Gone() | TryLater():  # the version may be gone: its document is noted anew
            return content.not_uploaded(desk.now, MISSED_PAUSE)
    return content.refused(desk.now, "refused", str(outcome))
