"""Vector stores on the small OpenAI, driven by the official client; search, citations, limits."""

from collections.abc import Callable, Iterator
from io import BytesIO
from zipfile import ZipFile, ZipInfo

import httpx
import openai
import pytest
from openai import OpenAI

from local.openai import SmallOpenAI, SmallSettings, serving
from tests.support.batch_files import lines
from tests.support.clock import Clock
from tests.support.small_openai import Json, http, look, results, submit

CATS = b"# Cats\n\nA cat sleeps sixteen hours a day and purrs.\n"
DOGS = b"# Dogs\n\nA dog guards the house and barks at strangers.\n"


@pytest.fixture
def client(small: SmallOpenAI) -> Iterator[OpenAI]:
    with serving(small) as url, OpenAI(api_key="sk-x", base_url=url, max_retries=0) as client:
        yield client


@pytest.fixture
def wire(small: SmallOpenAI) -> httpx.Client:
    return http(small)


@pytest.fixture
def file(wire: httpx.Client) -> Callable[..., str]:
    """Uploads a document and gives its id."""

    def file(name: str = "cats.md", content: bytes = CATS, purpose: str = "assistants") -> str:
        answer = wire.post("/v1/files", data={"purpose": purpose}, files={"file": (name, content)})
        return str(answer.json()["id"])

    return file


@pytest.fixture
def store(wire: httpx.Client) -> str:
    return str(wire.post("/v1/vector_stores", json={"name": "library"}).json()["id"])


