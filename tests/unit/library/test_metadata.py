"""`<document>.metadata.json`, in the format of Bedrock Knowledge Bases."""

import json
from typing import Any

import pytest

from shared.library.metadata import document_of, read_sidecar


def sidecar(**attributes: Any) -> bytes:
    return json.dumps({"metadataAttributes": attributes}).encode()


def test_sidecar_values_keep_their_types() -> None:
    attributes, problem = read_sidecar(sidecar(team="search", year=2026, weight=0.5, draft=True))

    assert problem == ""
    assert attributes == {"team": "search", "year": 2026, "weight": 0.5, "draft": True}
    assert attributes["draft"] is True


@pytest.mark.parametrize(
    "content",
    [
        b"nonsense",
        b"{}",
        b'{"metadataAttributes": {}, "more": 1}',
        sidecar(tags=["a"]),
        sidecar(text="x" * 513),
        sidecar(**{"k" * 65: 1}),
        sidecar(**{f"k{n}": 1 for n in range(17)}),
        sidecar(**{f"k{n}": "ü" * 500 for n in range(10)}),
    ],
)
def test_invalid_sidecar_says_what_to_write(content: bytes) -> None:
    attributes, problem = read_sidecar(content)

    assert attributes == {}
    assert 'write {"metadataAttributes"' in problem


@pytest.mark.parametrize(
    ("name", "document"),
    [("a.md.metadata.json", "a.md"), ("b/c.pdf.metadata.json", "b/c.pdf"), ("a.json", None)],
)
def test_sidecar_name_gives_its_document(name: str, document: str | None) -> None:
    assert document_of(name) == document
