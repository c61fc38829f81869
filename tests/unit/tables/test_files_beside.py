"""Files that rows name: what may be named, and what becomes of the marks that stand for them."""

import base64
import json

import pytest

from shared.tables import files_beside
from shared.tables.files_beside import (
    Marks,
    UnusableFile,
    data_url,
    may_be_named,
    names_files,
    path_below,
)
from shared.tables.recipe import read_recipe
from shared.tables.templates import Templates
from tests.support.images import GIF, JPEG, PDF, PNG, WEBP

FILES = {"a.png": PNG, "b.jpg": JPEG, "c d/é.pdf": PDF}


def templates(image: str, more: str = "") -> Templates:
    text = (
        "request:\n  url: /v1/responses\n  body:\n    model: gpt-5-mini\n    input:\n"
        f"      - {{type: input_image, image_url: {json.dumps(image)}}}\n{more}"
    )
    recipe, problems = read_recipe(text.encode())
    assert recipe is not None, problems
    return Templates(recipe)


def url_in(line: bytes) -> str:
    return str(json.loads(line)["body"]["input"][0]["image_url"])


@pytest.mark.parametrize(
    "template",
    [
        "{{ file(image) }}",
        "{{file (image)}}",
        "{% if image %}{{ file(image) }}{% endif %}",
        "{% set x = file(image) %}{{ x }}",
        "{{ file('a.png') }}",
        "{{ file(row['image']) }}",
        "{{ file(image | trim) }}",
    ],
)
def test_a_mark_becomes_the_files_data_url(template: str) -> None:
    found = templates(template)

    line = found.line({"image": "a.png"}, 1)

    assert found.problems == []
    assert found.files_at == "request.body.input[0].image_url"
    names = found.marks.taken()
    filled = found.marks.filled(line, names, FILES.__getitem__)
    assert url_in(filled) == "data:image/png;base64," + base64.b64encode(PNG).decode()
    assert found.marks.taken() == []


def test_a_column_may_be_called_file() -> None:
    found = templates("{{ file(file) }}")

    line = found.line({"file": "c d/é.pdf"}, 1)

    assert found.columns == {"file": "request.body.input[0].image_url"}
    filled = found.marks.filled(line, found.marks.taken(), FILES.__getitem__)
    assert url_in(filled).startswith("data:application/pdf;base64,JVBERi")


def test_text_that_speaks_of_a_file_is_only_text() -> None:
    found = templates("see file(image), {{ image }}")

    assert found.files_at == ""
    assert url_in(found.line({"image": "x"}, 1)) == "see file(image), x"


@pytest.mark.parametrize("change", ["upper", "truncate(9)", "length", "replace('-', '')"])
def test_a_filter_that_changes_the_mark_is_told(change: str) -> None:
    found = templates(f"{{{{ file(image) | {change} }}}}")

    line = found.line({"image": "a.png"}, 1)

    with pytest.raises(UnusableFile, match="as it is"):
        found.marks.filled(line, found.marks.taken(), FILES.__getitem__)


def test_a_row_may_name_several_files_and_one_twice() -> None:
    marks, read = Marks(), list[str]()
    line = "|".join(marks.mark(name) for name in ("a.png", "b.jpg", "a.png")).encode()

    def reading(name: str) -> bytes:
        read.append(name)
        return FILES[name]

    png, jpeg, again = marks.filled(line, marks.taken(), reading).split(b"|")

    assert read == ["a.png", "b.jpg"]
    assert png == again == data_url("", PNG)
    assert jpeg == data_url("", JPEG)


def test_a_request_has_50_megabytes_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files_beside, "MAX_BYTES", 150)
    marks = Marks()
    line = (marks.mark("a.png") + marks.mark("b.jpg")).encode()

    with pytest.raises(UnusableFile, match=r"'b\.jpg' the request has more than 150 bytes"):
        marks.filled(line, marks.taken(), FILES.__getitem__)


def test_a_file_has_no_more_than_fits_into_a_request() -> None:
    assert files_beside.MAX_FILE_BYTES * 4 / 3 == files_beside.MAX_BYTES

    with pytest.raises(UnusableFile, match="more than 37,500,000 bytes"):
        data_url("a.png", PNG + bytes(files_beside.MAX_FILE_BYTES))


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PNG, "image/png"),
        (JPEG, "image/jpeg"),
        (GIF, "image/gif"),
        (WEBP, "image/webp"),
        (PDF, "application/pdf"),
    ],
    ids=["PNG", "JPEG", "GIF", "WebP", "PDF"],
)
def test_the_type_is_what_the_file_is(content: bytes, kind: str) -> None:
    assert data_url("x.txt", content).startswith(f"data:{kind};base64,".encode())


@pytest.mark.parametrize("content", [b"", b"<svg/>", b"RIFF1234WAVE", b"BM", b"PK\x03\x04"])
def test_what_is_neither_image_nor_pdf_is_told(content: bytes) -> None:
    with pytest.raises(UnusableFile, match=r"'x\.png' is no PNG"):
        data_url("x.png", content)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a.png", "a.png"),
        (" ./a//b.png ", "a/b.png"),
        ("a b/é.png", "a b/é.png"),
        ("a+b%20c.png", "a+b%20c.png"),
        ("..a/b..png", "..a/b..png"),
    ],
)
def test_a_path_goes_on_behind_the_folder(name: str, path: str) -> None:
    assert path_below(name) == path


@pytest.mark.parametrize(
    "name", ["", "  ", ".", "/", "/a.png", "../a.png", "a/../../b", "s3://a/b.png", "https://a/b"]
)
def test_a_path_never_leaves_the_folder(name: str) -> None:
    with pytest.raises(UnusableFile):
        path_below(name)


@pytest.mark.parametrize(
    ("text", "does"),
    [
        ('{"url": "{{ file(image) }}"}', True),
        ("{% if file(a) %}x{% endif %}", True),
        ("{{ profile(a) }}", False),
        ("a file(x)", False),
        ("{{ file }}", False),
    ],
)
def test_a_recipe_names_files_where_it_calls_for_them(text: str, *, does: bool) -> None:
    assert names_files(text) is does


def test_only_images_and_pdfs_may_be_named() -> None:
    assert may_be_named("inbox/a/B.PNG")
    assert not may_be_named("inbox/a/b.csv")
