"""What several detections read from events in the same way."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from shared.audit.events import AuditLog
from shared.audit.payloads import Account, Assignment, Payload
from shared.audit.rules import Baseline, folded

ORGANIZATION = "organization"
_POWER = frozenset({"owner", "admin", "administrator", "superadmin", "superuser"})
_DENIED = frozenset({"non", "no", "not", "ex", "former", "sub", "without"})
# Words that leave a role what it is, beside one of power: "API organization owner", "all admins".
_PLAIN = frozenset(
    {
        "role",
        "api",
        "org",
        "organization",
        "project",
        "workspace",
        "account",
        "tenant",
        "platform",
        "chatgpt",
        "openai",
        "enterprise",
        "global",
        "super",
        "system",
        "full",
        "access",
        "all",
        "the",
        "of",
        "and",
        "root",
        "default",
        "group",
        "team",
    }
)
_PLAIN_ROLE = frozenset({"member", "reader", "viewer", "user", "guest", "participant"})
_WORD = re.compile(r"[A-Z]+(?![a-z])|[^\W_][^\W_A-Z]*")  # of OrgAdmin too
# role_assignment_role-api-organization-owner__api-organization__org-abc_user-xyz
_ASSIGNED_ROLE = re.compile(r"role[_-]assignment_(.+?)(?:__|$)")


def target_of(event: AuditLog) -> str:
    """What was acted on; at worst the kind of thing."""
    id_ = event.details.get("id")
    return id_ if isinstance(id_, str) and id_ else event.type.rpartition(".")[0]


def named(event: AuditLog) -> str:
    """What was acted on, for a person to read."""
    name, target = event.details.get("name"), target_of(event)
    return f"{name} ({target})" if isinstance(name, str) and name else target


def names_of(things: Sequence[Payload]) -> str:
    """Several things acted on at once, for a person to read."""
    return ", ".join(each.name or each.id or "?" for each in things)


def ids_of(things: Sequence[Payload]) -> str:
    return "+".join(sorted(each.id or "?" for each in things))


def words_of(type_: str) -> str:
    """An event's type for a person to read."""
    return type_.removeprefix("tenant.").replace("_", " ").replace(".", " ")


def role_of(event: AuditLog) -> str | None:
    """The role's name or id, wherever the event has it."""
    assignment = event.read(Assignment)
    named = assignment.role or assignment.role_name or assignment.role_id
    if named:
        return named
    found = _ASSIGNED_ROLE.match(assignment.id or "")
    return found[1] if found else None


def is_privileged(role: str, baseline: Baseline) -> bool:
    """A role of power by its id or its words: `product-owner-reader` reads, and owns nothing."""
    return folded(role) in baseline.privileged_roles or _says_power(role)


@lru_cache(maxsize=1_000)
def _says_power(role: str) -> bool:
    words = _words(role)
    power = [n for n, word in enumerate(words) if word in _POWER]
    if not power or not _DENIED.isdisjoint(words[: power[-1]]):
        return False
    return power[-1] == len(words) - 1 or set(words) <= _POWER | _PLAIN


def is_plain(role: str) -> bool:
    """Whoever takes part has one like this: it gives no power over others."""
    return _words(role)[-1:] in ([each] for each in _PLAIN_ROLE)


def _words(role: str) -> list[str]:
    words = [word.lower() for word in _WORD.findall(role)]
    singular = _POWER | _PLAIN_ROLE
    return [w.removesuffix("s") if w.removesuffix("s") in singular else w for w in words]


def person_of(event: AuditLog) -> str | None:
    """Whose account or role it is. The docs call the id of user.updated a project's."""
    account, assignment = event.read(Account), event.read(Assignment)
    ids = (assignment.principal_id, account.user_id, account.id, account.email)
    return next((each for each in ids if each and not each.startswith("proj")), None)


def is_actor(event: AuditLog, named: Iterable[str]) -> bool:
    """Whether the actor is one of these ids or addresses."""
    ids = {event.by.id, event.by.user.id, event.by.email, event.by.key}
    return not {folded(each) for each in ids if each}.isdisjoint(named)


def domain_of(email: str) -> str:
    return email.rpartition("@")[2].lower()


def is_within(domain: str, domains: Iterable[str]) -> bool:
    return any(domain == each or domain.endswith(f".{each}") for each in domains)


def matching(names: Sequence[str], parts: Iterable[str]) -> list[str]:
    """The names that hold any of these parts, or that mean everything."""
    wanted = [part.lower() for part in parts]
    return [n for n in names if n.lower() in {"all", "*"} or any(p in n.lower() for p in wanted)]
