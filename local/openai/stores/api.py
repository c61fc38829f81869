"""The Vector stores API: stores, and search in them."""

from collections.abc import Callable, Sequence

from werkzeug.wrappers import Response

from local.openai.context import Context
from local.openai.files.api import Files
from local.openai.http import validation
from local.openai.http.messages import Json, Refusal, SmallRequest, json_answer
from local.openai.http.paging import page
from local.openai.stores.attaching import Attacher
from local.openai.stores.chunking import chunking
from local.openai.stores.indexing import Indexing
from local.openai.stores.models import Store
from local.openai.stores.searching import Filter, Hit, filters, search

CREATE = (*("name", "description", "metadata", "expires_after", "file_ids", "chunking_strategy"),)
UPDATE = ("name", "metadata", "expires_after")
SEARCH = ("query", "filters", "max_num_results", "ranking_options", "rewrite_query")
RANKERS = ("none", "auto", "default-2024-11-15")


class Stores:
    def __init__(self, context: Context, files: Files) -> None:
        self.context = context
        self.by_id: dict[str, Store] = {}
        self.indexing = Indexing(context, files)
        self.attacher = Attacher(context, files, self.indexing)
        files.on_delete.append(self._forget)

    def routes(self) -> list[tuple[str, str, str, Callable[..., Response]]]:
        stores, store = "/v1/vector_stores", "/v1/vector_stores/<store>"
        return [
            ("POST", stores, "create_store", self.create),
            ("GET", stores, "list_stores", self.list),
            ("GET", store, "retrieve_store", self.retrieve),
            ("POST", store, "update_store", self.update),
            ("DELETE", store, "delete_store", self.delete),
            ("POST", f"{store}/search", "search_store", self.search),
        ]

    def create(self, request: SmallRequest) -> Response:
        body = validation.given(request.json_body())
        validation.check_known(body, CREATE)
        now = self.context.now()
        store = Store(
            id=self.context.hex_id("vs_"),
            name=self._text(body, "name", 256),
            description=self._text(body, "description", 512),
            metadata=validation.metadata(body.get("metadata")),
            created_at=now,
            last_active_at=now,
            expires_days=_expires_days(body.get("expires_after")),
        )
        strategy = chunking(body.get("chunking_strategy"))
        ids = validation.check_texts(body.get("file_ids", []), (0, 500), "file_ids")
        documents = self.attacher.documents(store, [(id_, {}, strategy) for id_ in ids])
        target = {"name": store.name, **store.metadata}
        if slow := self.context.quirks.take("store_not_listed", target):
            store.listed_at = now + self.context.clock_seconds(slow.number("seconds", 30))
        self.by_id[store.id] = store
        self.attacher.attach(store, documents)
        return json_answer(store.view())

    def list(self, request: SmallRequest) -> Response:
        stores = list(self.by_id.values())
        now = self.context.now()
        return json_answer(
            page(stores, request.args, most=(100, 20), shown=lambda store: store.listed_at <= now)
        )

    def retrieve(self, request: SmallRequest, store: str) -> Response:
        return json_answer(self.find(store).view())

    def update(self, request: SmallRequest, store: str) -> Response:
        found, body = self.find(store), request.json_body()
        validation.check_known(body, UPDATE)
        days = _expires_days(body.get("expires_after"))
        metadata = validation.metadata(body.get("metadata"))
        if "name" in body:
            found.name = self._text(body, "name", 256)
        if "metadata" in body:
            found.metadata = metadata
        if "expires_after" in body:
            found.expires_days = days
        return json_answer(found.view())

    def delete(self, request: SmallRequest, store: str) -> Response:
        self.find(store)
        del self.by_id[store]
        return json_answer({"id": store, "object": "vector_store.deleted", "deleted": True})

    def search(self, request: SmallRequest, store: str) -> Response:
        found, body = self.alive(store), validation.given(request.json_body())
        validation.check_known(body, SEARCH)
        queries = _queries(validation.require(body, "query"))
        most = validation.check_range(body.get("max_num_results", 10), 1, 50, "max_num_results")
        least = _least_score(body.get("ranking_options"))
        found.last_active_at = self.context.now()
        hits = self.hits([found], " ".join(queries), filters(body.get("filters")), most)
        return json_answer(
            {
                "object": "vector_store.search_results.page",
                "search_query": queries,
                "data": [hit.view() for hit in hits if hit.score >= least],
                "has_more": False,
                "next_page": None,
            }
        )

    def hits(
        self, stores: Sequence[Store], query: str, matches: Filter, most: int
    ) -> Sequence[Hit]:
        documents = (document for store in stores for document in store.documents.values())
        return search(documents, query, matches, most)

    def find(self, store: str) -> Store:
        found = self.by_id.get(store)
        if found is None:
            raise Refusal(f"Vector store with id '{store}' not found.", status=404)
        return found

    def alive(self, store: str) -> Store:
        found = self.find(store)
        if found.expired:
            raise Refusal(f"Vector store {store} is expired.", code="expired_vector_store")
        return found

    def advance(self) -> None:
        self.indexing.advance()
        now = self.context.now()
        for store in self.by_id.values():
            if store.expires_at is not None and store.expires_at <= now:
                store.expired = True
                store.documents.clear()

    def _forget(self, file: str) -> None:
        """A deleted File leaves its stores; what is a ghost already stays one."""
        for store in self.by_id.values():
            if file in store.documents and not store.documents[file].ghost:
                self.take_out(store, file)

    def take_out(self, store: Store, file: str) -> None:
        """Unless a quirk goes on listing it, or counting it."""
        target = {"file": file, "store": store.id}
        if self.context.quirks.take("document_ghost", target):
            store.documents[file].ghost, store.documents[file].chunks = True, []
            return
        del store.documents[file]
        store.ghosts += self.context.quirks.take("store_count_stays", target) is not None

    def _text(self, body: Json, name: str, longest: int) -> str | None:
        value = body.get(name)
        return None if value is None else validation.text(value, longest, name)


def _expires_days(wanted: object) -> int | None:
    if wanted is None:
        return None
    expires: Json = validation.check_type(wanted, "object", "expires_after")
    validation.check_known(expires, ("anchor", "days"), "expires_after.")
    validation.check_choice(expires.get("anchor"), ("last_active_at",), "expires_after.anchor")
    return validation.check_range(expires.get("days"), 1, 365, "expires_after.days")


def _queries(query: object) -> list[str]:
    if isinstance(query, list):
        return validation.check_texts(query, (1, 100), "query")
    return [validation.check_type(query, "string", "query")]


def _least_score(wanted: object) -> float:
    if wanted is None:
        return 0.0
    options = validation.given(validation.check_type(wanted, "object", "ranking_options"))
    validation.check_known(options, ("ranker", "score_threshold"), "ranking_options.")
    validation.check_choice(options.get("ranker", "auto"), RANKERS, "ranking_options.ranker")
    least = options.get("score_threshold", 0)
    return float(validation.check_type(least, "number", "ranking_options.score_threshold"))
