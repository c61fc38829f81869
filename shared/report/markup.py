"""Builds HTML so that no text gets in unescaped."""

import html
import re
from base64 import b64encode
from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from pathlib import Path

from shared.text import sanitize

STYLE = Path(__file__).with_name("style.css")
LONG_WORD = re.compile(r"[^\s]{25,}")
PIECE = re.compile(r"[^\s_/.:,=-]{1,15}[_/.:,=-]?|[_/.:,=-]")
BREAK = "\0"  # `sanitize` leaves none in a text
EMPTY = frozenset({"link", "meta", "rect", "line"})


class Html(str):
    """Markup that this module made; every other text is escaped on its way in."""

    __slots__ = ()


def el(name: str, /, *inside: object, **attributes: object) -> Html:
    """An element. `class_` is class, `data_label` data-label; an attribute of None is left out."""
    written = "".join(
        f' {each.rstrip("_").replace("_", "-")}="{escaped(value)}"'
        for each, value in attributes.items()
        if value is not None
    )
    if name in EMPTY:
        return Html(f"<{name}{written}>" if name in {"link", "meta"} else f"<{name}{written}/>")
    return Html(f"<{name}{written}>{joined(inside)}</{name}>")


def joined(inside: Iterable[object]) -> Html:
    """One after the other; None is left out."""
    return Html("".join(_written(each) for each in inside if each is not None))


def _written(value: object) -> str:
    return value if isinstance(value, Html) else text_of(sanitize(str(value)))


def text_of(text: str) -> Html:
    """A text as it is, however long, that a browser may break within its very long words alone."""
    pieces = LONG_WORD.sub(lambda found: _broken(found[0]), text)
    return Html(html.escape(pieces).replace(BREAK, "<wbr>"))


def _broken(word: str) -> str:
    """Behind what joins words, else anywhere."""
    return BREAK.join(PIECE.findall(word))


def escaped(value: object) -> str:
    return html.escape(sanitize(str(value)))


def heading(key: str) -> Html:
    """The name of a dropped file, with the way to it."""
    folder, slash, name = key.rpartition("/")
    return el("h1", el("small", folder + slash), name)


def table(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> Html:
    """Each cell knows its column, as on a narrow screen every row becomes a card.

    A column whose name begins with # holds numbers.
    """
    names = list(columns)
    head = [el("th", name.lstrip("#"), scope="col", class_=_kind(name)) for name in names]
    body = [
        el("tr", *(_cell(name, each) for name, each in zip(names, row, strict=True)))
        for row in rows
    ]
    return el("table", el("thead", el("tr", *head)), el("tbody", *body))


def _cell(name: str, value: object) -> Html:
    return el("td", el("div", value), class_=_kind(name), data_label=name.lstrip("#"))


def _kind(name: str) -> str | None:
    return "number" if name.startswith("#") else None


def tile(name: str, value: str, below: str) -> Html:
    """One of the large figures at the top of a page, with a line below it."""
    return el("div", el("dt", name), el("dd", value), el("dd", below, class_="more"))


def fact_list(facts: Iterable[tuple[str, object]]) -> Html:
    return el("dl", *(el("div", el("dt", a), el("dd", b)) for a, b in facts), class_="facts")


def section(heading: str, *inside: object) -> Html:
    return el("section", el("h2", heading), *inside)


def page(title: str, *inside: object) -> bytes:
    """The whole document. Its own style is allowed by its hash; nothing else may load or run."""
    style, mark = _style()
    policy = f"default-src 'none'; style-src '{mark}'; img-src data:; base-uri 'none'"
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=Html(policy)),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("meta", name="referrer", content="no-referrer"),
        el("link", rel="icon", href="data:,"),  # else a browser asks for one
        el("title", title),
        el("style", style),
    )
    document = el("html", head, el("body", el("main", *inside)), lang="en")
    return f"<!doctype html>\n{document}\n".encode()


@cache
def _style() -> tuple[Html, str]:
    text = STYLE.read_text()
    return Html(text), f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
