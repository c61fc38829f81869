"""The API of the files in vector stores: attach one or many, list, update, detach."""

from collections.abc import Callable, Sequence

from werkzeug.wrappers import Response

from local.openai.http import validation
from local.openai.http.messages import Json, Refusal, SmallRequest, json_answer
from local.openai.http.paging import oddly, page
from local.openai.stores.api import Stores
from local.openai.stores.models import STATUSES, Document, FileBatch


class Documents:
    def __init__(self, stores: Stores) -> None:
        self.stores = stores

    def routes(self) -> list[tuple[str, str, str, Callable[..., Response]]]:
        files = "/v1/vector_stores/<store>/files"
        batches = "/v1/vector_stores/<store>/file_batches"
        return [
            ("POST", files, "attach_file", self.attach),
            ("GET", files, "list_store_files", self.list),
            ("GET", f"{files}/<file>", "retrieve_store_file", self.retrieve),
            ("POST", f"{files}/<file>", "update_store_file", self.update),
            ("DELETE", f"{files}/<file>", "detach_file", self.detach),
            ("GET", f"{files}/<file>/content", "store_file_content", self.content),
            ("POST", batches, "create_file_batch", self.create_batch),
            ("GET", f"{batches}/<batch>", "retrieve_file_batch", self.retrieve_batch),
            ("POST", f"{batches}/<batch>/cancel", "cancel_file_batch", self.cancel_batch),
            ("GET", f"{batches}/<batch>/files", "list_file_batch_files", self.list_batch),
        ]

    def attach(self, request: SmallRequest, store: str) -> Response:
        found = self.stores.alive(store)
        return json_answer(self.stores.attacher.one(found, request.json_body()).view())

    def list(self, request: SmallRequest, store: str) -> Response:
        listing = _listed(list(self.stores.find(store).documents.values()), request)
        quirks = self.stores.context.quirks
        return json_answer(oddly(quirks, listing, lambda: listing, "list_store_files"))

    def retrieve(self, request: SmallRequest, store: str, file: str) -> Response:
        return json_answer(self._find(store, file).view())

    def update(self, request: SmallRequest, store: str, file: str) -> Response:
        document, body = self._find(store, file), request.json_body()
        validation.check_known(body, ("attributes",))
        document.attributes = dict(validation.metadata(body.get("attributes"), "attributes", False))
        return json_answer(document.view())

    def detach(self, request: SmallRequest, store: str, file: str) -> Response:
        self._find(store, file)
        self.stores.take_out(self.stores.by_id[store], file)
        return json_answer({"id": file, "object": "vector_store.file.deleted", "deleted": True})

    def content(self, request: SmallRequest, store: str, file: str) -> Response:
        document = self._find(store, file)
        parts = [{"type": "text", "text": document.text}] if document.text else []
        return json_answer(
            {
                "object": "vector_store.file_content.page",
                "data": parts,
                "has_more": False,
                "next_page": None,
            }
        )

    def create_batch(self, request: SmallRequest, store: str) -> Response:
        found = self.stores.alive(store)
        return json_answer(self.stores.attacher.many(found, request.json_body()).view())

    def retrieve_batch(self, request: SmallRequest, store: str, batch: str) -> Response:
        found = self._find_batch(store, batch)
        view = found.view()
        return json_answer(view | {"id": store} if found.shows_store_id else view)

    def cancel_batch(self, request: SmallRequest, store: str, batch: str) -> Response:
        found = self._find_batch(store, batch)
        if found.status in ("completed", "failed"):
            raise Refusal(f"Cannot cancel a file batch with status '{found.status}'.", status=409)
        found.cancelled = True
        for document in found.documents:
            if document.status == "in_progress":
                document.status = "cancelled"
        return json_answer(found.view())

    def list_batch(self, request: SmallRequest, store: str, batch: str) -> Response:
        return json_answer(_listed(self._find_batch(store, batch).documents, request))

    def _find(self, store: str, file: str) -> Document:
        document = self.stores.find(store).documents.get(file)
        if document is None:
            message = f"No file found with id '{file}' in vector store '{store}'."
            raise Refusal(message, status=404)
        return document

    def _find_batch(self, store: str, batch: str) -> FileBatch:
        found = self.stores.find(store).batches.get(batch)
        if found is None:
            message = f"No file batch found with id '{batch}' in vector store '{store}'."
            raise Refusal(message, status=404)
        return found


def _listed(documents: Sequence[Document], request: SmallRequest) -> Json:
    status = request.args.get("filter")
    if status is not None:
        validation.check_choice(status, STATUSES, "filter")
    return page(
        documents,
        request.args,
        most=(100, 20),
        shown=lambda document: status in (None, document.status),
    )
