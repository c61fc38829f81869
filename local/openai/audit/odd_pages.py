"""A page of the audit log, as well or badly formed as quirks ask for."""

import random
from collections.abc import Mapping

import orjson
from werkzeug.wrappers import Response

from local.openai.http.messages import Json, json_answer
from local.openai.quirks import Quirk


def rendered(page: Json, quirks: Mapping[str, Quirk]) -> Response:
    if "audit_off" in quirks:
        page |= {"data": [], "first_id": None, "last_id": None, "has_more": False}
    if "audit_empty_page" in quirks:
        page |= {"data": [], "first_id": None, "last_id": None, "has_more": True}
    page |= {"data": _untidy(page["data"], quirks)}
    if "audit_ids_missing" in quirks:
        page |= {"first_id": None, "last_id": None}
    if "audit_many_documents" in quirks:
        return _as_json(b"\n".join(orjson.dumps(part) for part in _halves(page)))
    if "audit_trailing_comma" in quirks:
        return _as_json(_with_trailing_comma(page))
    return json_answer(page)


def _untidy(events: list[Json], quirks: Mapping[str, Quirk]) -> list[Json]:
    if "audit_doubled" in quirks:
        events = events[:1] + events
    if forgetful := quirks.get("audit_left_out"):
        events = events[int(forgetful.number("count", 1)) :]
    if "audit_shuffled" in quirks:
        events = random.Random(len(events)).sample(events, len(events))
    return events


def _as_json(body: bytes) -> Response:
    return Response(body, mimetype="application/json")


def _halves(page: Json) -> tuple[Json, Json]:
    events = page["data"]
    middle = len(events) // 2
    return page | {"data": events[:middle]}, page | {"data": events[middle:]}


def _with_trailing_comma(page: Json) -> bytes:
    events = b"".join(orjson.dumps(event) + b"," for event in page["data"])
    rest = orjson.dumps({key: value for key, value in page.items() if key != "data"})
    return b'{"data":[' + events + b"]," + rest[1:]
