"""What the notifications of libraries tell programs, by their types."""

from typing import Any

from shared.aws.notifier import Detail
from shared.library.model import Document


class DocumentDetail(Detail):
    library: str
    document: str  # its name in the library's folder
    key: str
    version: str | None
    bytes: int


class DocumentSearchable(DocumentDetail):
    store: str
    file: str | None  # at OpenAI


class DocumentFailed(DocumentDetail):
    code: str
    message: str


class DocumentNotRemoved(Detail):
    """OpenAI does not let it be taken out of the store."""

    library: str
    document: str
    code: str


class DocumentMisplaced(Detail):
    """It lies in no library."""

    key: str
    code: str


class DocumentStuck(DocumentDetail):
    store: str


class LibrarySettingsRefused(Detail):
    library: str
    problems: int


class LibraryWaiting(Detail):
    library: str
    reason: str


class LibraryRepaired(Detail):
    library: str
    repaired: int


class LibraryInSync(Detail):
    library: str
    store: str
    documents: dict[str, int]  # by state
    report: str  # a key in the data bucket


DETAILS: dict[str, Any] = {
    "Document Searchable": DocumentSearchable,
    "Document Failed": DocumentFailed | DocumentNotRemoved | DocumentMisplaced,
    "Document Stuck": DocumentStuck,
    "Library Settings Refused": LibrarySettingsRefused,
    "Library Waiting": LibraryWaiting,
    "Library Repaired": LibraryRepaired,
    "Library In Sync": LibraryInSync,
}


def of_document(document: Document) -> dict[str, Any]:
    return {
        "library": document.library,
        "document": document.name,
        "key": document.source.key,
        "version": document.source.version,
        "bytes": document.source.size,
    }