def test_a_store_is_created_listed_updated_and_deleted(client: OpenAI) -> None:
    made = client.vector_stores.create(
        name="library",
        metadata={"prefix": "a"},
        expires_after={"anchor": "last_active_at", "days": 7},
    )

    assert (made.status, made.file_counts.total, made.usage_bytes) == ("completed", 0, 0)
    assert made.expires_at == made.created_at + 7 * 86_400
    assert client.vector_stores.retrieve(made.id) == made
    changed = client.vector_stores.update(made.id, name="shelf", metadata={"prefix": "b"})
    assert (changed.name, changed.metadata) == ("shelf", {"prefix": "b"})
    assert [found.id for found in client.vector_stores.list()] == [made.id]
    assert client.vector_stores.delete(made.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.vector_stores.retrieve(made.id)


def test_a_file_is_attached_indexed_searched_and_detached(client: OpenAI, clock: Clock) -> None:
    store = client.vector_stores.create(name="library").id
    cats = client.files.create(file=("cats.md", CATS), purpose="assistants")
    dogs = client.files.create(file=("dogs.md", DOGS), purpose="assistants")

    attached = client.vector_stores.files.create(
        store, file_id=cats.id, attributes={"kind": "pet", "year": 2024}
    )
    client.vector_stores.files.create(store, file_id=dogs.id)

    assert (attached.status, attached.last_error) == ("in_progress", None)
    assert client.vector_stores.retrieve(store).status == "in_progress"
    assert list(client.vector_stores.search(store, query="How long does a cat sleep?")) == []
    clock.advance(3)
    done = client.vector_stores.files.retrieve(cats.id, vector_store_id=store)
    assert (done.status, done.usage_bytes) == ("completed", len(CATS))
    assert done.chunking_strategy
    assert done.chunking_strategy.to_dict() == {
        "type": "static",
        "static": {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400},
    }
    (hit,) = client.vector_stores.search(store, query="How long does a cat sleep?")
    assert (hit.file_id, hit.filename) == (cats.id, "cats.md")
    assert hit.attributes == {"kind": "pet", "year": 2024}
    assert "sixteen hours" in hit.content[0].text
    (part,) = client.vector_stores.files.content(cats.id, vector_store_id=store)
    assert part.text == CATS.decode()
    assert client.vector_stores.files.delete(cats.id, vector_store_id=store).deleted
    assert client.files.retrieve(cats.id).id == cats.id
    assert client.vector_stores.retrieve(store).file_counts.total == 1
    with pytest.raises(openai.NotFoundError):
        client.vector_stores.files.retrieve(cats.id, vector_store_id=store)


def test_attributes_change_without_indexing_again(client: OpenAI, clock: Clock) -> None:
    cats = client.files.create(file=("cats.md", CATS), purpose="assistants").id
    store = client.vector_stores.create(name="library", file_ids=[cats]).id
    clock.advance(3)

    changed = client.vector_stores.files.update(
        cats, vector_store_id=store, attributes={"kind": "pet"}
    )

    assert (changed.status, changed.attributes) == ("completed", {"kind": "pet"})


def test_a_file_batch_attaches_each_file_as_it_says(client: OpenAI, clock: Clock) -> None:
    store = client.vector_stores.create(name="library").id
    names = ("a.md", "b.txt", "c.csv")
    a, b, c = (client.files.create(file=(n, CATS), purpose="assistants").id for n in names)

    batch = client.vector_stores.file_batches.create(
        store,
        files=[
            {"file_id": a, "attributes": {"place": 1}},
            {
                "file_id": b,
                "chunking_strategy": {
                    "type": "static",
                    "static": {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 50},
                },
            },
            {"file_id": c},
        ],
    )

    assert (batch.status, batch.file_counts.in_progress) == ("in_progress", 3)
    clock.advance(4)
    done = client.vector_stores.file_batches.retrieve(batch.id, vector_store_id=store)
    assert (done.status, done.file_counts.completed, done.file_counts.failed) == ("completed", 2, 1)
    listed = client.vector_stores.file_batches.list_files(
        batch.id, vector_store_id=store, filter="failed"
    )
    (failed,) = listed
    assert failed.last_error
    assert (failed.id, failed.last_error.code) == (c, "unsupported_file")
    everything = {file.id: file for file in client.vector_stores.files.list(store, limit=2)}
    assert sorted(everything) == sorted([a, b, c])
    assert everything[a].attributes == {"place": 1}


def test_a_file_batch_can_be_cancelled_while_it_is_indexed(client: OpenAI, clock: Clock) -> None:
    store = client.vector_stores.create(name="library").id
    ids = [client.files.create(file=("a.md", CATS), purpose="assistants").id for _ in range(3)]
    batch = client.vector_stores.file_batches.create(store, file_ids=ids, attributes={"k": True})
    clock.advance(3.005)

    cancelled = client.vector_stores.file_batches.cancel(batch.id, vector_store_id=store)

    assert cancelled.status == "cancelled"
    assert (cancelled.file_counts.completed, cancelled.file_counts.cancelled) == (1, 2)


def test_the_official_clients_polling_helpers_work() -> None:
    small = SmallOpenAI(settings=SmallSettings(speed=1_000))
    with serving(small) as url, OpenAI(api_key="sk-x", base_url=url) as client:
        store = client.vector_stores.create(name="library").id

        batch = client.vector_stores.file_batches.upload_and_poll(
            store, files=[("cats.md", CATS), ("dogs.md", DOGS)], poll_interval_ms=20
        )

    assert (batch.status, batch.file_counts.completed) == ("completed", 2)


def docx(text: str) -> bytes:
    content = BytesIO()
    with ZipFile(content, "w") as archive:
        archive.writestr(ZipInfo("word/document.xml"), f"<w:p><w:t>{text}</w:t></w:p>")
    return content.getvalue()


PDF = b"%PDF-1.4\n1 0 obj\n(A cat sleeps) Tj\nendobj\n%%EOF\n"


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.txt", "Zürich".encode(), None),
        ("a.txt", "Zürich".encode("utf-16"), None),
        ("A.MD", CATS, None),
        ("a.pdf", PDF, None),
        ("a.docx", docx("A cat sleeps"), None),
        ("a.doc", b"\xd0\xcf\x11\xe0 A cat sleeps", None),
        ("a.txt", b"\xff\x00\xfe", "invalid_file"),
        ("a.txt", b"", "invalid_file"),
        ("a.pdf", b"%PDF-1.4 broken off", "invalid_file"),
        ("a.docx", b"not a zip", "invalid_file"),
        ("a.doc", b"not a compound file", "invalid_file"),
        ("a.csv", b"a,b\n", "unsupported_file"),
        ("a", CATS, "unsupported_file"),
    ],
)
def test_which_files_can_be_indexed(
    wire: httpx.Client,
    file: Callable[..., str],
    store: str,
    clock: Clock,
    *,
    name: str,
    content: bytes,
    code: str | None,
) -> None:
    document = file(name, content)
    wire.post(f"/v1/vector_stores/{store}/files", json={"file_id": document})

    clock.advance(3)

    shown = wire.get(f"/v1/vector_stores/{store}/files/{document}").json()
    assert (shown["last_error"] or {"code": None})["code"] == code
    assert shown["status"] == ("failed" if code else "completed")


