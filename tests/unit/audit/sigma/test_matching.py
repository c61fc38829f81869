"""What a rule's fields, values, modifiers and conditions select."""

from typing import Any

import pytest

from shared.audit.events import AuditLog
from shared.audit.sigma.mistakes import Mistaken
from shared.audit.sigma.search import compiled
from tests.unit.audit.timelines import BERLIN, at, key, read, session

EVENT = at(
    0,
    "api_key.created",
    {"id": "key_1", "data": {"scopes": ["api.model.read", "api.files.write"], "name": "Träger"}},
    session("Owner", "203.0.113.5", BERLIN | {"asn": "AS3320"}, "t13d1516h2"),
    project={"id": "proj_1", "name": r"C:\temp*"},
)


def _event(given: dict[str, Any] = EVENT) -> AuditLog:
    return read([given])[0]


def _fits(search: Any, event: dict[str, Any] = EVENT) -> bool:
    return compiled({"s": search, "condition": "s"})(_event(event))


@pytest.mark.parametrize(
    "search",
    [
        {"type": "api_key.created"},
        {"type": "API_KEY.Created"},
        {"type|startswith": "api_key."},
        {"type|endswith": ".created"},
        {"type|contains": "key"},
        {"type": "api_key.*"},
        {"type": "?pi_key.created"},
        {"type": ["user.added", "api_key.created"]},
        {"payload.scopes": "api.files.write"},
        {"payload.scopes|contains|all": ["read", "write"]},
        {"api_key.created.data.scopes": "api.files.write"},
        {"api_key.created.id": "key_1"},
        {"payload.name": "TRÄGER"},
        {"payload.name|cased": "Träger"},
        {"actor.email": "owner@example.com"},
        {"actor.session.user.email": "owner@example.com"},
        {"actor.session.user.email|cased": "Owner@example.com"},
        {"actor.ip|cidr": "203.0.113.0/24"},
        {"actor.ip|cidr": ["198.51.100.0/24", "203.0.113.5"]},
        {"actor.asn": 3320},
        {"actor.asn|gte": 3320},
        {"actor.asn|gt": 3319, "actor.asn|lt": "3321", "actor.asn|lte": 3320},
        {"actor.country": "de"},
        {"actor.key": None},
        {"actor.key|exists": False},
        {"project|exists": True},
        {"project.name": r"C:\\temp\*"},
        {"project.name|re|i": r"^c:.temp\*$"},
        {"type|re": "^api_(key|token)[.]"},
        {"type|neq": "user.added"},
        {"target": "key_1"},
        {"api_key.created.id|fieldref": "target"},
        {"target|neq|fieldref": "type"},
        {"type": "*"},
        ["key_1"],
        ["nobody", "files.writ"],
        {"|all": ["key_1", "files.write"]},
        [{"type": "user.added"}, {"type": "api_key.created"}],
    ],
    ids=str,
)
def test_what_fits(search: Any) -> None:
    assert _fits(search)


@pytest.mark.parametrize(
    "search",
    [
        {"type": "api_key"},
        {"type|cased": "API_key.created"},
        {"type": "api_key?"},
        {"type": r"api_key.\*"},
        {"payload.scopes|contains|all": ["read", "admin"]},
        {"payload.name|cased": "träger"},
        {"actor.email": None},
        {"actor.email": "owner@example.com", "type": "user.added"},
        {"actor.ip|cidr": "203.0.114.0/24"},
        {"actor.country|cidr": "203.0.113.0/24"},
        {"actor.asn|lt": 3320},
        {"actor.country|gt": 1},
        {"actor.key": "*"},
        {"actor.key|exists": True},
        {"type|re": "^key"},
        {"type|re": "API"},
        {"type|neq": ["user.added", "api_key.created"]},
        {"target|fieldref": "type"},
        {"actor.nothing|fieldref": "actor.neither"},
        ["nobody"],
        {"|all": ["key_1", "nobody"]},
        {"api_key.created.data.scopes.more": "x"},
        {"type.more": "x"},
    ],
    ids=str,
)
def test_what_does_not_fit(search: Any) -> None:
    assert not _fits(search)


def test_a_type_that_was_spelt_otherwise_fits_in_either_spelling() -> None:
    for spelt in ("checkpoint.permission.created", "checkpoint_permission.created"):
        for written in ("checkpoint.permission.created", "checkpoint_permission.created"):
            assert _fits({"type": written}, at(0, spelt, {"id": "c"}))


