"""Timelines of controls taken down: what fires, and near misses."""

from tests.unit.audit.cases.case import DELETED_LIST, Case, allowlist, organization, rule
from tests.unit.audit.timelines import DAY, Raised, at

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
        [allowlist(0, "203.0.113.0/24", "0.0.0.0/0")],
        [Raised(0, "critical", "D2|user-owner|list_1")],
    ),
    Case(
        "D2",
        "the whole of IPv6 on creation",
        [allowlist(0, "::/0", type_="created")],
        [Raised(0, "critical", "D2|user-owner|list_1")],
    ),
    Case(
        "D2",
        "everything in two halves",
        [allowlist(0, "0.0.0.0/1", "128.0.0.0/1")],
        [Raised(0, "critical", "D2|user-owner|list_1")],
    ),
    Case(
        "D2",
        "all of IPv4 written as IPv6",
        [allowlist(0, "::ffff:0:0/96")],
        [Raised(0, "critical", "D2|user-owner|list_1")],
    ),
    Case(
        "D2",
        "zeros without a width",
        [allowlist(0, "0.0.0.0")],
        [Raised(0, "critical", "D2|user-owner|list_1")],
    ),
    Case(
        "D2",
        "wide",
        [allowlist(0, "64.0.0.0/7")],
        [Raised(0, "high", "D2|user-owner|list_1")],
    ),
    Case(
        "D2",
        "wide IPv6",
        [allowlist(0, "2001::/31")],
        [Raised(0, "high", "D2|user-owner|list_1")],
    ),
    Case(
        "D2",
        "not approved",
        [allowlist(0, "203.0.113.0/25", "198.51.100.0/24")],
        [Raised(0, "high", "D2|user-owner|list_1")],
        {"approved_networks": ["203.0.113.0/24"]},
    ),
    Case(
        "D2",
        "worse within the hour",
        [allowlist(0, "64.0.0.0/7"), allowlist(5, "0.0.0.0/0")],
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
        [Raised(0, "medium", "D3|user-owner|org_1")],
    ),
    *(
        Case("D3", type_, [at(0, type_, {"id": "m"})], [Raised(0, severity, "D3|user-owner|m")])
        for type_, severity in (
            ("tenant.scim.setup.started", "info"),
            ("tenant.scim.directory.created", "high"),
            ("tenant.microsoft_entra_mapping.upserted", "high"),
            ("tenant.microsoft_entra_mapping.deleted", "medium"),
        )
    ),
    Case(
        "D2",
        "as wide as allowed",
        [allowlist(0, "10.0.0.0/8", "2001:db8::/32")],
        [Raised(0, "signal", "D2|user-owner|list_1")],
    ),
    Case(
        "D2",
        "approved",
        [allowlist(0, "203.0.113.7")],
        [Raised(0, "signal", "D2|user-owner|list_1")],
        {"approved_networks": ["203.0.113.0/24"]},
    ),
    Case(
        "D2",
        "not a network",
        [allowlist(0, "everything", "")],
        [Raised(0, "medium", "D2|user-owner|list_1")],
    ),
    *(
        Case(
            "D2",
            f"everything as {text}",
            [allowlist(0, text)],
            [Raised(0, "critical", "D2|user-owner|list_1")],
        )
        for text in (
            "0.0.0.0-255.255.255.255",
            "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "*",
            "Any",
        )
    ),
    Case(
        "D2",
        "activated",
        [at(0, "ip_allowlist.config.activated", {"id": "c", "configs": []})],
        [Raised(0, "signal", "D2|user-owner|c")],
    ),
    *(
        Case(
            "D9",
            type_,
            [at(0, f"tenant.{type_}", {"id": "pol_1"})],
            [Raised(0, severity, "D9|user-owner|pol_1")],
        )
        for type_, severity in (
            ("policy.attached", "signal"),
            ("policy.detached", "high"),
            ("policy.updated", "medium"),
            ("session_revocation.started", "signal"),
        )
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
        [organization(0, api_call_logging="disabled")],
        [Raised(0, "high", "D5|user-owner|org_1")],
    ),
    Case(
        "D5",
        "down a step, then another",
        [
            organization(-9 * DAY, api_call_logging="enabled_for_all_projects"),
            organization(0, api_call_logging="enabled_per_call"),
            organization(2 * DAY, api_call_logging="disabled"),
            organization(3 * DAY, api_call_logging="disabled"),
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
            organization(
                -100,
                api_call_logging="enabled_for_selected_projects",
                api_call_logging_project_ids="proj_a, proj_b",
            ),
            organization(0, api_call_logging_project_ids="proj_b"),
        ],
        [Raised(0, "high", "D5|user-owner|org_1")],
    ),
    Case(
        "D6",
        "threads",
        [organization(0, threads_ui_visibility="ANY_ROLE")],
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
        rule("D8", approvers=["owner@example.com"]),
    ),
    Case(
        "D8",
        "registered by a stranger",
        [at(0, "external_storage.registered", {"id": "es_1", "data": {"geography": "eu"}})],
        [Raised(0, "high", "D8|user-owner|es_1")],
        rule("D8", approvers=["user-builder"]),
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
]

NEAR_MISSES = [
    Case("D1", "switched on", [at(0, "ip_allowlist.config.activated", {"configs": []})], []),
    Case("D2", "deactivated", [at(0, "ip_allowlist.config.deactivated", {"configs": []})], []),
    Case("D3", "a group of the directory", [at(0, "tenant.group.created", {"id": "g"})], []),
    Case("D9", "looked up", [at(0, "tenant.principal_authentication_policy.resolved")], []),
    Case("D4", "looked up", [at(0, "tenant.user.looked_up", {"id": "user-1"})], []),
    Case("D5", "up", [organization(0, api_call_logging="enabled_for_all_projects")], []),
    Case("D5", "set, nothing known before", [organization(0, api_call_logging="x")], []),
    Case(
        "D5",
        "more projects",
        [
            organization(-9, api_call_logging_project_ids="a"),
            organization(0, api_call_logging_project_ids="b,a"),
        ],
        [],
    ),
    Case("D6", "owners only", [organization(0, threads_ui_visibility="OWNERS")], []),
    Case("D7", "on", [at(0, "certificates.activated", {"certificates": [{"id": "c"}]})], []),
    Case(
        "D8",
        "registered by an approver",
        [at(0, "external_key.registered", {"id": "ek_1"})],
        [],
        rule("D8", approvers=["owner@example.com"]),
    ),
]
