"""Reading events, however they are written: nothing crashes, and nothing is guessed."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.audit.event_types import DOCUMENTED, KNOWN, NEWER, TENANT
from shared.audit.events import AuditLog, Unreadable, read_event
from shared.audit.payloads import (
    PAYLOADS,
    Account,
    Allowlist,
    ApiKey,
    Assignment,
    Failure,
    Organization,
    Payload,
    RateLimit,
    Role,
)
from tests.unit.audit.timelines import BERLIN, START, at, key, session

Json = dict[str, Any]


def read(event: Json) -> AuditLog:
    return read_event(json.dumps(event).encode())


def test_the_types_are_those_known_today() -> None:
    assert (len(DOCUMENTED), len(NEWER), len(TENANT), len(KNOWN)) == (22, 39, 88, 149)


def test_every_documented_type_with_a_payload_has_a_model() -> None:
    empty = {"login.succeeded", "logout.succeeded"}

    assert DOCUMENTED - PAYLOADS.keys() == empty


@pytest.mark.parametrize(
    ("type_", "payload", "model", "fields"),
    [
        ("api_key.created", {"id": "k", "data": {"scopes": ["a"]}}, ApiKey, {"scopes": ("a",)}),
        ("api_key.updated", {"data": {"scopes": ["a"]}}, ApiKey, {"scopes": ("a",)}),
        ("api_key.updated", {"changes_requested": {"scopes": "a"}}, ApiKey, {"scopes": ("a",)}),
        (
            "api_key.updated",
            {"changes_requested": {"scopes": [1, None]}},
            ApiKey,
            {"scopes": ("1",)},
        ),
        ("login.failed", {"error_code": "x", "error_message": 5}, Failure, {"error_message": "5"}),
        ("user.updated", {"changes_requested": {"role": "owner"}}, Account, {"role": "owner"}),
        ("user.added", {"data": {"role": ["owner"]}}, Account, {"role": "owner"}),
        ("role.created", {"permissions": "x.write"}, Role, {"permissions": ("x.write",)}),
        ("role.assignment.created", {"principal_id": "u"}, Assignment, {"principal_id": "u"}),
        (
            "rate_limit.updated",
            {"changes_requested": {"max_requests_per_1_minute": "500"}},
            RateLimit,
            {"max_requests_per_1_minute": 500.0},
        ),
        (
            "organization.updated",
            {"changes_requested": {"api_call_logging": "disabled", "name": True}},
            Organization,
            {"api_call_logging": "disabled", "name": None},
        ),
        (
            "ip_allowlist.config.activated",
            {"configs": [{"id": 5}, "x", {"name": "n"}]},
            Allowlist,
            {"configs": (Payload(id="5"), Payload(name="n"))},
        ),
        ("tenant.metadata.updated", {"id": "t"}, Payload, {"id": "t"}),
        ("made.up", "no object", Payload, {"id": None}),
    ],
)
def test_a_payload_is_read_as_its_types_model(
    type_: str, payload: Any, model: type[Payload], fields: Json
) -> None:
    found = read(at(0, type_, payload)).payload

    assert type(found) is model
    assert {name: getattr(found, name) for name in fields} == fields


def test_a_payload_may_be_named_with_underscores() -> None:
    event = at(0, "api_key.created") | {"api_key_created": {"id": "key_1"}}
    del event["api_key.created"]

    assert read(event).payload.id == "key_1"


@pytest.mark.parametrize(
    ("actor", "actor_id", "acting", "who", "where"),
    [
        (
            session(place=BERLIN),
            "user-owner",
            "user-owner",
            "owner@example.com",
            "203.0.113.5 (Berlin, DE, AS3320)",
        ),
        (session(), "user-owner", "user-owner", "owner@example.com", "203.0.113.5"),
        (
            key("key_1", user="owner"),
            "user-owner",
            "user-owner/key_1",
            "owner@example.com with key key_1",
            "by API key, no address",
        ),
        (key(), "sa_ci", "sa_ci/key_ci", "sa_ci with key key_ci", "by API key, no address"),
        (key(account=None), "key_ci", "key_ci", "key_ci", "by API key, no address"),
        (None, "unknown", "unknown", "unknown", "unknown place"),
        ("a text", "unknown", "unknown", "unknown", "unknown place"),
        ({"type": "session", "session": None}, "unknown", "unknown", "unknown", "unknown place"),
        (
            {"session": {"user": {"id": "", "email": "D@Example.com"}, "ip_address": ""}},
            "d@example.com",
            "d@example.com",
            "d@example.com",
            "no address",
        ),
        (
            {"session": {"user": [], "ip_address": "192.0.2.1", "ip_address_details": 7}},
            "192.0.2.1",
            "192.0.2.1",
            "192.0.2.1",
            "192.0.2.1",
        ),
    ],
)
def test_an_actor_is_resolved_as_far_as_it_is_known(
    actor: Any, actor_id: str, acting: str, who: str, where: str
) -> None:
    event = read(at(0, "project.created") | {"actor": actor})

    assert (event.by.id, event.by.acting, event.by.name, event.by.where) == (
        actor_id,
        acting,
        who,
        where,
    )


@pytest.mark.parametrize(
    ("time", "read_as"), [(START, START), (str(START), START), (START + 0.9, START)]
)
def test_a_time_is_read_in_whole_seconds(time: Any, read_as: int) -> None:
    assert read(at(0, "project.created") | {"effective_at": time}).time == read_as


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{", "not JSON"),
        (b'"\xff"', "not JSON"),
        (b"7", "not an object"),
        (b"[]", "not an object"),
        (b'{"type": "x", "effective_at": 1}', "no id"),
        (b'{"id": "", "type": "x", "effective_at": 1}', "no id"),
        (b'{"id": "a", "effective_at": 1}', "no type"),
        (b'{"id": "a", "type": "x"}', "no effective_at"),
        (b'{"id": "a", "type": "x", "effective_at": true}', "no effective_at"),
        (b'{"id": "a", "type": "x", "effective_at": "noon"}', "no effective_at"),
        (b'{"id": "a", "type": "x", "effective_at": "nan"}', "no effective_at"),
        (b'{"id": "a", "type": "x", "effective_at": -1}', "no effective_at"),
        (b'{"id": "a", "type": "x", "effective_at": 1e30}', "no effective_at"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"id": "a", "x": ' + b"[" * 600 + b"]" * 600 + b"}", "nested too deeply"),
    ],
)
def test_what_is_no_event_says_why(line: bytes, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        read_event(line)


@pytest.mark.parametrize(
    ("payload", "id_"),
    [
        (b'{"id": "k", "n": 1e999}', "k"),
        (b'{"id": "k", "text": "\xff"}', "k"),
        (b'{"id": "k", "n": ' + b"9" * 5_000 + b"}", None),
    ],
    ids=["a number too large", "broken UTF-8", "a number far too large"],
)
def test_an_unreadable_payload_does_not_hide_the_event(payload: bytes, id_: str) -> None:
    line = b'{"id":"a","type":"api_key.created","effective_at":1,"api_key.created":%s}' % payload

    event = read_event(line)

    assert (event.id, event.payload.id) == ("a", id_)


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(actor=_json, payload=_json, project=_json, type_=st.sampled_from(sorted(KNOWN)))
def test_no_json_makes_reading_fail(actor: Any, payload: Any, project: Any, type_: str) -> None:
    event = {"id": "a", "type": type_, "effective_at": 1, "actor": actor, "project": project}
    line = json.dumps(event | {type_: payload})

    found = read_event(line.encode(errors="replace"))

    assert found.payload is not None
    assert found.by.name
    assert found.by.where
