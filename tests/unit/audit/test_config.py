"""The YAML that a team edits: what it may hold, and what is said of a mistake."""

import re
from ipaddress import ip_network
from pathlib import Path

import pytest

from local.paths import ROOT
from shared.audit.catalogue import ABOUT
from shared.audit.config import Config, Detections, Misconfigured, read_config
from shared.audit.detections.access import A1
from shared.audit.detections.allowlists import D2
from shared.audit.detections.key_bursts import K3
from shared.audit.rules import Allow

SHIPPED = ROOT / "shared" / "audit" / "detections.yaml"


def test_an_empty_file_is_the_defaults() -> None:
    assert read_config("") == read_config("# nothing\n") == Config()


def test_the_shipped_file_changes_nothing() -> None:
    assert read_config(SHIPPED.read_text()) == Config()


def test_the_examples_in_the_shipped_file_are_valid(tmp_path: Path) -> None:
    examples = re.findall(r"^# ?((?:[a-z_]+|  [A-Z]\d): ?.*)$", SHIPPED.read_text(), re.MULTILINE)

    config = read_config("\n".join(examples))

    assert len(examples) >= 15
    assert config.rule_of(D2).widest_v4 == 16
    assert config.rule_of(K3).within_minutes == 30
    assert config.ocsf


def test_every_detection_can_be_set() -> None:
    assert Detections.model_fields.keys() == ABOUT.keys()


def test_who_sets_one_threshold_keeps_the_others() -> None:
    config = read_config("detections: {K3: {at_least: 9}, A1: {users: 2}}")

    assert (config.rule_of(K3).at_least, config.rule_of(K3).within_minutes) == (9, 60)
    assert (config.rule_of(A1).at_least, config.rule_of(A1).users) == (10, 2)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("detections: {D2: {widest_v5: 3}}", "detections.D2.widest_v5: .*did you mean widest_v6"),
        ("detections: {D22: {}}", "detections.D22: there is no such setting; did you mean D2"),
        ("zzz: 1", "zzz: there is no such setting; there are: approved_domains"),
        ("approved_domain: [a]", "did you mean approved_domains"),
        ("detections: {D2: {widest_v4: 90}}", "D2.widest_v4: .*less than or equal to 32"),
        ("detections: {K3: {at_least: 0}}", "K3.at_least: .*greater than or equal to 1"),
        ("detections: {K3: {at_least: 500}}", "K3.at_least: .*less than or equal to 10"),
        ("detections: {D1: {severity: loud}}", "D1.severity: .*critical"),
        ("detections: {D1: {allow: {networks: [300.1.1.1]}}}", "networks.0: '300.1.1.1'"),
        ("detections: {D1: {allow: {hours: [noon]}}}", "hours.0: write hours of the day"),
        ("detections: {D1: {allow: {nets: []}}}", "D1.allow.nets: .*networks"),
        ("detections: {D1: 5}", "detections.D1: "),
        ("detections: [D1]", "detections: "),
        ("- a list", "the file: "),
        ("a: [", "not YAML"),
        ("detections: " + "[" * 70 + "]" * 70, "nested too deeply"),
        ("detections: " + "[" * 5_000, "nested too deeply"),
        ("approved_networks: [10.0.0.0/8, x]", "approved_networks.1: 'x'"),
        ("detections: {A5: {vpn_asns: 9009}}", "vpn_asns are lists"),
        ("{trusted_asns: 9009, detections: {A5: {vpn_asns: [1]}}}", "vpn_asns are lists"),
        ("a.b.c: 1", "there is no such setting"),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, told: str) -> None:
    with pytest.raises(Misconfigured, match=told):
        read_config(text)


def test_all_mistakes_are_named_at_once() -> None:
    with pytest.raises(Misconfigured) as error:
        read_config("notify_from: loud\ndetections: {D1: {enabled: maybe}, D99: {}}")

    assert len(str(error.value).splitlines()) == 3


@pytest.mark.parametrize(
    ("hours", "hour", "within"),
    [
        ("8-18", 8, True),
        ("8-18", 18, False),
        ("22-6", 23, True),
        ("22-6", 5, True),
        ("22-6", 6, False),
    ],
)
def test_hours_may_pass_midnight(hours: str, hour: int, within: bool) -> None:
    assert Allow(hours=(hours,)).at_hour(hour) is within


def test_networks_may_be_given_as_networks() -> None:
    network = ip_network("10.0.0.0/8")

    assert Config(approved_networks=(network,)).approved_networks == (network,)


def test_an_allow_list_without_entries_is_empty() -> None:
    assert Allow().empty
    assert not Allow(keys=frozenset({"k"})).empty
