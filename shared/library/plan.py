"""What to do so that a store matches its folder: what is wanted, compared with what is known."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import NamedTuple

from shared.library.content import Content, ContentState
from shared.library.metadata import SUFFIX
from shared.library.model import Document
from shared.library.settings import LibrarySettings
from shared.library.wanted import Want, merged_attributes, wanted

GRACE = timedelta(minutes=1)  # a rename is a delete and a create, in any order


@dataclass(frozen=True)
class View:
    """Everything that a plan is made from."""

    settings: LibrarySettings
    documents: Mapping[str, Document]
    contents: Mapping[str, Content]
    now: datetime
    grace: timedelta = GRACE

    @cached_property
    def by_digest(self) -> dict[str, list[str]]:
        """Contents of the same bytes, however they are chunked."""
        found: dict[str, list[str]] = {}
        for each in self.contents.values():
            found.setdefault(each.digest, []).append(each.id)
        return found

    @cached_property
    def failures(self) -> dict[str, Content]:
        """Bytes that OpenAI cannot read, however they are chunked."""
        return {each.digest: each for each in self.contents.values() if each.failed_for_good}

    @property
    def deleted(self) -> list[Document]:
        return [each for each in self.documents.values() if each.deleted]

    @property
    def unread(self) -> list[Document]:
        """Those that S3 did not give."""
        return [each for each in self.documents.values() if each.is_unread]

    @property
    def unread_due(self) -> list[Document]:
        return [each for each in self.unread if each.read_again_at <= self.now]

    @property
    def retains_deleted(self) -> bool:
        return self.settings.on_delete == "retain"

    def may_answer(self, document: Document) -> set[str]:
        """Contents that answer for it, or may."""
        digests = {document.digest, *document.previous_digests}
        same = (id_ for digest in digests for id_ in self.by_digest.get(digest, ()))
        return {document.answered_by, *same}

    def is_in_grace(self, document: Document) -> bool:
        """Deleted so lately that it may be the first half of a rename."""
        recent = self.now < document.recorded_at + self.grace
        return document.deleted and recent and bool(document.digest)


class Plan(NamedTuple):
    """Steps in the order in which they are taken; each is useful by itself."""

    wants: dict[str, Want]
    retained: dict[str, Want]  # of deleted documents; OpenAI lost what answered for them
    uploads: list[Want]
    attaches: list[Content]
    new_attributes: list[Content]
    switches: list[Document]  # whose own content answers from now on
    removals: list[Content]
    unread: list[Document]  # that S3 did not give, and that are to be read again now
    due_later: list[datetime]

    def want(self, content: str) -> Want:
        return self.wants.get(content) or self.retained[content]

    @property
    def idle(self) -> bool:
        now = (*(self.uploads, self.attaches, self.new_attributes), *(self.switches, self.removals))
        return not (any(now) or self.unread)


def plan(view: View) -> Plan:
    wants = wanted(view.settings, view.documents.values())
    retained = _lost_though_retained(view, wants)
    held = {id_: view.contents[id_] for id_ in [*wants, *retained] if id_ in view.contents}
    removals = _removals(view, wants)
    uploads = [*wants.values(), *retained.values()]
    return Plan(
        wants=wants,
        retained=retained,
        uploads=[want for want in uploads if _needs_upload(view, want)],
        attaches=[each for each in held.values() if each.may_be_attached(view.now)],
        new_attributes=_new_attributes(view, wants),
        switches=_switches(view, wants),
        removals=[each for each in removals if each.may_be_removed(view.now)],
        unread=view.unread_due,
        due_later=_due_later(view, list(held.values()), removals),
    )


def has_ended(view: View, want: Want) -> bool:
    """It is searchable, or never will be."""
    content = view.contents.get(want.content)
    if content and content.has_ended:
        return not _is_dropped_again(content, want)
    return want.digest in view.failures


def unfinished(view: View, wants: Mapping[str, Want]) -> list[Document]:
    """Documents whose last change has not reached the store; stuck ones do not count."""
    indexing = [
        document
        for want in wants.values()
        if _is_awaited(view, want)
        for document in want.documents
    ]
    return indexing + _awaiting_removal(view, wants)


def _needs_upload(view: View, want: Want) -> bool:
    content = view.contents.get(want.content)
    if content is None or content.state is ContentState.REMOVED:
        return want.digest not in view.failures
    if content.has_failed:
        return _is_dropped_again(content, want) and not content.at_openai
    if content.uploading_at:
        return False  # its answer was lost: look for the File first
    is_wanted = content.state is ContentState.WANTED and content.due <= view.now
    return is_wanted and want.digest not in view.failures


def _is_dropped_again(content: Content, want: Want) -> bool:
    """OpenAI's own errors do not blame the bytes: drop them again and they are tried again."""
    if not content.has_failed or content.failed_for_good:
        return False
    return any(each.dropped_at >= content.changed_at for each in want.documents)


