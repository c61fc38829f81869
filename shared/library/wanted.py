"""Which contents a library's folder and settings ask for."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from shared.library.metadata import MAX_ATTRIBUTES, SUFFIX, Attributes
from shared.library.model import Document, fingerprint
from shared.library.paths import composed, suffix_of
from shared.library.settings import LibrarySettings


@dataclass(frozen=True)
class Want:
    """A content that the folder holds now, and its documents, by name."""

    content: str
    digest: str
    documents: list[Document] = field(default_factory=list)
    attributes: Attributes = field(default_factory=dict)
    retained: bool = False  # the folder holds it no more, and on_delete says to keep it

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.attributes)


def wanted(settings: LibrarySettings, documents: Iterable[Document]) -> dict[str, Want]:
    """By content. When documents have the same bytes, the first by name gives the attributes."""
    present = {each.name: each for each in documents if not each.deleted}
    sidecars = {composed(name): each for name, each in present.items() if each.is_sidecar}
    wants: dict[str, Want] = {}
    for name in sorted(present):
        document = present[name]
        if is_taken(settings, document):
            id_ = content_id(settings, document)
            if id_ not in wants:
                sidecar = sidecars.get(composed(name + SUFFIX))
                attributes = merged_attributes(settings, sidecar.attributes if sidecar else None)
                wants[id_] = Want(id_, document.digest, [], attributes)
            wants[id_].documents.append(document)
    return wants


def is_taken(settings: LibrarySettings, document: Document) -> bool:
    fits = suffix_of(document.name) in settings.suffixes and not document.is_passed_over
    return fits and bool(document.digest) and not document.is_sidecar and not document.problem


def content_id(settings: LibrarySettings, document: Document) -> str:
    """Other chunking makes another content, which can be indexed beside the old one."""
    return f"{document.digest}@{settings.chunking_strategy.fingerprint}"


def merged_attributes(settings: LibrarySettings, own: Attributes | None) -> Attributes:
    """The document's own, then the library's others, up to OpenAI's limit."""
    own = own or {}
    others = [name for name in sorted(settings.attributes) if name not in own]
    fitting = others[: MAX_ATTRIBUTES - len(own)]
    return {name: settings.attributes[name] for name in fitting} | own
