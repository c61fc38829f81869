"""recipe.yaml: what it says, and what is said of every mistake in it."""

import json

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shared.tables.recipe import Recipe, RequestTemplate, path_of, read_recipe, starter
from shared.tables.templates import Templates, UnfilledTemplate

GOOD = """\
request:
  url: /v1/responses
  body: {model: gpt-5-mini, input: "{{ text }}"}
"""


def test_the_defaults_are_the_answers_text_and_the_tables_own_format() -> None:
    recipe, problems = read_recipe(GOOD.encode())

    assert recipe is not None
    assert problems == []
    assert recipe.answer.columns == {"answer": "text"}
    assert recipe.answer.format == "same"
    assert recipe.metadata() == {}


@pytest.mark.parametrize(
    ("text", "param", "line", "remedy"),
    [
        (GOOD.replace("url:", "ulr:"), "request.ulr", 2, "did you mean 'url'"),
        (GOOD + "anser: {}\n", "anser", 4, "did you mean 'answer'"),
        (GOOD + "answer: {colums: {a: text}}\n", "answer.colums", 4, "did you mean 'columns'"),
        (GOOD + "answer: {columns: {a: b}}\n", "answer", 4, "write"),
        (GOOD + "answer: {columns: {_error: text}}\n", "answer", 4, "write"),
        (GOOD + "answer: {format: xlsx}\n", "answer.format", 4, "`parquet` or `jsonl`"),
        (GOOD.replace("/v1/responses", "responses"), "request.url", 2, "url: /v1/responses"),
        (GOOD + "options: [a]\n", "options", 4, "max-attempts"),
        ("request: {url: /v1/responses}\n", "request.body", 1, "with templates"),
        ("- a\n", None, None, "docs/tables.md"),
        ("a: [\n", None, 2, "docs/tables.md"),
        ("", None, None, "docs/tables.md"),
    ],
)
def test_each_mistake_has_its_line_and_its_remedy(
    text: str, param: str | None, line: int | None, remedy: str
) -> None:
    recipe, problems = read_recipe(text.encode())

    assert recipe is None
    (found,) = [each for each in problems if each.param == param]
    assert found.line == line
    assert remedy in found.remedy


@pytest.mark.parametrize("text", [b"\xff\xfe\x00", b"a: \xe9\n", b"x" * (300 << 10)])
def test_what_is_no_text_or_too_long_is_one_problem(text: bytes) -> None:
    recipe, problems = read_recipe(text)

    assert recipe is None
    assert [each.code for each in problems] == ["invalid_recipe"]


@pytest.mark.parametrize(
    ("place", "steps"),
    [
        ("$.a", ("a",)),
        ("$", ()),
        ("$.a.b[0]", ("a", "b", 0)),
        ('$["a b"].c', ("a b", "c")),
        ("$['x']", ("x",)),
        ("$.a-b", ("a-b",)),
        ("$..a", None),
        ("$.a[*]", None),
        ("a", None),
        ("$.", None),
    ],
)
def test_a_place_in_an_answer_names_one_value(
    place: str, steps: tuple[str | int, ...] | None
) -> None:
    assert path_of(place) == steps


@pytest.mark.parametrize(
    "columns", [["text"], ["a b", "c"], ["it's"], ['say "x"'], [], ["ä", "class"]]
)
def test_the_starter_is_a_recipe_for_its_table(columns: list[str]) -> None:
    recipe, problems = read_recipe(starter(columns).encode())

    assert problems == []
    assert recipe is not None
    templates = Templates(recipe)
    assert templates.problems == []
    assert list(templates.missing(columns)) == []
    templates.fill(dict.fromkeys(columns, "x"))


