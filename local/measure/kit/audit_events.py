"""What happens in a working organization, as many events as are wanted."""

from collections.abc import Iterator
from typing import Any

from local.measure.kit.in_process import START

PEOPLE, KEYS = 40, 10
BERLIN = {"country": "DE", "city": "Berlin", "asn": "3320", "latitude": "52.5", "longitude": "13.4"}
# How often each type happens in a working organization.
OFTEN = {
    "login.succeeded": 30,
    "logout.succeeded": 15,
    "login.failed": 5,
    "project.updated": 10,
    "api_key.created": 8,
    "api_key.deleted": 6,
    "user.updated": 4,
    "role.assignment.created": 4,
    "invite.sent": 4,
    "rate_limit.updated": 4,
    "service_account.created": 4,
    "organization.updated": 2,
    "ip_allowlist.updated": 2,
    "certificates.activated": 2,
}
LOUD = frozenset({"api_key.deleted", "login.failed", "user.updated"})  # so many of them are alerts
PAYLOADS: dict[str, dict[str, Any]] = {
    "api_key.created": {"data": {"scopes": ["api.model.request"]}},
    "user.updated": {"changes_requested": {"role": "reader"}},
    "role.assignment.created": {"principal_id": "user-x", "resource_type": "api.project"},
    "invite.sent": {"data": {"email": "new@example.com", "role": "member"}},
    "rate_limit.updated": {"changes_requested": {"max_requests_per_1_minute": 500}},
    "service_account.created": {"data": {"role": "member"}},
    "organization.updated": {"changes_requested": {"title": "Example"}},
    "ip_allowlist.updated": {"allowed_ips": ["203.0.113.0/24"]},
}


def events(
    number: int, seconds: float, without: frozenset[str] = frozenset()
) -> Iterator[dict[str, Any]]:
    """What happens in a working organization."""
    types = [type_ for type_, often in OFTEN.items() if type_ not in without for _ in range(often)]
    begin = START.timestamp()
    for n in range(number):
        type_ = types[n * 37 % len(types)]
        yield {
            "id": f"audit_log-{n:08d}",
            "type": type_,
            "effective_at": int(begin + n * seconds / number),
            "actor": _key(n) if type_.startswith("service_account") else _person(n),
            type_: {"id": f"{type_[:4]}_{n}", **PAYLOADS.get(type_, {})},
        }


def _person(n: int) -> dict[str, Any]:
    who = n % PEOPLE
    return {
        "type": "session",
        "session": {
            "user": {"id": f"user-{who}", "email": f"p{who}@example.com"},
            "ip_address": f"203.0.113.{who}",
            "user_agent": "Mozilla/5.0 (X11; Linux x86_64)",
            "ja4": "t13d1516h2_8daaf6152771_e5627efa2ab1",
            "ip_address_details": BERLIN,
        },
    }


def _key(n: int) -> dict[str, Any]:
    account = {"id": f"sa_{n % KEYS}"}
    return {
        "type": "api_key",
        "api_key": {"id": f"key_{n % KEYS}", "type": "service_account", "service_account": account},
    }
