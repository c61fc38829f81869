"""Our detections of one event as Sigma rules, for whoever keeps OpenAI's events elsewhere.

Their fields are named as OpenAI writes them. Sigma has no memory and no arithmetic of networks:
what a rule leaves out of its detection is said in its description.
"""

import uuid
from collections.abc import Iterable
from typing import Any, NamedTuple

import yaml

from shared.audit.catalogue import ALL
from shared.audit.detection import Detection
from shared.audit.event_types import FORMER

NAMESPACE = uuid.UUID("6f9c1b0e-5d0a-5c52-9d43-6d1f3a2b7c10")
DATE = "2026-11-27"
AUTHOR = "Batchdrop"
REFERENCE = "https://platform.openai.com/docs/api-reference/audit-logs/object"
# OpenAI writes what was done under data, what was asked for under changes_requested.
PLACES = ("", "data.", "changes_requested.")
OURS = ": put "  # what follows is for the settings of this project
Section = dict[str, Any]


class Exported(NamedTuple):
    """The level of the rule, what it selects beside the type, and how that differs from ours."""

    level: str
    section: Section = {}
    condition: str = "selection"
    differs: str = ""
    types: tuple[str, ...] = ()  # instead of all that ours looks at


def _fields(types: Iterable[str], name: str, values: Any) -> list[Section]:
    """A field of the payload, wherever OpenAI writes it for these types."""
    return [{f"{type_}.{place}{name}": values} for type_ in types for place in PLACES]


_INVITES = ("invite.sent", "tenant.api_organization_invite.upserted")
_USERS = ("user.added", "user.updated", "tenant.user.added", "tenant.user.updated")
_DONE = ("created", "updated")
_ROLES = tuple(f"{kind}.{done}" for kind in ("role", "tenant.custom_role") for done in _DONE)
_LISTS = tuple(f"ip_allowlist.{done}" for done in _DONE)
_POWER = ["owner", "owners", "admin", "administrator"]
_ASSIGNED = "role.assignment.created"
_GRANTED: list[Section] = [
    *_fields((*_INVITES, *_USERS), "role", _POWER),
    {
        f"{_ASSIGNED}.id|contains": [
            f"-{scope}-{role}__" for scope in ("organization", "project") for role in _POWER
        ]
    },
]
_DANGEROUS = ["write", "manage", "admin"]
_KEYS = ("api_key.created", "api_key.updated")
EXPORTS = {
    "D1": Exported("critical"),
    "D2": Exported(
        "critical",
        {
            "open": [
                *_fields(_LISTS, "allowed_ips", ["0.0.0.0/1", "any"]),
                *_fields(_LISTS, "allowed_ips|startswith", ["0.0.0.0", "::-"]),  # noqa: S104  # no address to bind
                *_fields(_LISTS, "allowed_ips|endswith", ["::/0", ":0:0/96"]),
                *_fields(_LISTS, "allowed_ips|re", r"^[*]$"),
            ]
        },
        "selection and open",
        "Knows the usual spellings of everything; other wide networks it lets pass.",
        _LISTS,
    ),
    "D3": Exported("high"),
    "D4": Exported("high"),
    "D6": Exported(
        "low",
        {
            "everybody": [
                *_fields(("organization.updated",), "threads_ui_visibility", "ANY_ROLE"),
                *_fields(("organization.updated",), "usage_dashboard_visibility", "ANY_ROLE"),
            ]
        },
        "selection and everybody",
    ),
    "D7": Exported("medium"),
    "D8": Exported("high"),
    "D9": Exported("medium"),
    "P1": Exported(
        "critical",
        {"power": _GRANTED},
        "selection and power",
        "Knows owner and admin by name; roles with names of their own it lets pass.",
        (*_INVITES, *_USERS, _ASSIGNED),
    ),
    "P2": Exported(
        "critical",
        {
            "oneself": [
                *(
                    {f"{type_}.id|fieldref": f"actor.{by}.user.id"}
                    for type_ in ("user.updated", "tenant.user.updated")
                    for by in ("session", "api_key")
                ),
                {f"{_ASSIGNED}.principal_id|fieldref": "actor.session.user.id"},
                {f"{_ASSIGNED}.principal_id|fieldref": "actor.api_key.user.id"},
                {"invite.sent.data.email|fieldref": "actor.session.user.email"},
            ],
            "power": _GRANTED,
        },
        "selection and oneself and power",
        "Knows owner and admin by name; roles with names of their own it lets pass.",
        ("invite.sent", "user.updated", "tenant.user.updated", _ASSIGNED),
    ),
    "P3": Exported(
        "high",
        {
            "gained": [
                *_fields(_ROLES, "permissions|contains", _DANGEROUS),
                *_fields(_ROLES, "permissions_added|contains", _DANGEROUS),
            ]
        },
        "selection and gained",
        types=_ROLES,
    ),
    "P4": Exported(
        "medium",
        {
            "power": _fields(
                ("service_account.created", "service_account.updated"), "role", _POWER
            ),
            "by_hand": {"actor.type": "session"},
        },
        "selection and (power or by_hand)",
        "Whether others make service accounts by hand too, it does not know.",
    ),
    "K1": Exported(
        "low",
        {
            "created": {"type": ["api_key.created"]},
            "scopes_told": [{f"api_key.created.{place}scopes|exists": True} for place in PLACES],
            "powers": _fields(_KEYS, "scopes|contains", [*_DANGEROUS, "all"]),
        },
        "selection and (powers or (created and not scopes_told))",
        "Whether others make such keys every day, it does not know.",
        _KEYS,
    ),
    "K2": Exported("high"),
    "K6": Exported("high"),
    "S1": Exported(
        "medium",
        {"ours": _fields(("invite.sent",), "email|endswith", ["@example.com", ".example.com"])},
        "selection and not ours",
        "Write your organization's domains in place of example.com.",
        ("invite.sent",),
    ),
    "S4": Exported(
        "medium",
        {"switched_off": _fields(("role.bound_to_resource",), "enabled", False)},
        "selection and not switched_off",
    ),
}


def exported() -> dict[str, str]:
    """A YAML file for each detection of one event, by its name."""
    return {
        f"openai_{each.about.id.lower()}.yml": _rule(each, EXPORTS[each.about.id])
        for each in ALL
        if isinstance(each, Detection) and each.types
    }


def _rule(detection: Detection[Any], given: Exported) -> str:
    about = detection.about
    looked_at = given.types or detection.types or ()
    types = {*looked_at, *(FORMER[each] for each in looked_at if each in FORMER)}
    rule = {
        "title": f"OpenAI {about.name}",
        "id": str(uuid.uuid5(NAMESPACE, about.id)),
        "status": "experimental",
        "description": f"Detection {about.id} of Batchdrop. {given.differs}".strip(),
        "references": [REFERENCE],
        "author": AUTHOR,
        "date": DATE,
        "tags": [f"attack.{each.lower()}" for each in about.attack],
        "logsource": {"product": "openai", "service": "audit"},
        "detection": {
            "selection": {"type": sorted(types)},
            **given.section,
            "condition": given.condition,
        },
        "falsepositives": [about.false_positives.partition(OURS)[0]],
        "level": given.level,
    }
    return yaml.dump(rule, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=100)


class _Plain(yaml.SafeDumper):
    """Lists indented, and a list that occurs twice written twice."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)
