"""Answers as the lines of an output file state them."""

import json
from typing import Any

from shared.jobs.answer import Answer, read_answer
from shared.jobs.results import Verdict, judge

CHAT = "/v1/chat/completions"
SAID = {"index": 0, "finish_reason": "stop", "message": {"content": "Hello."}}
OK = {
    "status_code": 200,
    "body": {
        "choices": [SAID],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2},
    },
}


def answer(response: Any = None, error: Any = None, custom_id: Any = "a") -> Answer:
    found = read_answer(
        json.dumps({"custom_id": custom_id, "response": response, "error": error}).encode()
    )
    assert found is not None
    return found


def http(status: Any, **error: Any) -> dict[str, Any]:
    return {"status_code": status, "body": {"error": error}}


def judged(response: Any = None, error: Any = None, endpoint: str = CHAT) -> Verdict:
    return judge(answer(response, error), endpoint)


def body(**fields: Any) -> dict[str, Any]:
    return {"status_code": 200, "body": fields}
