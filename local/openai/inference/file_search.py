"""Answers from vector stores: the file_search tool of responses."""

from local.openai.http import validation
from local.openai.http.messages import Json, Refusal
from local.openai.inference.outcomes import last_text
from local.openai.inference.prompt import response_usage, tokens
from local.openai.stores.api import Stores
from local.openai.stores.searching import Filter, Hit, filters

RESPONSES = "/v1/responses"
NOTHING = "The files say nothing about this."


class FileSearch:
    def __init__(self, stores: Stores) -> None:
        self.stores = stores

    def check(self, endpoint: str, body: Json) -> None:
        for tool in _searches(body) if endpoint == RESPONSES else ():
            self._check(tool)

    def cite(self, answer: Json, body: Json) -> Json:
        """The answer with what the stores say about the question, and which file says it."""
        tools = _searches(body) if answer.get("object") == "response" else []
        if not tools or answer["output"][-1]["type"] != "message":
            return answer
        query = last_text(body)
        hits = [hit for tool in tools for hit in self._hits(tool, query)]
        text, annotations = _answer(hits)
        message = answer["output"][-1]
        message["content"][0] |= {"text": text, "annotations": annotations}
        call = _call(answer["id"], query, hits, body)
        usage = response_usage(answer["usage"]["input_tokens"], tokens(text))
        return answer | {"output": [call, message], "usage": usage}

    def _check(self, tool: Json) -> None:
        ids = validation.check_list(
            tool.get("vector_store_ids"), (1, 100), "tools[0].vector_store_ids"
        )
        validation.check_range(tool.get("max_num_results", 10), 1, 50, "tools[0].max_num_results")
        _filter(tool)
        for id_ in ids:
            validation.check_type(id_, "string", "tools[0].vector_store_ids")
        unknown = [id_ for id_ in ids if id_ not in self.stores.by_id]
        if unknown:
            raise Refusal(f"Vector store with id {unknown} not found.", status=404)

    def _hits(self, tool: Json, query: str) -> list[Hit]:
        by_id = self.stores.by_id
        stores = [by_id[id_] for id_ in tool["vector_store_ids"] if id_ in by_id]
        most = tool.get("max_num_results", 10)
        return list(self.stores.hits(stores, query, _filter(tool), most))


def _searches(body: Json) -> list[Json]:
    tools = body.get("tools")
    if not isinstance(tools, list):
        return []
    given = [validation.given(tool) for tool in tools if isinstance(tool, dict)]
    return [tool for tool in given if tool.get("type") == "file_search"]


def _filter(tool: Json) -> Filter:
    return filters(tool.get("filters"), "tools[0].filters")


def _answer(hits: list[Hit]) -> tuple[str, list[Json]]:
    """The start of the best chunk, which ends in a citation of its file."""
    if not hits:
        return NOTHING, []
    best = hits[0]
    text = f"According to {best.document.filename}: {' '.join(best.text.split()[:40])}"
    citation = {
        "type": "file_citation",
        "index": len(text),
        "file_id": best.document.id,
        "filename": best.document.filename,
    }
    return text, [citation]


def _call(id_: str, query: str, hits: list[Hit], body: Json) -> Json:
    include = body.get("include")
    shown = isinstance(include, list) and "file_search_call.results" in include
    results = [
        {
            "file_id": hit.document.id,
            "filename": hit.document.filename,
            "score": hit.score,
            "attributes": hit.document.attributes,
            "text": hit.text,
        }
        for hit in hits
    ]
    return {
        "id": id_.replace("resp_", "fs_"),
        "type": "file_search_call",
        "status": "completed",
        "queries": [query],
        "results": results if shown else None,
    }
