"""What is to be done so that a store is true to its folder: wanted against known, nothing else."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import NamedTuple

from shared.library.metadata import SUFFIX, Attributes
from shared.library.model import Content, ContentState, Document, print_of
from shared.library.paths import suffix_of
from shared.library.settings import LibrarySettings

GRACE = timedelta(minutes=1)  # a rename is a delete and a create, in any order
ENDED = frozenset({ContentState.SEARCHABLE, ContentState.FAILED})


@dataclass(frozen=True)
class Want:
    """A content that the folder holds now, and the documents that hold it, by name."""

    content: str
    digest: str
    documents: list[Document] = field(default_factory=list)
    attributes: Attributes = field(default_factory=dict)

    @property
    def print(self) -> str:
        return print_of(self.attributes)


@dataclass(frozen=True)
class View:
    """All that a plan is made from."""

    settings: LibrarySettings
    documents: Mapping[str, Document]
    contents: Mapping[str, Content]
    now: datetime
    grace: timedelta = GRACE

    @cached_property
    def by_digest(self) -> dict[str, list[str]]:
        """Contents of the same bytes, however they are cut."""
        found: dict[str, list[str]] = {}
        for each in self.contents.values():
            found.setdefault(each.digest, []).append(each.id)
        return found

    @cached_property
    def failures(self) -> dict[str, Content]:
        """What is known of bytes that can't be read, however they were to be cut."""
        return {each.digest: each for each in self.contents.values() if each.failed_for_good}


class Plan(NamedTuple):
    """Steps, each good by itself, in the order in which they are taken."""

    wants: dict[str, Want]
    uploads: list[Want]
    attaches: list[Content]
    descriptions: list[Content]  # whose attributes changed
    served: list[Document]  # whose own content answers from now on
    removals: list[Content]
    waiting: list[datetime]  # when something falls due that is not yet

    @property
    def idle(self) -> bool:
        return not (
            self.uploads or self.attaches or self.descriptions or self.served or self.removals
        )


def plan(view: View) -> Plan:
    wants = wanted(view.settings, view.documents.values())
    kept = _kept(view, wants)
    present = [view.contents[each] for each in wants if each in view.contents]
    uploaded = [each for each in present if each.state is ContentState.UPLOADED]
    return Plan(
        wants=wants,
        uploads=[want for want in wants.values() if _is_to_upload(view, want)],
        attaches=[each for each in uploaded if each.due <= view.now],
        descriptions=[
            each
            for each in present
            if each.state is ContentState.SEARCHABLE and each.attributes != wants[each.id].print
        ],
        served=_served(view, wants),
        removals=[
            each
            for each in view.contents.values()
            if each.at_openai and (each.id not in kept or each.state is ContentState.FAILED)
        ],
        waiting=[
            *(each.due for each in present if each.state not in ENDED and each.due > view.now),
            *(
                each.noted_at + view.grace
                for each in view.documents.values()
                if _in_grace(view, each)
            ),
        ],
    )


def wanted(settings: LibrarySettings, documents: Iterable[Document]) -> dict[str, Want]:
    """Of documents with the same bytes, the first by name gives the attributes."""
    present = {each.name: each for each in documents if not each.gone}
    wants: dict[str, Want] = {}
    for name in sorted(present):
        document = present[name]
        if is_taken(settings, document):
            id_ = content_id(settings, document)
            if id_ not in wants:
                beside = present.get(name + SUFFIX)
                attributes = attributes_of(settings, beside.attributes if beside else None)
                wants[id_] = Want(id_, document.digest, [], attributes)
            wants[id_].documents.append(document)
    return wants


def is_taken(settings: LibrarySettings, document: Document) -> bool:
    fits = suffix_of(document.name) in settings.suffixes
    return fits and bool(document.digest) and not document.is_sidecar and not document.problem


def content_id(settings: LibrarySettings, document: Document) -> str:
    """Bytes cut in another way are another content: it can be made ready beside the old one."""
    return f"{document.digest}@{settings.chunking_strategy.print}"


def attributes_of(settings: LibrarySettings, own: Attributes | None) -> Attributes:
    """The library's, and the document's own above them: sixteen at most, its own first."""
    own = own or {}
    room = 16 - len(own)
    more = [name for name in sorted(settings.attributes) if name not in own][:room]
    return {name: settings.attributes[name] for name in more} | own


def has_ended(view: View, want: Want) -> bool:
    """Searchable, or never to be."""
    content = view.contents.get(want.content)
    if content and content.state in ENDED:
        return not _is_asked_again(content, want)
    return want.digest in view.failures


def unsettled(view: View, wants: Mapping[str, Want]) -> list[Document]:
    """Documents whose last change has not reached the store; those told to be stuck are left."""
    ended = {each.content for each in wants.values() if has_ended(view, each)}
    stuck = {each.id for each in view.contents.values() if each.stuck_told}
    late = [
        document
        for want in wants.values()
        if want.content not in ended | stuck
        for document in want.documents
    ]
    left = {each.id for each in view.contents.values() if each.at_openai} - wants.keys()
    going = [] if view.settings.on_delete == "retain" else view.documents.values()
    return late + [each for each in going if each.gone and left & _held(view, each)]


def _is_to_upload(view: View, want: Want) -> bool:
    content = view.contents.get(want.content)
    if content is None or content.state is ContentState.GONE:
        return want.digest not in view.failures
    if content.state is ContentState.FAILED:
        return _is_asked_again(content, want) and not content.at_openai
    if content.uploading_at:
        return False  # its answer was lost: it is looked for first
    return content.state is ContentState.WANTED and content.due <= view.now


def _is_asked_again(content: Content, want: Want) -> bool:
    """OpenAI's own errors are not the bytes' fault: dropped again, they are tried again."""
    if content.state is not ContentState.FAILED or content.failed_for_good:
        return False
    return any(each.noted_at >= content.at for each in want.documents)


def _served(view: View, wants: Mapping[str, Want]) -> list[Document]:
    """A version that can't be indexed serves nobody, and nor does the one before it."""
    return [
        document.served_by(want.content)
        for want in wants.values()
        if has_ended(view, want)
        for document in want.documents
        if document.serves != want.content
    ]


def _kept(view: View, wants: Mapping[str, Want]) -> set[str]:
    """Contents that may not go yet: wanted, or answering until what is wanted can.

    One that is being indexed may answer before anybody has looked.
    """
    kept = set(wants)
    late = [want for want in wants.values() if not has_ended(view, want)]
    documents = [document for want in late for document in want.documents]
    documents += [each for each in view.documents.values() if _in_grace(view, each)]
    for document in documents:
        kept |= _held(view, document)
    if view.settings.on_delete == "retain":
        for document in view.documents.values():
            kept |= _retained(view, document) if document.gone else set()
    return kept


def _retained(view: View, document: Document) -> set[str]:
    """What answers for a document that was deleted: its last version, if that can."""
    held = _held(view, document)
    own = {each for each in held if each in view.contents}
    searchable = {
        each
        for each in own
        if view.contents[each].digest == document.digest
        and view.contents[each].state is ContentState.SEARCHABLE
    }
    return searchable or held


def _in_grace(view: View, document: Document) -> bool:
    return document.gone and view.now < document.noted_at + view.grace and bool(document.digest)


def _held(view: View, document: Document) -> set[str]:
    """Contents that answer for it, or may."""
    digests = {document.digest, *document.was}
    return {document.serves, *(i for digest in digests for i in view.by_digest.get(digest, ()))}