@pytest.mark.parametrize(
    ("strategy", "param"),
    [
        ({"type": "auto", "static": {}}, "chunking_strategy.static"),
        ({"type": "auto", "max_chunk_size_tokens": 800}, "chunking_strategy.max_chunk_size_tokens"),
        ({"type": "other"}, "chunking_strategy.type"),
        ({}, "chunking_strategy.type"),
        ("auto", "chunking_strategy"),
        ({"type": "static"}, "chunking_strategy.static"),
        ({"type": "static", "static": {"max_chunk_size_tokens": 800}}, "chunk_overlap_tokens"),
        (
            {"type": "static", "static": {"max_chunk_size_tokens": 99, "chunk_overlap_tokens": 9}},
            "chunking_strategy.static.max_chunk_size_tokens",
        ),
        (
            {
                "type": "static",
                "static": {"max_chunk_size_tokens": 4097, "chunk_overlap_tokens": 9},
            },
            "chunking_strategy.static.max_chunk_size_tokens",
        ),
        (
            {
                "type": "static",
                "static": {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 51},
            },
            "chunking_strategy.static.chunk_overlap_tokens",
        ),
        (
            {
                "type": "static",
                "static": {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 50, "by": "word"},
            },
            "chunking_strategy.static.by",
        ),
    ],
)
def test_a_chunking_strategy_is_checked_exactly(
    wire: httpx.Client, file: Callable[..., str], store: str, strategy: object, param: str
) -> None:
    answer = wire.post(
        f"/v1/vector_stores/{store}/files",
        json={"file_id": file(), "chunking_strategy": strategy},
    )

    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_long_documents_become_overlapping_chunks(
    wire: httpx.Client, file: Callable[..., str], store: str, clock: Clock, small: SmallOpenAI
) -> None:
    words = " ".join(f"w{n}" for n in range(240)).encode()
    strategy = {
        "type": "static",
        "static": {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 20},
    }
    document = file("long.txt", words)
    wire.post(
        f"/v1/vector_stores/{store}/files",
        json={"file_id": document, "chunking_strategy": strategy},
    )

    clock.advance(3)

    chunks = small.stores[store].documents[document].chunks
    assert [chunk.text.split()[0] for chunk in chunks] == ["w0", "w80", "w160"]
    assert [chunk.text.split()[-1] for chunk in chunks] == ["w99", "w179", "w239"]
    assert small.stores[store].documents[document].usage_bytes > len(words)


@pytest.mark.parametrize(
    ("wanted", "param"),
    [
        ({}, "file_ids"),
        ({"file_ids": ["a"], "files": [{"file_id": "a"}]}, "file_ids"),
        ({"file_ids": []}, "file_ids"),
        ({"files": []}, "files"),
        ({"file_ids": ["x"] * 2_001}, "file_ids"),
        ({"files": [{"file_id": "x"}] * 2_001}, "files"),
        ({"files": [{"attributes": {}}]}, "file_id"),
        ({"files": [{"file_id": "x", "name": "y"}]}, "files[0].name"),
        ({"file_ids": ["x"], "attributes": {"k": ["list"]}}, "attributes.k"),
        ({"file_ids": ["x"], "attributes": {"k": "v" * 513}}, "attributes.k"),
        ({"file_ids": ["x"], "attributes": {f"k{n}": 1 for n in range(17)}}, "attributes"),
    ],
)
def test_a_file_batch_is_checked_exactly(
    wire: httpx.Client, store: str, wanted: Json, param: str
) -> None:
    answer = wire.post(f"/v1/vector_stores/{store}/file_batches", json=wanted)

    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_a_missing_file_cannot_be_attached(
    wire: httpx.Client, file: Callable[..., str], store: str
) -> None:
    nobody = wire.post(f"/v1/vector_stores/{store}/files", json={"file_id": "file-x"})
    nowhere = wire.post("/v1/vector_stores/vs_x/files", json={"file_id": file()})
    evals = wire.post(f"/v1/vector_stores/{store}/files", json={"file_id": file(purpose="evals")})

    assert [answer.status_code for answer in (nobody, nowhere, evals)] == [404, 404, 400]