def templates(body: str) -> Templates:
    recipe, problems = read_recipe(f"request:\n  url: /v1/responses\n  body: {body}\n".encode())
    assert recipe, problems
    return Templates(recipe)


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ n | int }}", 5),
        ("{{ n | float }}", 5.0),
        ("{{ n | int > 3 }}", True),
        ("{{ n }}", "5"),
        (" {{ n }}", " 5"),
        (" {{ n | int }}", " 5"),
        ("{{ n }}!", "5!"),
        ("{{ n }}{{ n }}", "55"),
        ("{{ text | trim }}", "x y"),
        ("{{ text | truncate(4) }}", "  x…"),
        ("{{ nothing | default('-') }}", "-"),
        ("{{ none }}", None),
        ("{{ row['a b'] }}", "c"),
        ("{% if n == '5' %}five{% endif %}", "five"),
        ("{{ text | tojson }}", '"  x y "'),
        ("no template", "no template"),
        ("{ not one }", "{ not one }"),
    ],
)
def test_a_template_is_filled_in(template: str, value: object) -> None:
    quoted = template.replace("'", "''")
    found = templates(f"{{input: '{quoted}', other: [1, {{a: true}}]}}")
    row = {"n": "5", "text": "  x y ", "a b": "c"}

    assert found.problems == []
    body = {"input": value, "other": [1, {"a": True}]}
    assert found.fill(row).body == body
    line = json.loads(found.line(row, 7))
    assert line == {"custom_id": "row-7", "method": "POST", "url": "/v1/responses", "body": body}


@pytest.mark.parametrize("template", ["{{ a", "{{ a | nonsense( }}", "{% if a %}", "{{ a b }}"])
def test_a_template_that_is_none_is_a_problem_with_its_place(template: str) -> None:
    (problem,) = templates(f"{{messages: [{{content: '{template}'}}]}}").problems

    assert (problem.code, problem.param) == ("invalid_template", "request.body.messages[0].content")


def test_a_column_is_named_once_with_the_nearest_of_the_tables() -> None:
    found = templates("{a: '{{ titel }}', b: '{{ titel }} {{ text }}', c: '{{ row[\"te xt\"] }}'}")

    problems = list(found.missing(["title", "text"]))
    assert [each.code for each in problems] == ["unknown_column"] * 2
    assert "'title'" in problems[0].remedy


@pytest.mark.parametrize(
    "template",
    ["{{ nothing }}", "{{ text.foo }}", "x {{ text.foo }}", "{{ text | int }}", "{{ text / 2 }}"],
)
def test_a_row_that_does_not_suit_says_which_template(template: str) -> None:
    found = templates(f"{{input: '{template}'}}")

    for fill in (found.fill, lambda row: found.line(row, 1)):
        with pytest.raises(UnfilledTemplate, match=r"request\.body\.input"):
            fill({"text": "x"})


@pytest.mark.parametrize("name", ["html", "json", "xml", "js"])
def test_nothing_is_escaped_whatever_its_place_is_called(name: str) -> None:
    found = templates(
        f"{{a: {{{name}: '{{{{ text | trim }}}}', page.{name}: '<{{{{ text }}}}>'}}}}"
    )

    body = {"a": {name: "<&\"'", f"page.{name}": "<<&\"'>"}}
    assert found.fill({"text": "<&\"'"}).body == body
    assert json.loads(found.line({"text": "<&\"'"}, 1))["body"] == body


def test_what_only_looks_like_a_template_is_none() -> None:
    request = RequestTemplate(url="/v1/responses", body={"{{ a": 1, "b": "{{ text | trim }}"})
    found = Templates(Recipe(request=request))

    assert json.loads(found.line({"text": " x"}, 1))["body"] == {"{{ a": 1, "b": "x"}


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
    | st.sampled_from(
        [
            "{{ a }}",
            "{{ a }}, {{ b }}",
            "{{ row['a'] }}",
            "{{ b | length }}",
            "{% if a %}{{ b }}{% endif %}",
            "{%- if a -%} x {%- endif %}\n",
            "a {# comment #} b\n",
        ]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
CELL = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@settings(max_examples=200, deadline=None)
@given(body=st.dictionaries(st.text(min_size=1, max_size=5), VALUES, min_size=1), a=CELL, b=CELL)
def test_the_whole_line_says_what_its_parts_say(body: dict[str, object], a: str, b: str) -> None:
    request = RequestTemplate(url="/v1/responses", body=body, custom_id="{{ a }}-{{ b | length }}")
    found = Templates(Recipe(request=request))
    assume(not found.problems)
    row = {"a": a, "b": b, "c": "not named"}

    line = json.loads(found.line(row, 1))

    assert line["body"] == found.fill(row).body
    assert line["custom_id"] == found.fill(row).custom_id == f"{a}-{len(b)}"
