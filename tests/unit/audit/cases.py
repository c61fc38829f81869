"""For every detection: timelines that make it fire, with the exact alerts, and near misses."""

from typing import Any, NamedTuple

from tests.unit.audit.timelines import (
    BERLIN,
    DAY,
    LAGOS,
    LAPTOP,
    POTSDAM,
    SCRIPT,
    Event,
    Raised,
    at,
    key,
    quiet_life,
    session,
)


class Case(NamedTuple):
    """`settings` are the YAML's; `alerts` are all that the detection makes of the events."""

    detection: str
    name: str
    events: list[Event]
    alerts: list[Raised]
    settings: dict[str, Any] = {}

    @property
    def id(self) -> str:
        return f"{self.detection} {self.name}"


def _rule(detection: str, **settings: Any) -> dict[str, Any]:
    return {"detections": {detection: settings}}


def _people(count: int, type_: str, minutes: float, **payload: Any) -> list[Event]:
    return [at(n * minutes, type_, {"id": f"user-{n}", **payload}) for n in range(count)]


def _things(count: int, type_: str, minutes: float, by: Event | None = None) -> list[Event]:
    return [at(n * minutes, type_, {"id": f"{type_[:3]}_{n}"}, by) for n in range(count)]


def _failures(count: int, minutes: float, start: float = 0, **by: Any) -> list[Event]:
    return [at(start + n * minutes, "login.failed", by=session(**by)) for n in range(count)]


def _spray(count: int, users: int, minutes: float) -> list[Event]:
    people = (session(f"user{n % users}", ip="198.51.100.9") for n in range(count))
    return [at(n * minutes, "login.failed", by=by) for n, by in enumerate(people)]


def _allowlist(minutes: float, *networks: str, type_: str = "updated") -> Event:
    return at(minutes, f"ip_allowlist.{type_}", {"id": "list_1", "allowed_ips": list(networks)})


def _organization(minutes: float, **asked: Any) -> Event:
    return at(minutes, "organization.updated", {"id": "org_1", "changes_requested": asked})


def _assigned(role: str, where: str, to: str, minutes: float = 0) -> Event:
    payload = {
        "id": f"role_assignment_role-api-{where}-{role}__api-{where}__x_{to}",
        "principal_id": to,
        "principal_type": "user",
        "resource_id": "x",
        "resource_type": f"api.{where}",
    }
    return at(minutes, "role.assignment.created", payload)


def _limit(minutes: float, most: int, id_: str = "rl_1") -> Event:
    asked = {"max_requests_per_1_minute": most}
    return at(minutes, "rate_limit.updated", {"id": id_, "changes_requested": asked})


DELETED_LIST = at(0, "ip_allowlist.deleted", {"id": "list_1", "name": "VPN"})
IN_LAGOS = session(place=LAGOS, ja4=SCRIPT, ip="192.0.2.66")
IN_BERLIN = session(place=BERLIN, ja4=LAPTOP)
UNRESTRICTED = {"id": "key_1", "data": {"scopes": ["all"]}}
A_KEY = {"id": "key_1", "data": {"scopes": ["api.model.read"]}}

