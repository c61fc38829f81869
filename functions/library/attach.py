"""Uploaded contents are attached to the store, many in one call, and get their attributes."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from pydantic import JsonValue

from functions.library.session import SyncSession
from functions.library.store import check_store
from shared.errors import EdgeError, NotFound, NotYet, OutcomeUnknown, Refused, TryLater
from shared.library import notifications, suspects
from shared.library.content import REFUSED, SINGLY, Content
from shared.openai.vector_stores import MOST_FILES

MAX_WAIT = timedelta(minutes=10)  # for contents that are still being uploaded
MAX_CALLS = 100  # in one run; OpenAI allows 300 a minute and store


def attach(session: SyncSession) -> None:
    """The intent is written before the call. A refused call is narrowed to who is at fault."""
    if not session.store or _is_too_soon(session):
        return
    session.update_library(attached_at=session.now)
    attached = 0
    for call in _calls(session):
        if attached + len(call) > MOST_FILES or session.out_of_time:
            return
        if (refusal := _attach(session, call)) is None:
            attached += len(call)
            _suspect_rest(session, call, taken=True)
        else:
            _narrow(session, call, refusal)


def _calls(session: SyncSession) -> Iterator[Sequence[Content]]:
    """One a minute, unless one was refused: then as many as it takes to find out why."""
    for number in range(MAX_CALLS):
        call = _next_call(session)
        if not call:
            return
        yield call
        if number == 0 and not _suspected(session):
            return


def attach_singly(session: SyncSession) -> None:
    """What file batches leave out, and every document of a server that has no file batches."""
    if not session.store:
        return
    for content in [each for each in session.plan().attaches if each.goes_singly][:MAX_CALLS]:
        if session.out_of_time:
            return
        intent = _intent(session, content)
        session.put([intent])
        try:
            session.vector_stores.attach_one(session.store, _request(session, intent))
        except (TryLater, Refused) as error:
            _give_back(session, [intent], error)
            _refused_alone(session, session.contents[intent.id], error)
        else:
            session.put([intent.attached(SINGLY)])


def update_attributes(session: SyncSession) -> None:
    """Needs no upload and no indexing. What OpenAI does not take, it is not asked again."""
    todo = session.plan()
    for content in todo.new_attributes:
        if session.out_of_time:
            return
        want = todo.wants[content.id]
        try:
            session.vector_stores.describe(session.store, content.file_id or "", want.attributes)
        except NotFound:
            session.put([content.left_out(session.now, "the store does not know it")])
        except Refused as error:
            session.notifier.publish_all(
                [notifications.not_described(each, error.reason) for each in want.documents]
            )
            session.put([content.not_described(session.now, want.fingerprint, error.reason)])
        else:
            session.put([content.described(session.now, want.fingerprint)])


def _ready(session: SyncSession) -> list[Content]:
    return [each for each in session.plan().attaches if not each.goes_singly]


def _suspected(session: SyncSession) -> bool:
    return any(each.suspects for each in _ready(session))


def _next_call(session: SyncSession) -> Sequence[Content]:
    ready, most = _ready(session), MOST_FILES
    if not session.names_culprits:
        most = suspects.most_in_call(list(session.contents.values()), len(ready), most)
    return suspects.next_call(ready, most)


def _is_too_soon(session: SyncSession) -> bool:
    """One call a minute stays below 300 calls a minute and store and, with one library, below
    2,000 files a minute and organization. A call that is not full waits for uploads."""
    last = session.library.attached_at
    if last and session.now < last + session.edges.settings.library_pace:
        return True
    ready = _ready(session)
    if not ready:
        return True
    oldest = min(each.changed_at for each in ready)
    is_full = not session.plan().uploads or len(ready) >= MOST_FILES
    return not is_full and session.now < oldest + MAX_WAIT


def _attach(session: SyncSession, call: Sequence[Content]) -> EdgeError | None:
    """Why OpenAI refused it; None if it did not."""
    intents = [_intent(session, each) for each in call]
    session.put(intents)
    try:
        batch = session.vector_stores.attach(
            session.store, [_request(session, each) for each in intents]
        )
    except (TryLater, Refused) as error:
        _give_back(session, intents, error)
        return error
    session.put(each.attached(batch.id) for each in intents)
    return None


def _give_back(session: SyncSession, intents: Sequence[Content], error: EdgeError) -> None:
    """Raises what may pass; after a lost answer the store's list says what became of them."""
    if isinstance(error, OutcomeUnknown):
        raise error
    session.put(each.not_attached(session.now) for each in intents)
    if not error.is_for_good:
        raise error


def _intent(session: SyncSession, content: Content) -> Content:
    """As it was when we decided: the row in memory may have changed since."""
    known = session.contents[content.id]
    return known.attaching(session.now, session.plan().want(content.id).fingerprint)


def _request(session: SyncSession, content: Content) -> Mapping[str, JsonValue]:
    return {
        "file_id": content.file_id,
        "attributes": dict(session.plan().want(content.id).attributes),
        "chunking_strategy": session.settings.chunking_strategy.model_dump(mode="json"),
    }


def _narrow(session: SyncSession, call: Sequence[Content], error: EdgeError) -> None:
    """Is it the store that is gone, or is there no such call? If not, the suspects are fewer."""
    if not session.store_seen and check_store(session) is None:
        return  # another one will be made
    asked = [session.contents[each.id] for each in call]
    if isinstance(error, NotYet) and any(
        session.may_still_appear(each.uploaded_at) for each in asked
    ):
        raise TryLater(f"a File was uploaded a moment ago: {error.reason}") from error
    if _has_no_such_call(error):
        session.put(each.left_out(session.now, error.reason) for each in asked)
    elif len(asked) == 1:
        _suspect_rest(session, call, taken=False)
        _refused_alone(session, asked[0], error)
    else:
        blamed = suspects.named(error.details, asked)[:1]
        session.names_culprits = bool(blamed)
        _suspect(session, call, blamed)


def _suspect(session: SyncSession, call: Sequence[Content], blamed: Sequence[Content]) -> None:
    """The one that OpenAI named, or all of this call and no other."""
    asked = [session.contents[each.id] for each in call]
    _suspect_rest(session, call, taken=False)
    if not blamed:
        session.put(each.suspected(session.now, len(asked)) for each in asked)
        return
    named = {each.id for each in blamed}
    session.put(each.suspected(session.now, int(each.id in named)) for each in asked)


def _suspect_rest(session: SyncSession, call: Sequence[Content], *, taken: bool) -> None:
    """The fault is in the half that was not asked if this one was taken, else not there."""
    rest = suspects.rest_of(_ready(session), call)
    session.put(each.suspected(session.now, len(rest) if taken else 0) for each in rest)


def _has_no_such_call(error: EdgeError) -> bool:
    """Not one about a File that cannot be found."""
    is_missing = isinstance(error, NotFound) and not isinstance(error, NotYet)
    return is_missing or error.is_unsupported


def _refused_alone(session: SyncSession, content: Content, error: EdgeError) -> None:
    """Nothing else was in that call: it fails, unless its File is gone or there is no such call."""
    known = session.contents[content.id]
    if _has_no_such_call(error):
        session.put([known.left_out(session.now, error.reason)])
        return
    try:
        session.vector_stores.file(content.file_id or "")
    except NotFound:
        if session.may_still_appear(content.uploaded_at):
            raise
        session.put([known.file_lost(session.now)])
        session.add_repairs([f"File gone at OpenAI, uploaded again: {content.filename}"])
    else:
        session.put([known.refused(session.now, REFUSED, error.reason)])