def test_a_key_and_a_session_are_one_actor_by_our_names() -> None:
    assert _fits(
        {"actor.email": "builder@example.com"}, at(0, "user.added", by=key(user="builder"))
    )
    assert _fits({"actor.id": "sa_ci", "actor.key": "key_ci"}, at(0, "user.added", by=key()))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("yes", True),
        ("no", False),
        ("not no", True),
        ("yes and not no", True),
        ("yes and no or yes", True),
        ("yes or yes and no", True),
        ("(yes or yes) and no", False),
        ("not (no or no)", True),
        ("not no and no", False),
        ("NOT no AND yes", True),
        ("1 of them", True),
        ("all of them", False),
        ("any of filter_*", True),
        ("all of filter_*", False),
        ("1 of n*", False),
        ("not 1 of n*", True),
        ("yes and not(no)", True),
        (["no", "yes"], True),
    ],
)
def test_conditions(condition: Any, expected: bool) -> None:
    searches = {
        "yes": {"type": "*"},
        "no": {"type": "user.added"},
        "filter_1": {"type": "user.added"},
        "filter_2": {"type": "api_key.created"},
        "_hidden": {"type": "user.added"},
    }
    assert compiled({**searches, "condition": condition})(_event()) is expected


def test_them_leaves_out_what_begins_with_an_underscore() -> None:
    searches = {"yes": {"type": "*"}, "_hidden": {"type": "user.added"}}

    assert compiled({**searches, "condition": "all of them"})(_event())


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"s": {"a|base64": "x"}, "condition": "s"}, "no modifier 'base64'"),
        ({"s": {"a|contains|re": "x"}, "condition": "s"}, "can't be used together"),
        ({"s": {"a|re": "("}, "condition": "s"}, "not a regular expression of RE2"),
        ({"s": {"a|re": "(?=a)b"}, "condition": "s"}, "not a regular expression of RE2"),
        ({"s": {"a|re": "((a{100}){100}){100}"}, "condition": "s"}, "RE2"),
        ({"s": {"a|re|cased": "x"}, "condition": "s"}, "cased can't be used with re"),
        ({"s": {"a|contains|i": "x"}, "condition": "s"}, "i can't be used with contains"),
        ({"s": {"a|cidr": "everything"}, "condition": "s"}, "no network"),
        ({"s": {"a|gt": "many"}, "condition": "s"}, "compares numbers"),
        ({"s": {"a|gt": True}, "condition": "s"}, "compares numbers"),
        ({"s": {"a|exists": "maybe"}, "condition": "s"}, "true or false"),
        ({"s": {"a|contains": None}, "condition": "s"}, "null"),
        ({"s": {"a": []}, "condition": "s"}, "an empty list"),
        ({"s": {"a": {"b": 1}}, "condition": "s"}, "a value is a text"),
        ({"s": {}, "condition": "s"}, "fits every event"),
        ({"s": [], "condition": "s"}, "a search is"),
        ({"s": "x", "condition": "s"}, "a search is"),
        ({"s": [None], "condition": "s"}, "a keyword is"),
        ({"s": {"a": "x" * 1_001}, "condition": "s"}, "more than 1,000 characters"),
        ({"s": {"a": 1}}, "no condition"),
        ({"s": {"a": 1}, "condition": ""}, "empty"),
        ({"s": {"a": 1}, "condition": "s and"}, "ends too early"),
        ({"s": {"a": 1}, "condition": "s s"}, "'s' was not expected"),
        ({"s": {"a": 1}, "condition": "(s"}, "ends too early"),
        ({"s": {"a": 1}, "condition": "s)"}, "')' was not expected"),
        ({"s": {"a": 1}, "condition": "and"}, "'and' was not expected"),
        ({"s": {"a": 1}, "condition": "t"}, "no search 't'; there are: s"),
        ({"s": {"a": 1}, "condition": "1 of t*"}, "no search is named 't*'"),
        ({"s": {"a": 1}, "condition": "s | count() > 5"}, "write threshold"),
        ({"s": {"a": 1}, "condition": "not " * 60 + "s"}, "nested more than"),
        ({"s": {"a": 1}, "condition": "(" * 60 + "s" + ")" * 60}, "nested more than"),
        ({"s": {"a": 1}, "condition": " or ".join(["s"] * 400)}, "more than 500 words"),
        ({"s": {"a": 1}, "condition": "s", "timeframe": "5m"}, "write window"),
    ],
    ids=str,
)
def test_what_can_not_be_read_says_why(section: dict[str, Any], said: str) -> None:
    with pytest.raises(Mistaken) as raised:
        compiled(section)

    assert said in raised.value.message


def test_no_expression_takes_long_for_any_text() -> None:
    """These take a regular expression that goes back billions of steps."""
    hostile = at(0, "user.added", {"id": "a" * 50_000 + "b"})
    stars = "*".join("a" * 30) + "*c"

    assert not _fits({"payload.id|re": "^(a+)+$"}, hostile)
    assert not _fits({"payload.id": stars}, hostile)