FIRES = [
    Case("D1", "deleted", [DELETED_LIST], [Raised(0, "critical", "D1|user-owner|list_1")]),
    Case(
        "D1",
        "switched off",
        [at(3, "ip_allowlist.config.deactivated", {"configs": [{"id": "b"}, {"id": "a"}]})],
        [Raised(3, "critical", "D1|user-owner|a+b")],
    ),
    Case(
        "D2",
        "the whole internet",
        [_allowlist(0, "203.0.113.0/24", "0.0.0.0/0")],
        [Raised(0, "critical", "D2|user-owner|list_1")],
    ),
    Case(
        "D2",
        "the whole of IPv6 on creation",
        [_allowlist(0, "::/0", type_="created")],
        [Raised(0, "critical", "D2|user-owner|list_1")],
    ),
    Case(
        "D2",
        "everything in two halves",
        [_allowlist(0, "0.0.0.0/1", "128.0.0.0/1")],
        [Raised(0, "critical", "D2|user-owner|list_1")],
    ),
    Case(
        "D2",
        "all of IPv4 written as IPv6",
        [_allowlist(0, "::ffff:0:0/96")],
        [Raised(0, "critical", "D2|user-owner|list_1")],
    ),
    Case(
        "D2",
        "zeros without a width",
        [_allowlist(0, "0.0.0.0")],
        [Raised(0, "critical", "D2|user-owner|list_1")],
    ),
    Case(
        "D2",
        "wide",
        [_allowlist(0, "64.0.0.0/7")],
        [Raised(0, "high", "D2|user-owner|list_1")],
    ),
    Case(
        "D2",
        "wide IPv6",
        [_allowlist(0, "2001::/31")],
        [Raised(0, "high", "D2|user-owner|list_1")],
    ),
    Case(
        "D2",
        "not approved",
        [_allowlist(0, "203.0.113.0/25", "198.51.100.0/24")],
        [Raised(0, "high", "D2|user-owner|list_1")],
        {"approved_networks": ["203.0.113.0/24"]},
    ),
    Case(
        "D2",
        "worse within the hour",
        [_allowlist(0, "64.0.0.0/7"), _allowlist(5, "0.0.0.0/0")],
        [
            Raised(0, "high", "D2|user-owner|list_1"),
            Raised(5, "critical", "D2|user-owner|list_1"),
        ],
    ),
    Case(
        "D3",
        "off",
        [at(0, "scim.disabled", {"id": "org_1"})],
        [Raised(0, "high", "D3|user-owner|org_1")],
    ),
    Case(
        "D3",
        "to be deleted",
        [at(0, "tenant.scim.deletion.requested", {"id": "dir_1"})],
        [Raised(0, "high", "D3|user-owner|dir_1")],
    ),
    Case(
        "D3",
        "on",
        [at(0, "scim.enabled", {"id": "org_1"})],
        [Raised(0, "info", "D3|user-owner|org_1")],
    ),
    Case(
        "D4",
        "deleted",
        [at(0, "tenant.sso_connection.deleted", {"id": "conn_1"})],
        [Raised(0, "critical", "D4|user-owner|conn_1")],
    ),
    Case(
        "D4",
        "migrated, no payload",
        [at(0, "tenant.domains.migrated")],
        [Raised(0, "critical", "D4|user-owner|tenant.domains")],
    ),
    Case(
        "D4",
        "updated",
        [at(0, "tenant.sso_connection.updated", {"id": "conn_1"})],
        [Raised(0, "high", "D4|user-owner|conn_1")],
    ),
    Case(
        "D5",
        "disabled, nothing known before",
        [_organization(0, api_call_logging="disabled")],
        [Raised(0, "high", "D5|user-owner|org_1")],
    ),
    Case(
        "D5",
        "down a step, then another",
        [
            _organization(-9 * DAY, api_call_logging="enabled_for_all_projects"),
            _organization(0, api_call_logging="enabled_per_call"),
            _organization(2 * DAY, api_call_logging="disabled"),
            _organization(3 * DAY, api_call_logging="disabled"),
        ],
        [
            Raised(0, "high", "D5|user-owner|org_1"),
            Raised(2 * DAY, "high", "D5|user-owner|org_1"),
        ],
    ),
    Case(
        "D5",
        "fewer projects",
        [
            _organization(
                -100,
                api_call_logging="enabled_for_selected_projects",
                api_call_logging_project_ids="proj_a, proj_b",
            ),
            _organization(0, api_call_logging_project_ids="proj_b"),
        ],
        [Raised(0, "high", "D5|user-owner|org_1")],
    ),
    Case(
        "D6",
        "threads",
        [_organization(0, threads_ui_visibility="ANY_ROLE")],
        [Raised(0, "signal", "D6|user-owner|org_1/threads")],
    ),
    Case(
        "D7",
        "one",
        [at(0, "certificates.deactivated", {"certificates": [{"id": "cert_1", "name": "old"}]})],
        [Raised(0, "medium", "D7|user-owner|cert_1")],
    ),
    Case(
        "D7",
        "two",
        [at(0, "certificates.deactivated", {"certificates": [{"id": "c2"}, {"id": "c1"}]})],
        [Raised(0, "high", "D7|user-owner|c1+c2")],
    ),
    Case(
        "D7",
        "deleted",
        [at(0, "certificate.deleted", {"id": "cert_1", "name": "old"})],
        [Raised(0, "medium", "D7|user-owner|cert_1")],
    ),
    Case(
        "D8",
        "removed, even by an approver",
        [at(0, "external_key.removed", {"id": "ek_1"})],
        [Raised(0, "high", "D8|user-owner|ek_1")],
        _rule("D8", approvers=["owner@example.com"]),
    ),
    Case(
        "D8",
        "registered by a stranger",
        [at(0, "external_storage.registered", {"id": "es_1", "data": {"geography": "eu"}})],
        [Raised(0, "high", "D8|user-owner|es_1")],
        _rule("D8", approvers=["user-builder"]),
    ),
    Case(
        "D9",
        "deleted",
        [at(0, "tenant.policy.deleted", {"id": "pol_1"})],
        [Raised(0, "high", "D9|user-owner|pol_1")],
    ),
    Case(
        "D9",
        "updated",
        [at(0, "tenant.session_policy.updated", {"id": "pol_1"})],
        [Raised(0, "medium", "D9|user-owner|pol_1")],
    ),
    Case(
        "P1",
        "owner by assignment",
        [_assigned("owner", "organization", "user-builder")],
        [Raised(0, "critical", "P1|user-owner|user-builder")],
    ),
    Case(
        "P1",
        "admin of a project by assignment",
        [_assigned("admin", "project", "user-builder")],
        [Raised(0, "high", "P1|user-owner|user-builder")],
    ),
    Case(
        "P1",
        "invited as owner",
        [
            at(
                0,
                "invite.sent",
                {"id": "inv_1", "data": {"email": "e@example.com", "role": "owner"}},
            )
        ],
        [Raised(0, "critical", "P1|user-owner|inv_1")],
    ),
    Case(
        "P1",
        "user updated, asked for",
        [at(0, "user.updated", {"id": "user-builder", "changes_requested": {"role": "owner"}})],
        [Raised(0, "critical", "P1|user-owner|user-builder")],
    ),
    Case(
        "P1",
        "user updated, done",
        [at(0, "user.updated", {"id": "user-builder", "data": {"role": "owner"}})],
        [Raised(0, "critical", "P1|user-owner|user-builder")],
    ),
    Case(
        "P1",
        "in a project",
        [
            at(
                0,
                "user.added",
                {"id": "user-builder", "data": {"role": "owner"}},
                project={"id": "proj_1", "name": "Search"},
            )
        ],
        [Raised(0, "high", "P1|user-owner|user-builder")],
    ),
    Case(
        "P1",
        "in a project, which the id alone tells",
        [at(0, "user.updated", {"id": "proj_1", "changes_requested": {"role": "owner"}})],
        [Raised(0, "high", "P1|user-owner|proj_1")],
    ),
    Case(
        "P1",
        "by admin key, which carries the default project",
        [
            at(
                0,
                "user.added",
                {"id": "user-builder", "data": {"role": "owner"}},
                key(),
                project={"id": "proj_0", "name": "Default project"},
            )
        ],
        [Raised(0, "critical", "P1|sa_ci/key_ci|user-builder")],
    ),
    Case(
        "P1",
        "a role that the team calls privileged",
        [at(0, "tenant.role_assignment.created", {"principal_id": "user-e", "role_id": "role_7"})],
        [Raised(0, "critical", "P1|user-owner|user-e")],
        {"privileged_roles": ["role_7"]},
    ),
    Case(
        "P2",
        "by assignment",
        [_assigned("viewer", "project", "user-owner")],
        [Raised(0, "critical", "P2|user-owner|user-owner")],
    ),
    Case(
        "P2",
        "by one's own key",
        [
            at(
                0,
                "user.updated",
                {"id": "user-owner", "changes_requested": {"role": "owner"}},
                key("key_d", user="owner"),
            )
        ],
        [Raised(0, "critical", "P2|user-owner/key_d|user-owner")],
    ),
    Case(
        "P2",
        "by inviting oneself",
        [at(0, "invite.sent", {"data": {"email": "Owner@Example.com", "role": "owner"}})],
        [Raised(0, "critical", "P2|user-owner|user-owner")],
    ),
    Case(
        "P3",
        "made",
        [at(0, "role.created", {"id": "role_1", "permissions": ["api.files.write", "x.read"]})],
        [Raised(0, "high", "P3|user-owner|role_1")],
    ),
    Case(
        "P3",
        "grown",
        [
            at(
                0,
                "role.updated",
                {"id": "role_1", "changes_requested": {"permissions_added": ["org.manage"]}},
            )
        ],
        [Raised(0, "high", "P3|user-owner|role_1")],
    ),
    Case(
        "P4",
        "owner",
        [at(0, "service_account.created", {"id": "sa_1", "data": {"role": "owner"}}, key())],
        [Raised(0, "high", "P4|sa_ci/key_ci|sa_1")],
    ),
    Case(
        "P4",
        "by hand",
        [at(0, "service_account.created", {"id": "sa_1", "data": {"role": "member"}})],
        [Raised(0, "medium", "P4|user-owner|sa_1")],
    ),
    Case(
        "P5",
        "three removed",
        _people(3, "user.deleted", 30),
        [Raised(60, "high", "P5|user-owner|people")],
    ),
    Case(
        "P5",
        "demoted, removed, role taken",
        [
            at(0, "user.updated", {"id": "user-1", "changes_requested": {"role": "reader"}}),
            at(1, "user.deleted", {"id": "user-2"}),
            at(2, "role.assignment.deleted", {"id": "x", "principal_id": "user-3"}),
        ],
        [Raised(2, "high", "P5|user-owner|people")],
    ),
    Case(
        "K1",
        "everything",
        [at(0, "api_key.created", UNRESTRICTED)],
        [Raised(0, "high", "K1|user-owner|key_1")],
    ),
    Case(
        "K1",
        "no scopes told",
        [at(0, "api_key.created", {"id": "key_1"})],
        [Raised(0, "high", "K1|user-owner|key_1")],
    ),
    Case(
        "K1",
        "updated, scopes done",
        [at(0, "api_key.updated", {"id": "key_1", "data": {"scopes": ["api.files.write"]}})],
        [Raised(0, "medium", "K1|user-owner|key_1")],
    ),
    Case(
        "K1",
        "updated, scopes asked for",
        [
            at(
                0,
                "api_key.updated",
                {"id": "key_1", "changes_requested": {"scopes": ["api.management.read"]}},
            )
        ],
        [Raised(0, "medium", "K1|user-owner|key_1")],
    ),
    Case(
        "K2",
        "created",
        [at(0, "tenant.admin_api_key.created", {"id": "ak_1"})],
        [Raised(0, "high", "K2|user-owner|ak_1")],
    ),
    Case(
        "K2",
        "deleted",
        [at(0, "tenant.admin_api_key.deleted", {"id": "ak_1"})],
        [Raised(0, "medium", "K2|user-owner|ak_1")],
    ),
    Case(
        "K3",
        "five in an hour",
        _things(5, "api_key.created", 15),
        [Raised(60, "high", "K3|user-owner|api_keys")],
    ),
    Case(
        "K4",
        "deleted by another",
        [
            at(0, "api_key.created", A_KEY),
            at(60, "api_key.deleted", {"id": "key_1"}, session("builder")),
        ],
        [Raised(60, "signal", "K4|user-builder|key_1")],
    ),
    Case(
        "K4",
        "in the same second",
        [at(0, "api_key.created", A_KEY), at(0, "api_key.deleted", {"id": "key_1"})],
        [Raised(0, "signal", "K4|user-owner|key_1")],
    ),
    Case(
        "K5",
        "five in a quarter",
        _things(5, "api_key.deleted", 3.75),
        [Raised(15, "high", "K5|user-owner|api_keys")],
    ),
    Case(
        "K6",
        "trust added",
        [at(0, "workload_identity_provider.created", {"id": "wip_1", "data": {"issuer": "x"}})],
        [Raised(0, "high", "K6|user-owner|wip_1")],
    ),
    Case(
        "K6",
        "unknown issuer",
        [
            at(
                0,
                "workload_identity_provider.updated",
                {"id": "wip_1", "changes_requested": {"issuer": "https://evil.test"}},
            )
        ],
        [Raised(0, "critical", "K6|user-owner|wip_1")],
        {"approved_issuers": ["https://token.example.com"]},
    ),
    Case(
        "A1",
        "ten failures on five users",
        _spray(10, 5, 3),
        [Raised(27, "high", "A1|198.51.100.9|logins")],
    ),
    Case(
        "A1",
        "the fifth user comes late",
        [*_spray(12, 4, 1), *_failures(1, 0, 14, name="builder", ip="198.51.100.9")],
        [Raised(14, "high", "A1|198.51.100.9|logins")],
    ),
    Case(
        "A2",
        "five addresses",
        [e for n in range(5) for e in _failures(1, 0, n * 7, ip=f"198.51.100.{n}")],
        [Raised(28, "medium", "A2|user-owner|user-owner")],
    ),
    Case(
        "A3",
        "five failures and in",
        [*_failures(5, 5), at(30, "login.succeeded")],
        [Raised(30, "high", "A3|user-owner|user-owner")],
    ),
    Case(
        "A3",
        "failures that know the address alone",
        [
            *(
                at(
                    n,
                    "login.failed",
                    by={"type": "session", "session": {"user": {"email": "owner@example.com"}}},
                )
                for n in range(5)
            ),
            at(5, "login.succeeded"),
        ],
        [Raised(5, "high", "A3|user-owner|user-owner")],
    ),
    Case(
        "A3",
        "all within one second",
        [*_failures(5, 0.2), at(0.8, "login.succeeded")],
        [Raised(0.8, "high", "A3|user-owner|user-owner")],
    ),
    Case(
        "A4",
        "new country",
        [*quiet_life(), at(0, "login.succeeded", by=IN_LAGOS), at(90, "user.deleted", by=IN_LAGOS)],
        [Raised(0, "medium", "A4|user-owner|country NG")],
    ),
    Case(
        "A4",
        "new country, then power used",
        [
            *quiet_life(),
            at(0, "login.succeeded", by=IN_LAGOS),
            at(60, "api_key.created", A_KEY, by=IN_LAGOS),
        ],
        [Raised(0, "high", "A4|user-owner|country NG")],
    ),
    Case(
        "A4",
        "new device",
        [*quiet_life(), at(0, "login.succeeded", by=session(place=BERLIN, ja4=SCRIPT))],
        [Raised(0, "medium", f"A4|user-owner|JA4 {SCRIPT}")],
    ),
    Case(
        "A5",
        "Berlin to Lagos in an hour",
        [at(0, "login.succeeded", by=IN_BERLIN), at(60, "project.created", {}, IN_LAGOS)],
        [Raised(60, "high", "A5|user-owner|travel")],
    ),
    Case(
        "A6",
        "two fingerprints, power used by one",
        [at(0, "logout.succeeded", by=IN_BERLIN), at(15, "api_key.created", A_KEY, IN_LAGOS)],
        [Raised(15, "high", "A6|user-owner|session")],
    ),
    Case(
        "S1",
        "outside of the inviter's domain",
        [at(0, "invite.sent", {"id": "i", "data": {"email": "m@evil.test", "role": "member"}})],
        [Raised(0, "medium", "S1|user-owner|m@evil.test")],
    ),
    Case(
        "S1",
        "outside of ours, as owner",
        [at(0, "invite.sent", {"id": "i", "data": {"email": "m@example.org", "role": "owner"}})],
        [Raised(0, "high", "S1|user-owner|m@example.org")],
        {"approved_domains": ["example.com"]},
    ),
    Case(
        "S2",
        "doubled",
        [_limit(-20 * DAY, 500), _limit(0, 1_000)],
        [Raised(0, "signal", "S2|user-owner|rl_1")],
    ),
    Case(
        "S2",
        "a tenant's limit, told in a shape that nobody documented",
        [
            at(
                -5,
                "tenant.usage_limit.user.updated",
                {"id": "ul_1", "limit": {"usd": 10, "on": True}},
            ),
            at(
                0,
                "tenant.usage_limit.user.updated",
                {"id": "ul_1", "limit": {"usd": 20, "on": True}},
            ),
        ],
        [Raised(0, "signal", "S2|user-owner|ul_1")],
    ),
    Case(
        "S2",
        "removed",
        [at(0, "rate_limit.deleted", {"id": "rl_1"})],
        [Raised(0, "signal", "S2|user-owner|rl_1")],
    ),
    Case(
        "S2",
        "doubled beside an over-scoped key",
        [_limit(-90, 500), _limit(0, 1_000), at(DAY, "api_key.created", UNRESTRICTED)],
        [Raised(0, "high", "S2|user-owner|rl_1")],
    ),
    Case(
        "S2",
        "removed after many keys",
        [
            *_things(5, "tenant.project_api_key.created", 1),
            at(100, "rate_limit.deleted", {"id": "rl_1"}),
        ],
        [Raised(100, "high", "S2|user-owner|rl_1")],
    ),
    Case(
        "S3",
        "three of different kinds",
        [
            at(0, "project.archived", {"id": "proj_1"}),
            at(15, "service_account.deleted", {"id": "sa_1"}),
            at(30, "group.deleted", {"id": "grp_1"}),
        ],
        [Raised(30, "high", "S3|user-owner|things")],
    ),
    Case(
        "S4",
        "tunnel",
        [at(0, "tunnel.created", {"id": "tun_1"})],
        [Raised(0, "high", "S4|user-owner|tun_1")],
    ),
    Case(
        "S4",
        "connector",
        [at(0, "role.bound_to_resource", {"id": "b_1", "enabled": True, "connector_name": "Box"})],
        [Raised(0, "medium", "S4|user-owner|b_1")],
    ),
    Case(
        "O2",
        "unknown type",
        [at(0, "tenant.teleporter.installed", {"id": "tp_1"})],
        [Raised(0, "signal", "O2|user-owner|tenant.teleporter.installed")],
    ),
    Case(
        "O2",
        "the poller's key at work",
        [at(0, "project.created", {"id": "proj_1"}, key("key_poller"))],
        [Raised(0, "critical", "O2|sa_ci/key_poller|proj_1")],
        {"poller_key": "key_poller"},
    ),
]

