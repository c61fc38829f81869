"""Timelines of credentials of machines: what fires, and near misses."""

from tests.unit.audit.cases.case import A_KEY, UNRESTRICTED, Case, rule, things
from tests.unit.audit.timelines import Raised, at, session

FIRES = [
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
        things(5, "api_key.created", 15),
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
        things(5, "api_key.deleted", 3.75),
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
]

NEAR_MISSES = [
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
        rule("K2", allow={"actors": ["owner@example.com"]}),
    ),
    Case("K3", "a minute too long", things(5, "api_key.created", 15.25), []),
    Case(
        "K3",
        "by an actor that may",
        things(5, "api_key.created", 1),
        [],
        rule("K3", allow={"actors": ["user-owner"]}),
    ),
    Case(
        "K3",
        "by two actors",
        [
            *things(4, "api_key.created", 1),
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
    Case("K5", "a minute too long", things(5, "api_key.deleted", 4), []),
    Case("K6", "removed", [at(0, "workload_identity_provider.deleted", {"id": "w"})], []),
]