def test_attaching_has_a_limit_per_store_and_one_overall(clock: Clock) -> None:
    small = SmallOpenAI(
        clock=clock.seconds,
        settings=SmallSettings(attach_requests_per_minute=2, attached_files_per_minute=4),
    )
    wire = http(small)
    answer = wire.post("/v1/files", data={"purpose": "assistants"}, files={"file": ("a.md", CATS)})
    ids = [answer.json()["id"]]
    one, other = (wire.post("/v1/vector_stores", json={}).json()["id"] for _ in range(2))

    def attach(store: str, times: int) -> httpx.Response:
        body = {"file_ids": ids * times}
        return wire.post(f"/v1/vector_stores/{store}/file_batches", json=body)

    assert [attach(one, 1).status_code for _ in range(2)] == [200, 200]
    refused = attach(one, 1)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "60")
    assert attach(other, 3).status_code == 429
    assert attach(other, 2).status_code == 200
    clock.advance(60)
    assert attach(one, 4).status_code == 200


def test_a_deleted_file_leaves_its_stores(
    wire: httpx.Client, file: Callable[..., str], store: str
) -> None:
    document = file()
    wire.post(f"/v1/vector_stores/{store}/files", json={"file_id": document})

    wire.delete(f"/v1/files/{document}")

    assert wire.get(f"/v1/vector_stores/{store}/files").json()["data"] == []


@pytest.mark.parametrize("path", ["/v1/files/{file}", "/v1/vector_stores/{store}/files/{file}"])
@pytest.mark.parametrize(
    ("quirk", "listed", "total"), [("document_ghost", 1, 1), ("store_count_stays", 0, 1)]
)
def test_a_store_may_keep_a_file_that_was_deleted_or_detached(
    small: SmallOpenAI,
    wire: httpx.Client,
    file: Callable[..., str],
    store: str,
    *,
    quirk: str,
    listed: int,
    total: int,
    path: str,
) -> None:
    document = file()
    wire.post(f"/v1/vector_stores/{store}/files", json={"file_id": document})
    small.misbehave(quirk)

    wire.delete(path.format(file=document, store=store))
    wire.delete(f"/v1/files/{document}")

    assert len(wire.get(f"/v1/vector_stores/{store}/files").json()["data"]) == listed
    assert wire.get(f"/v1/vector_stores/{store}").json()["file_counts"]["total"] == total


def test_indexing_may_fail_or_never_end(
    small: SmallOpenAI, wire: httpx.Client, file: Callable[..., str], store: str, clock: Clock
) -> None:
    small.misbehave("document_fails", filename="a.md")
    small.misbehave("document_stuck", filename="b.md")
    small.misbehave("chunking_other", filename="c.md")
    a, b, c = (file(name) for name in ("a.md", "b.md", "c.md"))
    wire.post(f"/v1/vector_stores/{store}/file_batches", json={"file_ids": [a, b, c]})

    clock.advance(10_000)

    shown = {
        found["id"]: found for found in wire.get(f"/v1/vector_stores/{store}/files").json()["data"]
    }
    assert shown[a]["last_error"]["code"] == "server_error"
    assert shown[b]["status"] == "in_progress"
    assert shown[c]["chunking_strategy"] == {"type": "other"}
    wire.post(f"/v1/vector_stores/{store}/files", json={"file_id": a})
    clock.advance(3)
    assert wire.get(f"/v1/vector_stores/{store}/files/{a}").json()["status"] == "completed"


def test_a_file_batch_may_show_the_id_of_its_store(
    small: SmallOpenAI, wire: httpx.Client, file: Callable[..., str], store: str
) -> None:
    small.misbehave("file_batch_id_wrong")
    batches = f"/v1/vector_stores/{store}/file_batches"
    made = wire.post(batches, json={"file_ids": [file()]}).json()

    assert wire.get(f"{batches}/{made['id']}").json()["id"] == store