def _lost_though_retained(view: View, wants: Mapping[str, Want]) -> dict[str, Want]:
    """Contents that answered for deleted documents until OpenAI lost their File or their store."""
    found: dict[str, Want] = {}
    for document in view.deleted if view.retains_deleted else ():
        for id_ in _retained(view, document) & view.contents.keys() - wants.keys():
            content = view.contents[id_]
            if content.was_at_openai and not content.is_over:
                sidecar = view.documents.get(document.name + SUFFIX)
                attributes = merged_attributes(
                    view.settings, sidecar.attributes if sidecar else None
                )
                found[id_] = Want(id_, content.digest, [document], attributes, retained=True)
    return found


def _new_attributes(view: View, wants: Mapping[str, Want]) -> list[Content]:
    found = ((view.contents.get(id_), want.fingerprint) for id_, want in wants.items())
    return [
        content
        for content, wanted_ in found
        if content and content.is_searchable and content.attributes_fingerprint != wanted_
    ]


def _switches(view: View, wants: Mapping[str, Want]) -> list[Document]:
    """If a version cannot be indexed, nothing answers for it; nor does the one before it."""
    return [
        document.switched_to(want.content)
        for want in wants.values()
        if has_ended(view, want)
        for document in want.documents
        if document.answered_by != want.content
    ]


def _removals(view: View, wants: Mapping[str, Want]) -> list[Content]:
    kept = _kept(view, wants)
    present = [each for each in view.contents.values() if each.at_openai]
    return [each for each in present if each.has_failed or each.id not in kept]


def _kept(view: View, wants: Mapping[str, Want]) -> set[str]:
    """Contents that stay: wanted, or answering until what is wanted can.

    A content that is being indexed may answer before we have looked.
    """
    kept = set(wants)
    for document in _between_versions(view, wants):
        kept |= view.may_answer(document)
    if view.retains_deleted:
        kept = kept.union(*(_retained(view, each) for each in view.deleted))
    return kept


def _between_versions(view: View, wants: Mapping[str, Want]) -> list[Document]:
    """Documents whose new version has not ended, and those that may be under a new name soon."""
    late = [want for want in wants.values() if not has_ended(view, want)]
    renamed = [each for each in view.deleted if view.is_in_grace(each)]
    return [document for want in late for document in want.documents] + renamed


def _retained(view: View, document: Document) -> set[str]:
    """What answers for a deleted document: its last version if searchable, else any that may."""
    held = view.may_answer(document)
    last = [view.contents[each] for each in view.by_digest.get(document.digest, ())]
    return {each.id for each in last if each.is_searchable} or held


def _due_later(view: View, contents: list[Content], removals: list[Content]) -> list[datetime]:
    later = [each.due for each in contents if each.is_paused(view.now)]
    later += [each.recorded_at + view.grace for each in view.deleted if view.is_in_grace(each)]
    later += [each.read_again_at for each in view.unread]
    return later + [each.removal_due for each in removals if each.removal_due]


def _is_awaited(view: View, want: Want) -> bool:
    content = view.contents.get(want.content)
    return not has_ended(view, want) and not (content and content.stuck_notified)


def _awaiting_removal(view: View, wants: Mapping[str, Want]) -> list[Document]:
    if view.retains_deleted:
        return []
    held = (each for each in view.contents.values() if each.at_openai)
    unwanted = {each.id for each in held if not each.refused_removals} - wants.keys()
    return [each for each in view.deleted if unwanted & view.may_answer(each)]
