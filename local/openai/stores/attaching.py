"""Attaches files to stores, within the rates and limits of the real one."""

from collections.abc import Sequence

from local.openai.context import Context, Rate
from local.openai.files.api import Files
from local.openai.http import validation
from local.openai.http.messages import Json, Refusal
from local.openai.stores.chunking import Chunking, chunking
from local.openai.stores.indexing import Indexing
from local.openai.stores.models import Document, FileBatch, Store

GLOBAL = ("file_ids", "files", "attributes", "chunking_strategy")
EACH = ("file_id", "attributes", "chunking_strategy")
PURPOSES = ("assistants", "user_data")

Wanted = tuple[str, Json, Chunking]


class Attacher:
    def __init__(self, context: Context, files: Files, indexing: Indexing) -> None:
        self.context = context
        self.files = files
        self.indexing = indexing

    def one(self, store: Store, body: Json) -> Document:
        """What `POST …/files` does."""
        wanted = _each(body, "")
        self._count_request(store, 1)
        (document,) = self.documents(store, [wanted])
        self.attach(store, [document])
        return document

    def many(self, store: Store, body: Json) -> FileBatch:
        """What `POST …/file_batches` does."""
        validation.check_known(body, GLOBAL)
        wanted = self._batch(body)
        self._count_request(store, len(wanted))
        documents = self._taken(store, self.documents(store, wanted))
        self.attach(store, documents)
        id_ = self.context.hex_id("vsfb_")
        batch = FileBatch(id_, store.id, self.context.now(), documents)
        target = {"store": store.id}
        wrong = self.context.quirks.take("file_batch_id_wrong", target)
        batch.shows_store_id = wrong is not None
        store.batches[id_] = batch
        return batch

    def documents(self, store: Store, wanted: Sequence[Wanted]) -> list[Document]:
        now = self.context.now()
        return [
            Document(id_, store.id, self._filename(store, id_), now, strategy, attributes)
            for id_, attributes, strategy in wanted
        ]

    def attach(self, store: Store, documents: Sequence[Document]) -> None:
        """A File that is attached again is indexed again, and not found meanwhile."""
        for document in documents:
            store.documents.pop(document.id, None)
            store.documents[document.id] = document
        store.last_active_at = self.context.now()
        self.indexing.begin(documents)

    def _batch(self, body: Json) -> list[Wanted]:
        ids, files = body.get("file_ids"), body.get("files")
        if (ids is None) == (files is None):
            raise Refusal(
                "Exactly one of 'file_ids' and 'files' must be provided.",
                param="file_ids",
                code="mutually_exclusive_parameters" if ids else "missing_required_parameter",
            )
        limits = 1, self.context.settings.max_files_per_batch
        if files is not None:
            listed = validation.check_list(files, limits, "files")
            return [_each(file, f"files[{place}].") for place, file in enumerate(listed)]
        attributes = _attributes(body, "")
        strategy = chunking(body.get("chunking_strategy"))
        listed = validation.check_texts(ids, limits, "file_ids")
        return [(id_, dict(attributes), strategy) for id_ in listed]

    def _taken(self, store: Store, documents: list[Document]) -> list[Document]:
        """What a file batch attaches of what it was asked for."""
        quirks, target = self.context.quirks, {"store": store.id}
        if quirks.take("file_batch_empty", target):
            return []
        left_out = {
            each.id
            for each in documents
            if quirks.take("document_left_out", target | {"filename": each.filename})
        }
        return [each for each in documents if each.id not in left_out]

    def _filename(self, store: Store, id_: str) -> str:
        file = self.files.find(id_)
        target = {"store": store.id, "file": id_, "filename": file.filename}
        if refused := self.context.quirks.take("document_refused", target):
            message = refused.text("message", "The request is not as it should be.")
            named = f" ({id_})" if "names" in refused.parameters else ""
            raise Refusal(message + named, status=int(refused.number("status", 400)))
        if file.purpose not in PURPOSES:
            message = f"File {id_} has purpose '{file.purpose}', which cannot be searched."
            raise Refusal(message, param="file_id", code="invalid_file_purpose")
        return file.filename

    def _count_request(self, store: Store, documents: int) -> None:
        settings = self.context.settings
        here = Rate(f"attach requests to {store.id}", settings.attach_requests_per_minute, 60)
        all_ = Rate("attached files", settings.attached_files_per_minute, 60)
        self.context.enforce(here)
        self.context.enforce(all_, documents)


def _each(body: object, prefix: str) -> Wanted:
    file: Json = validation.check_type(body, "object", prefix.rstrip(".") or "body")
    validation.check_known(file, EACH, prefix)
    id_ = validation.check_type(validation.require(file, "file_id"), "string", f"{prefix}file_id")
    strategy = chunking(file.get("chunking_strategy"), f"{prefix}chunking_strategy")
    return id_, _attributes(file, prefix), strategy


def _attributes(body: Json, prefix: str) -> Json:
    name = f"{prefix}attributes"
    return dict(validation.metadata(body.get("attributes"), name, strings_only=False))