def test_a_store_may_be_listed_late(small: SmallOpenAI, wire: httpx.Client, clock: Clock) -> None:
    small.misbehave("store_not_listed", seconds=5)
    wire.post("/v1/vector_stores", json={"name": "library"})
    assert wire.get("/v1/vector_stores").json()["data"] == []

    clock.advance(5)

    assert len(wire.get("/v1/vector_stores").json()["data"]) == 1


def test_an_idle_store_expires(wire: httpx.Client, file: Callable[..., str], clock: Clock) -> None:
    expiry = {"anchor": "last_active_at", "days": 1}
    body = {"expires_after": expiry, "file_ids": [file()]}
    store = wire.post("/v1/vector_stores", json=body).json()["id"]
    clock.advance(86_000)
    wire.post(f"/v1/vector_stores/{store}/search", json={"query": "cats"})
    clock.advance(86_000)
    assert wire.get(f"/v1/vector_stores/{store}").json()["status"] == "completed"

    clock.advance(86_400)

    shown = wire.get(f"/v1/vector_stores/{store}").json()
    assert (shown["status"], shown["file_counts"]["total"]) == ("expired", 0)
    asked = wire.post(f"/v1/vector_stores/{store}/search", json={"query": "cats"})
    assert asked.status_code == 400


@pytest.fixture
def library(
    wire: httpx.Client, file: Callable[..., str], store: str, clock: Clock
) -> dict[str, str]:
    """The store with three documents, by name."""
    documents = {
        "cats.md": (CATS, {"kind": "pet", "legs": 4}),
        "dogs.md": (DOGS, {"kind": "pet", "legs": 4}),
        "birds.txt": (b"A bird sings in the morning. Cats listen.", {"legs": 2}),
    }
    ids = {name: file(name, content) for name, (content, _) in documents.items()}
    files = [
        {"file_id": ids[name], "attributes": attributes}
        for name, (_, attributes) in documents.items()
    ]
    wire.post(f"/v1/vector_stores/{store}/file_batches", json={"files": files})
    clock.advance(10)
    return ids


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"query": "Who barks at strangers?"}, ["dogs.md"]),
        ({"query": ["sleeps", "sings"]}, ["birds.txt", "cats.md"]),
        ({"query": "cats morning"}, ["birds.txt", "cats.md"]),
        ({"query": "cats morning", "max_num_results": 1}, ["birds.txt"]),
        ({"query": "cats morning", "ranking_options": {"score_threshold": 0.8}}, ["birds.txt"]),
        ({"query": "quantum chromodynamics"}, []),
        (
            {"query": "a cats", "filters": {"type": "eq", "key": "kind", "value": "pet"}},
            ["cats.md"],
        ),
        ({"query": "cats", "filters": {"type": "lt", "key": "legs", "value": 3}}, ["birds.txt"]),
        (
            {
                "query": "cats",
                "filters": {
                    "type": "and",
                    "filters": [
                        {"type": "gte", "key": "legs", "value": 2},
                        {"type": "ne", "key": "kind", "value": "pet"},
                    ],
                },
            },
            ["birds.txt"],
        ),
        (
            {
                "query": "cats",
                "filters": {
                    "type": "or",
                    "filters": [
                        {"type": "in", "key": "legs", "value": [4]},
                        {"type": "nin", "key": "legs", "value": [1, 2]},
                    ],
                },
            },
            ["cats.md"],
        ),
    ],
)
def test_search_finds_chunks_with_words_in_common(
    wire: httpx.Client, library: dict[str, str], store: str, asked: Json, found: list[str]
) -> None:
    answer = wire.post(f"/v1/vector_stores/{store}/search", json=asked).json()

    assert sorted(library) == ["birds.txt", "cats.md", "dogs.md"]
    assert [hit["filename"] for hit in answer["data"]] == found


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({}, "query"),
        ({"query": 7}, "query"),
        ({"query": "x", "max_num_results": 51}, "max_num_results"),
        ({"query": "x", "filters": {"type": "like", "key": "k", "value": "v"}}, "filters.type"),
        ({"query": "x", "ranking_options": {"ranker": "best"}}, "ranking_options.ranker"),
        ({"query": "x", "top_k": 5}, "top_k"),
    ],
)
def test_wrong_search_parameters_are_refused(
    wire: httpx.Client, store: str, asked: Json, param: str
) -> None:
    answer = wire.post(f"/v1/vector_stores/{store}/search", json=asked)

    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


