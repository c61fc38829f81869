"""The scenario of `make run-audit`: quiet days, then an attack with a stolen session."""

from collections.abc import Iterator
from typing import NamedTuple

from local.openai.audit.everyday import (
    BERLIN,
    DAY,
    HOUR,
    LAPTOP,
    LISBON,
    MINUTE,
    QUIET_DAYS,
    Event,
    event,
    session,
)

LAGOS = {"country": "NG", "city": "Lagos", "asn": "37282", "latitude": "6.5", "longitude": "3.4"}
SCRIPT = "t13d190900_9dc949149365_97f8aa674fc9"


class Scene(NamedTuple):
    """What happens, in words and as events."""

    title: str
    events: list[Event]


def quiet_days(now: int) -> list[Event]:
    """Two people at work, and a pipeline; the newest event is an hour old."""
    return [each for day in range(QUIET_DAYS, 0, -1) for each in _day(now - day * DAY, day)]


def attack(now: int) -> Iterator[Scene]:
    """Within the last ten minutes: events may be listed late."""
    thief = session("owner", LAGOS, SCRIPT, "192.0.2.66")
    start = now - 9 * MINUTE
    yield Scene(
        "an owner signs in from Berlin, as every morning",
        [event(start, "login.succeeded", session("owner", BERLIN, LAPTOP))],
    )
    yield Scene(
        "a minute later a script in Lagos uses that session to create a key with all rights",
        [
            event(start + MINUTE, "project.updated", thief, {"id": "proj_search"}),
            event(start + 2 * MINUTE, "api_key.created", thief, _scopes("key_backup", "all")),
        ],
    )
    yield Scene(
        "the IP allow-list is opened, and logging of API calls is turned off",
        [
            event(
                start + 3 * MINUTE,
                "ip_allowlist.updated",
                thief,
                {"id": "ipallow_office", "allowed_ips": ["203.0.113.0/24", "0.0.0.0/0"]},
            ),
            event(
                start + 4 * MINUTE,
                "organization.updated",
                thief,
                {"id": "org-demo", "changes_requested": {"api_call_logging": "disabled"}},
            ),
        ],
    )
    yield Scene(
        "limits are raised, and data is copied out",
        [
            event(start + 5 * MINUTE, "rate_limit.updated", thief, _limit(50_000)),
            event(
                start + 6 * MINUTE,
                "checkpoint.permission.created",
                thief,
                {"id": "cp_1", "data": {"fine_tuned_model_checkpoint": "ft:gpt-5:support"}},
            ),
            event(start + 7 * MINUTE, "tunnel.created", thief, {"id": "tunnel_1"}),
        ],
    )
    yield Scene(
        "the key is deleted, as if nothing had happened",
        [event(start + 8 * MINUTE, "api_key.deleted", thief, {"id": "key_backup"})],
    )


def _day(start: int, day: int) -> Iterator[Event]:
    owner, li = session("owner", BERLIN, LAPTOP), session("li", LISBON, LAPTOP, "203.0.113.9")
    account = {"id": "key_ci", "type": "service_account", "service_account": {"id": "sa_ci"}}
    pipeline = {"type": "api_key", "api_key": account}
    yield event(start, "login.succeeded", owner)
    yield event(start + 20 * MINUTE, "login.succeeded", li)
    yield event(start + HOUR, "project.updated", owner, {"id": "proj_search"})
    yield event(
        start + 2 * HOUR, "api_key.created", pipeline, _scopes(f"key_{day}", "api.model.request")
    )
    if day == QUIET_DAYS:
        yield event(start + 3 * HOUR, "rate_limit.updated", owner, _limit(500))
    yield event(start + 8 * HOUR, "logout.succeeded", owner)


def _scopes(key: str, *scopes: str) -> Event:
    return {"id": key, "data": {"scopes": list(scopes)}}


def _limit(most: int) -> Event:
    return {"id": "rl_gpt5", "changes_requested": {"max_requests_per_1_minute": most}}
