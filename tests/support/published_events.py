"""Every event that a test puts on the bus is of the schema that is published for it."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import jsonschema_rs

from local.paths import ROOT

SCHEMAS = ROOT / "events" / "schemas"


@cache
def validator(kind: str) -> Any:
    path = SCHEMAS / file_of(kind)
    assert path.is_file(), f"{kind} has no schema in events/schemas"
    return jsonschema_rs.validator_for(json.loads(path.read_text()))


def file_of(kind: str) -> str:
    return f"{kind.lower().replace(' ', '_')}.json"


Watcher = Callable[[str, Any], object]
_watchers: list[Watcher] = []


@contextmanager
def watched(watcher: Watcher) -> Iterator[None]:
    """Is told of each event, its type and its detail."""
    _watchers.append(watcher)
    try:
        yield
    finally:
        _watchers.remove(watcher)


def check_events(params: dict[str, Any], **_: Any) -> None:
    """Before botocore's call PutEvents; whatever a test expects of it."""
    for each in params["Entries"]:
        kind, detail = each["DetailType"], json.loads(each["Detail"])
        check(kind, detail, each["Source"])
        for watcher in list(_watchers):
            watcher(kind, detail)


def check(kind: str, detail: Any, source: str = "batchdrop") -> None:
    event = {"source": source, "detail-type": kind, "detail": detail}
    wrong = [f"{list(e.instance_path)}: {e.message}" for e in validator(kind).iter_errors(event)]
    assert wrong == [], f"{kind} is not as its schema says: {wrong}"
