"""Sample answers are what the model wrote, and always short."""

import json
from typing import Any

import pytest

from shared.report.samples import LONGEST, sample


def line(body: Any) -> bytes:
    return json.dumps({"custom_id": "a", "response": {"status_code": 200, "body": body}}).encode()


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"choices": [{"message": {"content": "Hello."}}]}, "Hello."),
        ({"choices": [{"message": {"content": None, "refusal": "No."}}]}, "No."),
        ({"choices": [{"text": "One."}, {"text": "Two."}]}, "One. Two."),
        (
            {
                "output": [
                    {"type": "reasoning"},
                    {"content": [{"type": "output_text", "text": "Hi."}]},
                ]
            },
            "Hi.",
        ),
        (json.dumps({"choices": [{"message": {"content": "Hello."}}]}), "Hello."),
        ({"results": [{"flagged": True}]}, '{"results": [{"flagged": true}]}'),
        ({"choices": [None, {"message": 7}], "output": "odd"}, None),
        ([1, 2], "[1, 2]"),
        ("Plain words.", ""),
    ],
)
def test_sample_is_what_the_model_wrote_or_the_body(body: Any, text: str | None) -> None:
    found = sample("a", 3, line(body))

    assert (found.custom_id, found.line) == ("a", 3)
    assert found.answer == (json.dumps(body) if text is None else text)


def test_sample_is_short_whatever_the_answer() -> None:
    long = {"choices": [{"message": {"content": "x" * 1_000_000}}]}

    assert len(sample("i" * 5_000, 1, line(long)).model_dump_json()) < 3 * LONGEST


def test_sample_of_an_answer_that_is_no_json_is_empty() -> None:
    assert sample("a", 1, b"nonsense").answer == ""
