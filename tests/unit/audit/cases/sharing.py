"""Timelines of functions opened, limits raised, things destroyed: what fires, and near misses."""

from tests.unit.audit.cases.case import A_KEY, UNRESTRICTED, Case, limit, rule, things
from tests.unit.audit.timelines import DAY, Raised, at

FIRES = [
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
        [limit(-20 * DAY, 500), limit(0, 1_000)],
        [Raised(0, "medium", "S2|user-owner|rl_1")],
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
        [Raised(-5, "medium", "S2|user-owner|ul_1")],
    ),
    Case(
        "S2",
        "removed",
        [at(0, "rate_limit.deleted", {"id": "rl_1"})],
        [Raised(0, "medium", "S2|user-owner|rl_1")],
    ),
    *(
        Case(
            "S2",
            f"switched off at the limit that is known: {off}",
            [
                at(-5, "rate_limit.updated", {"id": "b", "max": 5}),
                at(0, "rate_limit.updated", {"id": "b", "max": 5, "enabled": off}),
            ],
            [Raised(0, "medium", "S2|user-owner|b")],
        )
        for off in (False, "false", "Disabled", "OFF")
    ),
    *(
        Case(
            "S2",
            f"{type_} without a known before",
            [at(0, type_, {"id": "x", **payload})],
            [Raised(0, "medium", "S2|user-owner|x")],
        )
        for type_, payload in (
            ("tenant.billing.alerts.updated", {"enabled": False}),
            ("tenant.billing.overage_limit.updated", {"changes_requested": {"limit": 1_000_000}}),
            ("tenant.usage_limit.workspace.updated", {"changes_requested": {"limit": None}}),
            ("rate_limit.updated", {"changes_requested": {"max_requests_per_1_minute": None}}),
        )
    ),
    Case(
        "S2",
        "removed, then a plain key",
        [at(0, "rate_limit.deleted", {"id": "rl_1"}), at(60, "api_key.created", A_KEY)],
        [Raised(0, "high", "S2|user-owner|rl_1")],
    ),
    Case(
        "D9",
        "a policy changed, then a path out",
        [at(0, "tenant.policy.updated", {"id": "pol_1"}), at(60, "tunnel.created", {"id": "t"})],
        [Raised(0, "high", "D9|user-owner|pol_1")],
    ),
    Case(
        "S2",
        "doubled beside an over-scoped key",
        [limit(-90, 500), limit(0, 1_000), at(DAY, "api_key.created", UNRESTRICTED)],
        [Raised(0, "high", "S2|user-owner|rl_1")],
    ),
    Case(
        "S2",
        "removed after many keys",
        [
            *things(5, "tenant.project_api_key.created", 1),
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
]

NEAR_MISSES = [
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
    Case("S2", "not quite doubled", [limit(-5, 500), limit(0, 999)], []),
    Case("S2", "another limit", [limit(-5, 500, "rl_2"), limit(0, 1_000)], []),
    Case("S2", "halved", [limit(-5, 500), limit(0, 250)], []),
    Case("S2", "a rate set, nothing known before", [limit(0, 1_000)], []),
    Case("S3", "too slow", things(3, "project.archived", 15.5), []),
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
        rule("S4", approvers=["user-owner"]),
    ),
]
