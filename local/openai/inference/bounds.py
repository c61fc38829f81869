"""No answer has more tokens than its request allows: it is cut off there, and says so."""

from typing import Any

from local.openai.http.messages import Json
from local.openai.inference.prompt import BYTES_PER_TOKEN, tokens

BOUNDS = ("max_output_tokens", "max_completion_tokens", "max_tokens")


def within_bounds(answer: Json, body: Json) -> Json:
    """Of chats, completions and responses; others have no such limit."""
    given = [body[each] for each in BOUNDS if isinstance(body.get(each), int)]
    if not given or not isinstance(answer.get("usage"), dict):
        return answer
    most = max(min(given), 1)
    if "choices" in answer:
        return _choices_within(answer, most)
    return _response_within(answer, most) if "output" in answer else answer


def _choices_within(answer: Json, most: int) -> Json:
    choices = [_choice_within(each, most) for each in answer["choices"]]
    used = min(answer["usage"]["completion_tokens"], most * len(choices))
    usage = answer["usage"] | {"completion_tokens": used}
    usage["total_tokens"] = usage["prompt_tokens"] + used
    return answer | {"choices": choices, "usage": usage}


def _choice_within(choice: Json, most: int) -> Json:
    holder, name = (choice.get("message") or {}, "content")
    if "text" in choice:
        holder, name = choice, "text"
    text = holder.get(name)
    if not isinstance(text, str) or tokens(text) <= most:
        return choice
    cut = holder | {name: text[: most * BYTES_PER_TOKEN]}
    whole = cut if name == "text" else choice | {"message": cut}
    return whole | {"finish_reason": "length"}


def _response_within(answer: Json, most: int) -> Json:
    used = min(answer["usage"]["output_tokens"], most)
    usage = answer["usage"] | {"output_tokens": used}
    usage["total_tokens"] = usage["input_tokens"] + used
    output = [_item_within(each, most) for each in answer["output"]]
    found = answer | {"usage": usage, "output": output}
    if output == answer["output"]:
        return found
    incomplete = {"reason": "max_output_tokens"}
    return found | {"status": "incomplete", "incomplete_details": incomplete}


def _item_within(item: Json, most: int) -> Json:
    content: list[Any] = [
        each | {"text": each["text"][: most * BYTES_PER_TOKEN]}
        if isinstance(each.get("text"), str) and tokens(each["text"]) > most
        else each
        for each in item.get("content") or ()
    ]
    return item | {"content": content} if content else item
