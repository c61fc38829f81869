"""Rules as files: what they are, and what is said of those that can't be used."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.audit.severity import Severity
from shared.audit.sigma.folder import try_folder, try_rule
from shared.audit.sigma.hours import Hours
from shared.audit.sigma.rule import Unusable, read_rule
from tests.unit.audit.timelines import at, read

ADAPTED = Path(__file__).with_name("adapted")
EXAMPLES = Path("docs/rules")
BILLION = "a0: &a0 [1, 1, 1]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)
)
RULE: dict[str, Any] = {
    "title": "A key",
    "detection": {"made": {"type": "api_key.created"}, "condition": "made"},
}


def _mistakes(**more: Any) -> str:
    with pytest.raises(Unusable) as raised:
        read_rule("mine", yaml.safe_dump({**RULE, **more}, sort_keys=False), "rules/mine.yaml")
    return str(raised.value)


def test_the_examples_can_be_used_and_their_tests_pass() -> None:
    tried = list(try_folder(EXAMPLES))

    assert [each.mistakes for each in tried] == [()] * len(tried)
    assert all(len(each.tests) >= 2 for each in tried)


@pytest.mark.parametrize("path", sorted(ADAPTED.iterdir()), ids=lambda path: path.stem)
def test_sigma_rules_of_other_products_load_once_they_are_adapted(path: Path) -> None:
    tried = try_rule(path.name, path.read_bytes())

    assert tried.mistakes == ()


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("admin_role_assigned", at(0, "role.assignment.created", {"id": "role-x-admin__y"})),
        ("policy_deleted", at(0, "tenant.session_policy.deleted")),
        ("outside_collaborator", at(0, "invite.sent", {"data": {"email": "a@evil.test"}})),
        (
            "self_hosted_tool",
            at(0, "user.added", by={"session": {"user_agent": "python-requests/2 Kali"}}),
        ),
        (
            "from_anonymizers",
            at(0, "organization.updated", by={"session": {"ip_address": "185.220.101.9"}}),
        ),
        ("login_disabled_account", at(0, "login.failed", {"error_message": "User is blocked"})),
        ("service_account_key", at(0, "api_key.created")),
        (
            "logging_switched_off",
            at(0, "organization.updated", {"changes_requested": {"api_call_logging": "disabled"}}),
        ),
        ("own_privilege", at(0, "user.updated", {"id": "user-owner"})),
        (
            "rate_limit_raised",
            at(0, "rate_limit.updated", {"changes_requested": {"max_requests_per_1_minute": 1e5}}),
        ),
    ],
)
def test_and_they_find_what_they_are_for(name: str, event: dict[str, Any]) -> None:
    fits = read_rule(name, (ADAPTED / f"{name}.yml").read_text()).fits

    assert fits(read([event])[0])
    assert not fits(read([at(0, "project.created", {"id": "p"}, {"session": {}})])[0])


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"treshold": 3}, "treshold: there is no such field; did you mean threshold?"),
        ({"group_by": "type"}, "group_by: there is no such field; did you mean group-by?"),
        ({"threshold": 3}, "threshold and window go together"),
        ({"window": "5m"}, "threshold and window go together"),
        ({"threshold": 31, "window": "5m", "distinct": "type"}, "a threshold is 30 at most"),
        ({"threshold": 3, "window": "5"}, "window: write a time as a number and s, m, h or d"),
        ({"threshold": 3, "window": 5}, "window: write a time as a number and s, m, h or d"),
        ({"threshold": 101, "window": "5m"}, "threshold: Input should be less than"),
        ({"threshold": 3, "window": "8d"}, "window: Input should be less than"),
        ({"group-by": ["type"]}, "group-by and distinct say nothing without"),
        ({"threshold": 2, "window": "1m", "group-by": list("abcde")}, "group-by: Value should"),
        ({"threshold": 2, "window": "1m", "group-by": ["a" * 101]}, "group-by.0: String should"),
        ({"suppress": "5s"}, "suppress: Input should be greater than"),
        ({"level": "urgent"}, "level: Input should be 'signal'"),
        ({"logsource": {"product": "okta"}}, "logsource.product: only events of openai"),
        ({"hours": {"outside": "9 to 5"}}, "hours.outside.0: '9 to 5' is no span of the week"),
        ({"hours": {"outside": "Mo-Fr 08:00-18:00"}}, "'Mo' is no day of the week"),
        ({"hours": {"outside": "25:00-26:00"}}, "has no times of a day"),
        ({"hours": {"outside": "08:00-08:00"}}, "has no times of a day"),
        ({"hours": {"within": "Mon", "timezone": "Berlin"}}, "hours.timezone: 'Berlin' is no time"),
        ({"hours": {"within": "Mon", "timezone": "../etc/passwd"}}, "is no time zone"),
        ({"hours": {"within": "Mon", "outside": "Tue"}}, "hours: hours are within or outside"),
        ({"hours": {}}, "hours: hours are within or outside"),
        ({"runbook": ["a step"] * 7}, "runbook: Value should have at most 6"),
        ({"fields": ["a"] * 11}, "fields: Value should have at most 10"),
        ({"title": ""}, "title: String should have at least 1"),
        ({"title": "x" * 301}, "title: String should have at most 300"),
        ({"tests": [{"event": {}, "alrets": 1}]}, "tests.0.alrets: there is no such field"),
        ({"tests": [{"alerts": 1}]}, "tests.0.events: Field required"),
        ({"allow": {"actor": ["a"]}}, "allow.actor: there is no such field"),
        ({"correlation": {"type": "event_count"}}, "correlation: correlations are not read"),
        ({"detection": ["made"]}, "detection: Input should be a valid dict"),
        ({"detection": {"made": {"type|regex": "x"}, "condition": "made"}}, "detection.made.type|"),
    ],
    ids=str,
)
def test_a_mistake_is_told_with_its_place(more: dict[str, Any], said: str) -> None:
    text = _mistakes(**more)

    assert said in text
    assert text.startswith("rules/mine.yaml:")


def test_every_mistake_is_told_by_its_line() -> None:
    text = (
        "title: Keys\n"
        "detection:\n"
        "  made:\n"
        "    type: api_key.created\n"
        "    actor.ip|cidr:\n"
        "      - 203.0.113.0/24\n"
        "      - the office\n"
        "  condition: made and not ours\n"
        "hours:\n"
        "  within: Mon-Fry\n"
        "levle: high\n"
    )

    with pytest.raises(Unusable) as raised:
        read_rule("keys", text)

    lines = str(raised.value).split("\n")
    assert [line.split(":")[1] for line in lines] == ["5", "10", "11"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("title: [", "k.yaml:1: not YAML"),
        ("title: a\ntitle: b", "k.yaml:2: not YAML: 'title' is written twice"),
        ("- title", "k.yaml:1: a rule has at least title and detection"),
        ("", "k.yaml:1: a rule has at least title and detection"),
        ("detection: {made: {type: x}, condition: made}", "k.yaml:1: title: Field required"),
        ("title: x", "k.yaml:1: detection: Field required"),
        ("a: &a [*a]", "aliases followed"),
        ("title: 'a\n\n'\nlevel: 2026-02-30", "k.yaml:4: not YAML"),
        (BILLION, "aliases followed"),
    ],
)
def test_what_is_no_rule_at_all(text: str, said: str) -> None:
    with pytest.raises(Unusable) as raised:
        read_rule("k", text)

    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("a rule.yaml", b"", "a rule is named by its file"),
        ("k1.yaml", b"", "a rule is named by its file"),
        (f"{'x' * 65}.yaml", b"", "a rule is named by its file"),
        ("big.yaml", b"#" * 100_001, "more than 100,000 bytes"),
        ("latin.yaml", b"title: \xe9", "not UTF-8"),
    ],
)
def test_files_that_are_no_rules(file: str, content: bytes, said: str) -> None:
    (mistake,) = try_rule(file, content).mistakes

    assert said in mistake


def test_a_test_that_fails_makes_a_rule_unusable() -> None:
    tests = [
        {"event": {"type": "api_key.created"}, "alerts": False},
        {"name": "another", "event": {"type": "user.added"}},
        {"event": {"type": "api_key.created", "effective_at": "noon"}},
        {"event": {"type": "api_key.created"}},
    ]

    tried = try_rule("mine.yaml", yaml.safe_dump({**RULE, "tests": tests}).encode())

    assert tried.mistakes == (
        "mine.yaml: tests: test 1: 1 alert instead of 0",
        "mine.yaml: tests: another: 0 alerts instead of 1",
        "mine.yaml: tests: test 3: an event can't be read: no effective_at that is a time",
    )


def test_fields_of_sigma_that_are_for_others_are_left_alone() -> None:
    for_others = {"id": 1, "author": None, "status": "test", "x-team": {"of": "ours"}, "date": "x"}

    assert read_rule("mine", yaml.safe_dump({**RULE, **for_others})).rule.level == Severity.MEDIUM


@pytest.mark.parametrize(
    ("level", "severity"),
    [("informational", "signal"), ("low", "info"), ("medium", "medium"), ("critical", "critical")],
)
def test_levels_of_sigma(level: str, severity: str) -> None:
    assert read_rule("mine", yaml.safe_dump({**RULE, "level": level})).rule.level == severity


# Berlin's clocks went forward on 2026-03-29 and go back on 2026-10-25.
@pytest.mark.parametrize(
    ("time", "is_outside"),
    [
        ("2026-03-27T07:30:00+00:00", False),  # Friday, 8:30 in winter
        ("2026-03-30T06:30:00+00:00", False),  # Monday, 8:30 in summer
        ("2026-03-27T06:30:00+00:00", True),  # Friday, 7:30 in winter
        ("2026-03-30T16:00:00+00:00", True),  # Monday, 18:00 in summer
        ("2026-03-30T15:59:59+00:00", False),
        ("2026-03-28T10:00:00+00:00", True),  # Saturday
    ],
)
def test_business_hours_in_berlin(time: str, is_outside: bool) -> None:
    hours = Hours.model_validate({"outside": "Mon-Fri 08:00-18:00", "timezone": "Europe/Berlin"})

    assert hours.hold(int(datetime.fromisoformat(time).timestamp())) is is_outside


@pytest.mark.parametrize(
    ("spans", "hours"),
    [
        ("Sat, Sun", [*range(5 * 24, 7 * 24)]),
        ("Sunday", [*range(6 * 24, 7 * 24)]),
        ("Fri 22:00-06:00", [4 * 24 + 22, 4 * 24 + 23, *range(5 * 24, 5 * 24 + 6)]),
        ("Sun 23:00-01:00", [0, 6 * 24 + 23]),
        ("Sat-Mon 00:00-01:00", [0, 5 * 24, 6 * 24]),
        (["Mon 08:00-10:00", "Tue 8:00-9:00"], [8, 9, 24 + 8]),
        ("22:00-24:00", [day * 24 + hour for day in range(7) for hour in (22, 23)]),
    ],
    ids=str,
)
def test_spans_of_the_week(spans: Any, hours: list[int]) -> None:
    monday = 1_767_571_200  # 2026-01-05 00:00 UTC
    found = Hours.model_validate({"within": spans})

    assert [each for each in range(7 * 24) if found.hold(monday + each * 3_600)] == hours


def test_the_page_shows_the_example_that_is_tested() -> None:
    example = (EXAMPLES / "keys-outside-hours.yaml").read_text()

    assert example in Path("docs/rules.md").read_text()
