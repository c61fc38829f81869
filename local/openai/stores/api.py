"""The Vector stores API: stores, and the search in them."""

from collections.abc import Callable, Sequence

from werkzeug.wrappers import Response

from local.openai.context import World
from local.openai.files.api import Files
from local.openai.http import validation
from local.openai.http.messages import Json, Refusal, SmallRequest, json_answer
from local.openai.http.paging import page
from local.openai.stores.attaching import Shelving
from local.openai.stores.chunking import chunking
from local.openai.stores.indexing import Indexing
from local.openai.stores.models import Store
from local.openai.stores.searching import Fits, Hit, filters, search

CREATE = (*("name", "description", "metadata", "expires_after", "file_ids", "chunking_strategy"),)
UPDATE = ("name", "metadata", "expires_after")
SEARCH = ("query", "filters", "max_num_results", "ranking_options", "rewrite_query")
RANKERS = ("none", "auto", "default-2024-11-15")


class Stores:
    def __init__(self, world: World, files: Files) -> None:
        self.world = world
        self.kept: dict[str, Store] = {}
        self.indexing = Indexing(world, files)
        self.shelving = Shelving(world, files, self.indexing)
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
        body = request.json_body()
        validation.only(body, CREATE)
        now = self.world.now()
        store = Store(
            id=self.world.hex_id("vs_"),
            name=self._text(body, "name", 256),
            description=self._text(body, "description", 512),
            metadata=validation.metadata(body.get("metadata")),
            created_at=now,
            last_active_at=now,
            expires_days=_expires_days(body.get("expires_after")),
        )
        strategy = chunking(body.get("chunking_strategy"))
        ids = validation.listing(body.get("file_ids") or [], (0, 500), "file_ids")
        documents = self.shelving.documents(store, [(id_, {}, strategy) for id_ in ids])
        facts = {"name": store.name, **store.metadata}
        if slow := self.world.quirks.take("store_not_listed", facts):
            store.listed_at = now + self.world.span(slow.number("seconds", 30))
        self.kept[store.id] = store
        self.shelving.attach(store, documents)
        return json_answer(store.view())

    def list(self, request: SmallRequest) -> Response:
        stores = list(self.kept.values())
        now = self.world.now()
        return json_answer(
            page(stores, request.args, most=(100, 20), shown=lambda store: store.listed_at <= now)
        )

    def retrieve(self, request: SmallRequest, store: str) -> Response:
        return json_answer(self.find(store).view())

    def update(self, request: SmallRequest, store: str) -> Response:
        found, body = self.find(store), request.json_body()
        validation.only(body, UPDATE)
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
        del self.kept[store]
        return json_answer({"id": store, "object": "vector_store.deleted", "deleted": True})

    def search(self, request: SmallRequest, store: str) -> Response:
        found, body = self.alive(store), request.json_body()
        validation.only(body, SEARCH)
        query = validation.required(body, "query")
        queries = (
            query if isinstance(query, list) else [validation.of_type(query, "string", "query")]
        )
        most = validation.between(body.get("max_num_results", 10), 1, 50, "max_num_results")
        least = _least_score(body.get("ranking_options"))
        found.last_active_at = self.world.now()
        asked = " ".join(str(query) for query in queries)
        hits = self.hits([found], asked, filters(body.get("filters")), most)
        return json_answer(
            {
                "object": "vector_store.search_results.page",
                "search_query": queries,
                "data": [hit.view() for hit in hits if hit.score >= least],
                "has_more": False,
                "next_page": None,
            }
        )

    def hits(self, stores: Sequence[Store], query: str, fits: Fits, most: int) -> Sequence[Hit]:
        documents = (document for store in stores for document in store.documents.values())
        return search(documents, query, fits, most)

    def find(self, store: str) -> Store:
        found = self.kept.get(store)
        if found is None:
            raise Refusal(f"Vector store with id '{store}' not found.", status=404)
        return found

    def alive(self, store: str) -> Store:
        found = self.find(store)
        if found.expired:
            raise Refusal(f"Vector store {store} is expired.", code="expired_vector_store")
        return found

    def settle(self) -> None:
        self.indexing.settle()
        now = self.world.now()
        for store in self.kept.values():
            if store.expires_at is not None and store.expires_at <= now:
                store.expired = True
                store.documents.clear()

    def _forget(self, file: str) -> None:
        """A deleted File leaves its stores, unless a quirk keeps its ghost."""
        for store in self.kept.values():
            if file not in store.documents:
                continue
            facts = {"file": file, "store": store.id}
            if self.world.quirks.take("document_ghost", facts):
                continue
            del store.documents[file]
            store.uncounted += self.world.quirks.take("store_count_stays", facts) is not None

    def _text(self, body: Json, name: str, longest: int) -> str | None:
        value = body.get(name)
        return None if value is None else validation.text(value, longest, name)


def _expires_days(wanted: object) -> int | None:
    if wanted is None:
        return None
    expires: Json = validation.of_type(wanted, "object", "expires_after")
    validation.only(expires, ("anchor", "days"), "expires_after.")
    validation.one_of(expires.get("anchor"), ("last_active_at",), "expires_after.anchor")
    return validation.between(expires.get("days"), 1, 365, "expires_after.days")


def _least_score(wanted: object) -> float:
    if wanted is None:
        return 0.0
    options: Json = validation.of_type(wanted, "object", "ranking_options")
    validation.only(options, ("ranker", "score_threshold"), "ranking_options.")
    validation.one_of(options.get("ranker", "auto"), RANKERS, "ranking_options.ranker")
    least = options.get("score_threshold", 0)
    return float(validation.of_type(least, "number", "ranking_options.score_threshold"))
