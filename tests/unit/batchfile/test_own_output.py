"""Answers are told from requests by their fields."""

import pytest

from shared.batchfile.own_output import is_answer


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (b'{"id": "batch_req_1", "custom_id": "a", "response": {"body": {}}, "error": null}', True),
        (b'{"id": null, "custom_id": "a", "response": null, "error": {"code": "x"}}', True),
        (b'{"custom_id": "a", "response": {"status_code": 200}}', True),
        (b'{"custom_id": "a", "error": "It broke."}', True),
        (b'{"custom_id": "a", "method": "POST", "url": "/v1/responses", "body": {}}', False),
        (b'{"custom_id": "a", "body": {}, "response": null}', False),
        (b'{"custom_id": "a"}', False),
        (b'{"response": null, "error": null}', False),
        (b'["custom_id", "response"]', False),
        (b"nonsense", False),
        (b"", False),
    ],
)
def test_answer_is_told_from_a_request(line: bytes, answer: bool) -> None:
    assert is_answer(line) is answer