@pytest.mark.parametrize(
    "nulls",
    [
        {"max_num_results": None},
        {"filters": None},
        {"ranking_options": None, "rewrite_query": None},
        {"ranking_options": {"ranker": None, "score_threshold": None}},
    ],
)
def test_null_in_a_search_is_as_good_as_nothing(
    wire: httpx.Client, library: dict[str, str], store: str, nulls: Json
) -> None:
    search = f"/v1/vector_stores/{store}/search"

    answer = wire.post(search, json={"query": "cats", **nulls})

    assert answer.json() == wire.post(search, json={"query": "cats"}).json()
    assert len(answer.json()["data"]) == len(library) - 1


def test_null_is_as_good_as_nothing_for_stores_and_files(
    wire: httpx.Client, file: Callable[..., str]
) -> None:
    names = ("name", "description", "metadata", "expires_after", "file_ids", "chunking_strategy")
    store = wire.post("/v1/vector_stores", json=dict.fromkeys(names)).json()["id"]
    nulls: Json = {"attributes": None, "chunking_strategy": None}

    one = wire.post(f"/v1/vector_stores/{store}/files", json={"file_id": file(), **nulls})
    many = wire.post(
        f"/v1/vector_stores/{store}/file_batches",
        json={"files": [{"file_id": file(), **nulls}], "file_ids": None, **nulls},
    )

    assert (one.status_code, many.status_code) == (200, 200)


def test_null_in_a_file_search_tool_is_as_good_as_nothing(
    wire: httpx.Client, library: dict[str, str], store: str, clock: Clock
) -> None:
    request = question("a", "Who guards the house?", store)
    request["body"]["tools"][0] |= {"filters": None, "max_num_results": None}
    batch = submit(wire, lines([request]), "/v1/responses")

    clock.advance(100)

    (line,) = results(wire, look(wire, batch)["output_file_id"])
    (text,) = line["response"]["body"]["output"][1]["content"]
    assert text["annotations"][0]["file_id"] == library["dogs.md"]


def question(custom_id: str, text: str, store: str, **body: object) -> Json:
    tool = {"type": "file_search", "vector_store_ids": [store]}
    return {
        "custom_id": custom_id,
        "method": "POST",
        "url": "/v1/responses",
        "body": {"model": "gpt-5-mini", "input": text, "tools": [tool], **body},
    }


def test_batched_questions_are_answered_with_citations(
    wire: httpx.Client, library: dict[str, str], store: str, clock: Clock
) -> None:
    batch = submit(
        wire,
        lines(
            [
                question("known", "Who guards the house?", store),
                question("shown", "Who purrs?", store, include=["file_search_call.results"]),
                question("unknown", "Quantum chromodynamics?", store),
                question("lost", "Who purrs?", "vs_nobody"),
            ]
        ),
        "/v1/responses",
    )

    clock.advance(100)

    ended = look(wire, batch)
    bodies = {
        line["custom_id"]: line["response"]["body"]
        for line in results(wire, ended["output_file_id"])
    }
    call, message = bodies["known"]["output"]
    (text,) = message["content"]
    assert call["type"] == "file_search_call"
    assert (call["queries"], call["results"]) == (["Who guards the house?"], None)
    assert text["text"].startswith("According to dogs.md: # Dogs A dog guards the house")
    assert text["annotations"] == [
        {
            "type": "file_citation",
            "index": len(text["text"]),
            "file_id": library["dogs.md"],
            "filename": "dogs.md",
        }
    ]
    (result,) = bodies["shown"]["output"][0]["results"]
    assert result["filename"] == "cats.md"
    assert bodies["unknown"]["output"][1]["content"][0]["annotations"] == []
    (lost,) = results(wire, ended["error_file_id"])
    assert (lost["custom_id"], lost["response"]["status_code"]) == ("lost", 404)
    assert "not found" in lost["response"]["body"]["error"]["message"]
