"""Timelines of power gained, given or taken away: what fires, and near misses."""

from tests.unit.audit.cases.case import Case, assigned, people
from tests.unit.audit.timelines import DAY, Event, Raised, at, key, session


def _member(group: str, minutes: float = 0, who: str = "user-x", done: str = "added") -> Event:
    payload = {"id": "group_1", "user_id": who, "group_name": group}
    return at(minutes, f"tenant.group.member.{done}", payload)


def _holds(role: str, minutes: float = 0, done: str = "created") -> Event:
    payload = {
        "id": f"role_assignment_role-api-organization-{role}__api-organization__x_group_1",
        "principal_id": "group_1",
        "principal_type": "group",
    }
    return at(minutes, f"role.assignment.{done}", payload)


FIRES = [
    *(
        Case(
            "P1",
            f"{role} has power",
            [assigned(role, "organization", "user-builder")],
            [Raised(0, "critical", "P1|user-owner|user-builder")],
        )
        for role in ("owners", "OrgAdmin", "billing_admin", "Administrator")
    ),
    *(
        Case(
            "P1",
            f"by {type_}",
            [at(0, type_, {"id": "user-x", "changes_requested": {"role": "owner"}})],
            [Raised(0, "critical", "P1|user-owner|user-x")],
        )
        for type_ in (
            "tenant.user.updated",
            "tenant.user.added",
            "tenant.api_organization_invite.upserted",
        )
    ),
    Case(
        "P6",
        "a member of owners, bound before",
        [_holds("owner"), _member("Team", 5)],
        [Raised(5, "critical", "P6|user-owner|user-x")],
    ),
    Case(
        "P6",
        "a member of owners, bound after",
        [_member("Team"), _holds("owner", 5 * DAY)],
        [Raised(5 * DAY, "critical", "P6|user-owner|user-x")],
    ),
    Case(
        "P6",
        "a group by its name",
        [_member("Org Admins")],
        [Raised(0, "high", "P6|user-owner|user-x")],
    ),
    Case(
        "P6",
        "oneself, into a group by its name",
        [_member("Org Admins", who="user-owner")],
        [Raised(0, "critical", "P6|user-owner|user-owner")],
    ),
    Case(
        "P5",
        "by the directory",
        [at(n, "user.deleted", {"id": f"user-{n}"}, {}) for n in range(3)],
        [Raised(2, "medium", "P5|unknown|people")],
    ),
    Case(
        "P7",
        "the new owner removes the old",
        [
            assigned("owner", "organization", "user-new"),
            at(60, "user.deleted", {"id": "user-owner"}, session("new")),
        ],
        [Raised(60, "critical", "P7|user-new|ownership")],
    ),
    Case(
        "P1",
        "owner by assignment",
        [assigned("owner", "organization", "user-builder")],
        [Raised(0, "critical", "P1|user-owner|user-builder")],
    ),
    Case(
        "P1",
        "admin of a project by assignment",
        [assigned("admin", "project", "user-builder")],
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
        [assigned("admin", "project", "user-owner")],
        [Raised(0, "critical", "P2|user-owner|user-owner")],
    ),
    Case(
        "P2",
        "a role that nobody knows",
        [assigned("billing-operator", "project", "user-owner")],
        [Raised(0, "medium", "P2|user-owner|user-owner")],
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
        people(3, "user.deleted", 30),
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
]

NEAR_MISSES = [
    Case("P1", "reader to somebody called admin", [assigned("reader", "x", "user-admin")], []),
    Case("P1", "member", [at(0, "user.added", {"id": "u", "data": {"role": "member"}})], []),
    Case("P2", "joining as a viewer", [assigned("viewer", "project", "user-owner")], []),
    Case(
        "P2",
        "stepping down",
        [at(0, "user.updated", {"id": "user-owner", "changes_requested": {"role": "reader"}})],
        [],
    ),
    *(
        Case("P1", f"{role} has no power", [assigned(role, "organization", "user-builder")], [])
        for role in (
            "non-admin",
            "product-owner-reader",
            "administrative-assistant",
            "ownership-report",
        )
    ),
    *(
        Case(
            "P1",
            f"{type_} of a reader",
            [at(0, type_, {"id": "user-x", "changes_requested": {"role": "reader"}})],
            [],
        )
        for type_ in ("tenant.user.updated", "tenant.user.added")
    ),
    Case("P6", "a plain group", [_member("Readers"), _holds("reader")], []),
    Case(
        "P6",
        "left before",
        [_member("Team"), _member("Team", 1, done="removed"), _holds("owner", 2)],
        [],
    ),
    Case(
        "P6",
        "no longer held",
        [_holds("owner"), _holds("owner", 1, done="deleted"), _member("Team", 2)],
        [],
    ),
    Case(
        "P7",
        "removed by another",
        [assigned("owner", "organization", "user-new"), at(5, "user.deleted", {"id": "user-2"})],
        [],
    ),
    *(
        Case(
            "P7",
            f"a new owner changes {what} of another",
            [
                assigned("owner", "organization", "user-new"),
                at(5, "tenant.user.updated", {"id": "user-2", **changes}, session("new")),
            ],
            [],
        )
        for what, changes in (
            ("the name", {"changes_requested": {"name": "B"}}),
            ("the role, to owner,", {"changes_requested": {"role": "owner"}}),
        )
    ),
    Case("P2", "to somebody else", [assigned("owner", "organization", "user-builder")], []),
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
    Case("P5", "a minute too long", people(3, "user.deleted", 30.5), []),
    Case("P5", "one person thrice", [at(n, "user.deleted", {"id": "u"}) for n in range(3)], []),
    Case(
        "P5",
        "promoted",
        people(3, "user.updated", 1, changes_requested={"role": "owner"}),
        [],
    ),
]