NEAR_MISSES = [
    Case("D1", "switched on", [at(0, "ip_allowlist.config.activated", {"configs": []})], []),
    Case("D2", "as wide as allowed", [_allowlist(0, "10.0.0.0/8", "2001:db8::/32")], []),
    Case(
        "D2",
        "approved",
        [_allowlist(0, "203.0.113.7")],
        [],
        {"approved_networks": ["203.0.113.0/24"]},
    ),
    Case("D2", "not a network", [_allowlist(0, "everything", "")], []),
    Case("D3", "set up", [at(0, "tenant.scim.setup.started")], []),
    Case("D4", "looked up", [at(0, "tenant.user.looked_up", {"id": "user-1"})], []),
    Case("D5", "up", [_organization(0, api_call_logging="enabled_for_all_projects")], []),
    Case("D5", "set, nothing known before", [_organization(0, api_call_logging="x")], []),
    Case(
        "D5",
        "more projects",
        [
            _organization(-9, api_call_logging_project_ids="a"),
            _organization(0, api_call_logging_project_ids="b,a"),
        ],
        [],
    ),
    Case("D6", "owners only", [_organization(0, threads_ui_visibility="OWNERS")], []),
    Case("D7", "on", [at(0, "certificates.activated", {"certificates": [{"id": "c"}]})], []),
    Case(
        "D8",
        "registered by an approver",
        [at(0, "external_key.registered", {"id": "ek_1"})],
        [],
        _rule("D8", approvers=["owner@example.com"]),
    ),
    Case("D9", "attached", [at(0, "tenant.policy.attached", {"id": "pol_1"})], []),
    Case("P1", "reader to somebody called admin", [_assigned("reader", "x", "user-admin")], []),
    Case("P1", "member", [at(0, "user.added", {"id": "u", "data": {"role": "member"}})], []),
    Case("P2", "to somebody else", [_assigned("owner", "organization", "user-builder")], []),
    Case("P2", "nothing granted", [at(0, "user.updated", {"id": "user-owner"})], []),
    Case(
        "P3",
        "only taken away",
        [
            at(
                0,
                "role.updated",
                {"id": "r", "changes_requested": {"permissions_removed": ["api.files.write"]}},
            )
        ],
        [],
    ),
    Case(
        "P4",
        "by the platform",
        [at(0, "service_account.created", {"id": "sa_1", "data": {"role": "member"}})],
        [],
        {"platform_actors": ["user-owner"]},
    ),
    Case(
        "P4", "by key", [at(0, "service_account.created", {"data": {"role": "member"}}, key())], []
    ),
    Case("P5", "a minute too long", _people(3, "user.deleted", 30.5), []),
    Case("P5", "one person thrice", [at(n, "user.deleted", {"id": "u"}) for n in range(3)], []),
    Case(
        "P5",
        "promoted",
        _people(3, "user.updated", 1, changes_requested={"role": "owner"}),
        [],
    ),
    Case("K1", "read only", [at(0, "api_key.created", A_KEY)], []),
    Case(
        "K1",
        "updated without scopes",
        [at(0, "api_key.updated", {"id": "k", "changes_requested": {"expires_in_seconds": 9}})],
        [],
    ),
    Case(
        "K2",
        "by the people on duty",
        [at(0, "tenant.admin_api_key.created", {"id": "ak_1"})],
        [],
        _rule("K2", allow={"actors": ["owner@example.com"]}),
    ),
    Case("K3", "a minute too long", _things(5, "api_key.created", 15.25), []),
    Case(
        "K3",
        "by an actor that may",
        _things(5, "api_key.created", 1),
        [],
        _rule("K3", allow={"actors": ["user-owner"]}),
    ),
    Case(
        "K3",
        "by two actors",
        [
            *_things(4, "api_key.created", 1),
            at(5, "api_key.created", {"id": "key_9"}, session("builder")),
        ],
        [],
    ),
    Case(
        "K3",
        "one key in both streams",
        [
            at(n, type_, {"id": f"key_{n}"})
            for n in range(4)
            for type_ in ("api_key.created", "tenant.project_api_key.created")
        ],
        [],
    ),
    Case(
        "K4",
        "a minute too long",
        [at(0, "api_key.created", A_KEY), at(61, "api_key.deleted", {"id": "key_1"})],
        [],
    ),
    Case(
        "K4",
        "another key",
        [at(0, "api_key.created", A_KEY), at(5, "api_key.deleted", {"id": "key_2"})],
        [],
    ),
    Case(
        "K4",
        "deleted before it was made",
        [at(5, "api_key.created", A_KEY), at(0, "api_key.deleted", {"id": "key_1"})],
        [],
    ),
    Case("K5", "a minute too long", _things(5, "api_key.deleted", 4), []),
    Case("K6", "removed", [at(0, "workload_identity_provider.deleted", {"id": "w"})], []),
    Case("A1", "nine failures", _spray(9, 5, 1), []),
    Case("A1", "four users", _spray(20, 4, 1), []),
    Case("A1", "too slow", _spray(10, 5, 3.4), []),
    Case(
        "A2",
        "too slow",
        [e for n in range(5) for e in _failures(1, 0, n * 7.6, ip=f"198.51.100.{n}")],
        [],
    ),
    Case("A3", "four failures", [*_failures(4, 1), at(5, "login.succeeded")], []),
    Case("A3", "success first", [at(0, "login.succeeded"), *_failures(5, 1, 1)], []),
    Case("A3", "too late", [*_failures(5, 0.5), at(31, "login.succeeded")], []),
    Case(
        "A3",
        "another user",
        [*_failures(5, 1), at(6, "login.succeeded", by=session("builder"))],
        [],
    ),
    Case("A4", "four logins", [*quiet_life(20)[:4], at(0, "login.succeeded", by=IN_LAGOS)], []),
    Case("A4", "thirteen days", [*quiet_life(13), at(0, "login.succeeded", by=IN_LAGOS)], []),
    Case(
        "A4",
        "was there before",
        [
            *quiet_life(40),
            at(-50 * DAY, "login.succeeded", by=IN_LAGOS),
            at(0, "login.succeeded", by=IN_LAGOS),
        ],
        [],
    ),
    Case(
        "A4",
        "fingerprints were not told before",
        [*quiet_life(ja4=None), at(0, "login.succeeded", by=IN_BERLIN)],
        [],
    ),
    Case(
        "A5",
        "Berlin to Potsdam at once",
        [
            at(0, "login.succeeded", by=IN_BERLIN),
            at(0, "project.created", {}, session(place=POTSDAM)),
        ],
        [],
    ),
    Case(
        "A5",
        "by plane",
        [at(0, "login.succeeded", by=IN_BERLIN), at(400, "project.created", {}, IN_LAGOS)],
        [],
    ),
    Case(
        "A5",
        "a place that is not known",
        [
            at(0, "login.succeeded", by=IN_BERLIN),
            at(1, "project.created", {}, session(place={"latitude": 0, "longitude": "0"})),
        ],
        [],
    ),
    Case(
        "A5",
        "over a VPN",
        [at(0, "login.succeeded", by=IN_BERLIN), at(60, "project.created", {}, IN_LAGOS)],
        [],
        _rule("A5", vpn_asns=["AS37282"]),
    ),
    Case(
        "A5",
        "two people",
        [
            at(0, "login.succeeded", by=IN_BERLIN),
            at(1, "project.created", {}, session("builder", place=LAGOS)),
        ],
        [],
    ),
    Case(
        "A6",
        "a quarter of an hour and more",
        [at(0, "logout.succeeded", by=IN_BERLIN), at(16, "api_key.created", A_KEY, IN_LAGOS)],
        [],
    ),
    Case(
        "A6",
        "no power used",
        [at(0, "logout.succeeded", by=IN_BERLIN), at(1, "login.succeeded", by=IN_LAGOS)],
        [],
    ),
    Case(
        "A6",
        "one is not told",
        [at(0, "user.deleted", {"id": "u"}), at(1, "api_key.created", A_KEY, IN_LAGOS)],
        [],
    ),
    Case(
        "S1",
        "a part of our domain",
        [at(0, "invite.sent", {"data": {"email": "m@eu.example.com", "role": "owner"}})],
        [],
    ),
    Case(
        "S1",
        "approved",
        [at(0, "invite.sent", {"data": {"email": "m@example.org", "role": "member"}})],
        [],
        {"approved_domains": ["@Example.org"]},
    ),
    Case("S2", "not quite doubled", [_limit(-5, 500), _limit(0, 999)], []),
    Case("S2", "another limit", [_limit(-5, 500, "rl_2"), _limit(0, 1_000)], []),
    Case("S2", "halved", [_limit(-5, 500), _limit(0, 250)], []),
    Case("S3", "too slow", _things(3, "project.archived", 15.5), []),
    Case(
        "S3",
        "one thing thrice",
        [at(n, "project.archived", {"id": "proj_1"}) for n in range(3)],
        [],
    ),
    Case(
        "S4", "switched off", [at(0, "role.bound_to_resource", {"id": "b", "enabled": False})], []
    ),
    Case(
        "S4",
        "by an approver",
        [at(0, "tunnel.created", {"id": "t"})],
        [],
        _rule("S4", approvers=["user-owner"]),
    ),
    Case("O2", "known", [at(0, "tenant.user.looked_up", {"id": "u"})], []),
    Case("O2", "another key", [at(0, "project.created", {}, key())], [], {"poller_key": "key_p"}),
]
