"""library.yaml: valid settings, and what to write instead of a mistake."""

import pytest

from shared.library.settings import LibrarySettings, read_settings

STATIC = "{type: static, static: {max_chunk_size_tokens: %s, chunk_overlap_tokens: %s}}"


def test_empty_settings_are_auto_chunking_and_deletion() -> None:
    settings, problems = read_settings(b"")

    assert (settings, problems) == (LibrarySettings(), [])
    assert settings.chunking_strategy.model_dump() == {"type": "auto"}
    assert settings.on_delete == "delete"


@pytest.mark.parametrize(("size", "overlap"), [(100, 0), (100, 50), (4096, 2048), (101, 50)])
def test_static_chunking_within_its_bounds_is_valid(size: int, overlap: int) -> None:
    settings, problems = read_settings(f"chunking_strategy: {STATIC % (size, overlap)}".encode())

    assert problems == []
    assert settings.chunking_strategy.fingerprint == f"{size}-{overlap}"


@pytest.mark.parametrize(
    ("text", "param", "remedy"),
    [
        ("chunking_strategy: {type: auto, static: {}}", "chunking_strategy", "nothing else in it"),
        (
            "chunking_strategy: {type: auto, max_chunk_size_tokens: 800}",
            "chunking_strategy",
            "nothing else in it",
        ),
        ("chunking_strategy: {type: other}", "chunking_strategy", "type: static"),
        ("chunking_strategy: {type: static}", "chunking_strategy", "max_chunk_size_tokens: 800"),
        (f"chunking_strategy: {STATIC % (99, 0)}", "chunking_strategy", "100 to 4096"),
        (f"chunking_strategy: {STATIC % (4097, 0)}", "chunking_strategy", "100 to 4096"),
        (f"chunking_strategy: {STATIC % (100, 51)}", "chunking_strategy", "at most half"),
        (f"chunking_strategy: {STATIC % (100, -1)}", "chunking_strategy", "at most half"),
        (f"chunking_strategy: {STATIC % ('yes', 1)}", "chunking_strategy", "100 to 4096"),
        ("expires_after: {anchor: created_at, days: 3}", "expires_after", "last_active_at"),
        ("expires_after: {anchor: last_active_at, days: 0}", "expires_after", "1 to 365"),
        ("on_delete: keep", "on_delete", "`on_delete: retain`"),
        ("store: my-store", "store", "vs_abc123"),
        ("suffixes: []", "suffixes", "[.md, .pdf]"),
        ("suffixes: [md]", "suffixes", "[.md, .pdf]"),
        ("attributes: {a: [1]}", "attributes", "a text of at most 512"),
        (f"attributes: {{a: {'x' * 513}}}", "attributes", "a text of at most 512"),
        ("attributes: {" + ", ".join(f"k{n}: 1" for n in range(17)) + "}", "attributes", "16"),
        ("chunking: auto", "chunking", "write only: attributes, chunking_strategy"),
    ],
)
def test_invalid_setting_is_named_with_what_to_write(text: str, param: str, remedy: str) -> None:
    settings, (problem, *_) = read_settings(text.encode())

    assert settings == LibrarySettings()
    assert (problem.param or "").split(".")[0] == param
    assert remedy in problem.remedy


@pytest.mark.parametrize(
    "content",
    [
        b"a: [",
        b"\xff\xfe",
        b"- a list",
        b"a: {b: c: d}",
        b"attributes: " + b"[" * 70 + b"]" * 70,
        b"attributes: " + b"[" * 5_000,
    ],
)
def test_settings_that_are_no_mapping_are_a_problem(content: bytes) -> None:
    _, problems = read_settings(content)

    assert len(problems) == 1
    assert problems[0].remedy
