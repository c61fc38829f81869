"""The audit log API: newest first, in pages, by whole seconds; events may appear late."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from math import inf
from typing import Any

import orjson
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from local.openai.audit.everyday import Everyday
from local.openai.audit.odd_pages import rendered
from local.openai.context import Context
from local.openai.http import validation
from local.openai.http.auth import missing_scopes
from local.openai.http.messages import Json, Refusal, SmallRequest, json_answer
from local.openai.http.paging import limit_of, listed
from local.openai.quirks import AUDIT_QUIRKS, Quirk

BOUNDS = ("effective_at[gt]", "effective_at[gte]", "effective_at[lt]", "effective_at[lte]")
LISTS = ("project_ids[]", "event_types[]", "actor_ids[]", "actor_emails[]", "resource_ids[]")
PARAMETERS = (*BOUNDS, *LISTS, "tenant_only", "limit", "after", "before")
TENANT = ("tenant.", "role.bound_to_resource", "role.unbound_from_resource")
USER, KEY = ("actor", "session", "user"), ("actor", "api_key")
# By list parameter; `resource_ids[]` is compared with the id in the event's own payload.
COMPARED: dict[str, tuple[tuple[str, ...], ...]] = {
    "project_ids[]": (("project", "id"),),
    "event_types[]": (("type",),),
    "actor_ids[]": (
        (*USER, "id"),
        (*KEY, "id"),
        (*KEY, "user", "id"),
        (*KEY, "service_account", "id"),
    ),
    "actor_emails[]": ((*USER, "email"), (*KEY, "user", "email")),
}

Place = tuple[float, float]


@dataclass(frozen=True)
class AuditEvent:
    """An event and from when it is listed; its number orders the events of one second."""

    id: str
    effective_at: int
    number: int
    visible_at: float
    raw: Json

    @property
    def place(self) -> Place:
        return self.effective_at, self.number

    @property
    def is_tenant(self) -> bool:
        return str(self.raw["type"]).startswith(TENANT)


class AuditLog:
    def __init__(self, context: Context) -> None:
        self.context = context
        self.events: list[AuditEvent] = []  # by effective_at
        self._by_id: dict[str, AuditEvent] = {}
        self._everyday = (
            Everyday(context.now(), context.seed, self.add) if context.settings.everyday else None
        )

    def routes(self) -> list[tuple[str, str, str, Callable[..., Response]]]:
        return [
            ("GET", "/v1/organization/audit_logs", "list_audit_logs", self.list),
            ("POST", "/_small/audit_events", "add_audit_events", self.add_from_request),
        ]

    def add(self, event: Json, visible_at: float | None = None) -> str:
        """Add an event that is listed from `visible_at` on, or at once."""
        raw = {"id": self.context.hex_id("audit_log-"), **event}
        id_ = raw["id"]
        known = self._by_id.get(id_)
        if known is not None:
            raise ValueError(f"there is an event {id_} already")
        since = -inf if visible_at is None else visible_at
        added = AuditEvent(id_, int(raw["effective_at"]), len(self.events), since, raw)
        self._by_id[id_] = added
        insort(self.events, added, key=_place)
        return str(id_)

    def add_from_request(self, request: SmallRequest) -> Response:
        """Events as JSON lines; a `visible_at` beside the rest says from when one is listed."""
        lines = request.get_data().splitlines()
        try:
            events = [orjson.loads(line) for line in lines if line.strip()]
            ids = [self.add(event, event.pop("visible_at", None)) for event in events]
        except (ValueError, LookupError, TypeError) as problem:
            raise Refusal(f"not an audit event: {problem!r}") from None
        return json_answer({"added": len(ids)})

    def list(self, request: SmallRequest) -> Response:
        if self._everyday:
            self._everyday.until(self.context.now())
        query = MultiDict(request.args)
        validation.check_known(query.to_dict(), PARAMETERS)
        limit = limit_of(query, 100, 20)
        quirks = self._quirks(query)
        if "audit_tenant_refused" in quirks:
            raise missing_scopes("api.tenant_audit_logs.read")
        if "audit_cursor_refused" in quirks:
            raise _unknown_cursor("after", query["after"])
        if "audit_cursor_ignored" in quirks:
            del query["after"]
        found = list(islice(self._found(query, "audit_reversed" in quirks), limit + 1))
        shown = found[:limit]
        if _backwards(query):
            shown.reverse()
        page = listed([event.raw for event in shown], len(found) > limit)
        return rendered(page, quirks)

    def _quirks(self, query: "MultiDict[str, str]") -> dict[str, Quirk]:
        """The quirks that apply to this call; the others wait for one they apply to."""
        idle = set() if query.get("after") else {"audit_cursor_refused", "audit_cursor_ignored"}
        if not _tenant_only(query):
            idle.add("audit_tenant_refused")
        names = {name: says for name, says in AUDIT_QUIRKS.items() if name not in idle}
        return self.context.quirks.take_all(names, query.to_dict())

    def _found(self, query: "MultiDict[str, str]", oldest_first: bool) -> Iterator[AuditEvent]:
        """Matching events from the cursor on; `before` goes the other way."""
        low, high = self._window(query, oldest_first)
        events = self.events[low:high]
        if oldest_first == _backwards(query):
            events.reverse()
        matches = _filter(query)
        now = self.context.now()
        return (event for event in events if event.visible_at <= now and matches(event))

    def _window(self, query: "MultiDict[str, str]", oldest_first: bool) -> tuple[int, int]:
        low, high = 0, len(self.events)
        for name in BOUNDS:
            if (value := query.get(name)) is not None:
                second = float(validation.check_integer(value, name))
                after = (second, inf) if name in BOUNDS[:1] + BOUNDS[3:] else (second, -inf)
                edge = bisect_left(self.events, after, key=_place)
                low, high = (max(low, edge), high) if "[g" in name else (low, min(high, edge))
        older, newer = ("before", "after") if oldest_first else ("after", "before")
        if cursor := query.get(older):
            high = min(high, bisect_left(self.events, self._at(older, cursor), key=_place))
        if cursor := query.get(newer):
            low = max(low, bisect_right(self.events, self._at(newer, cursor), key=_place))
        return low, max(low, high)

    def _at(self, name: str, cursor: str) -> Place:
        event = self._by_id.get(cursor)
        if event is None:
            raise _unknown_cursor(name, cursor)
        return event.place


def _place(event: AuditEvent) -> Place:
    return event.place


def _backwards(query: "MultiDict[str, str]") -> bool:
    return "before" in query and "after" not in query


def _tenant_only(query: "MultiDict[str, str]") -> bool:
    asked = query.get("tenant_only", "false")
    return validation.check_choice(asked, ("true", "false"), "tenant_only") == "true"


def _unknown_cursor(name: str, cursor: str) -> Refusal:
    return Refusal(f"No audit log found with id '{cursor}'.", param=name, code="invalid_cursor")


def _filter(query: "MultiDict[str, str]") -> Callable[[AuditEvent], bool]:
    """Tenant events are listed only when asked for, and then alone."""
    tenant = _tenant_only(query)
    wanted = {name: set(query.getlist(name)) for name in LISTS if name in query}
    for kind in wanted.get("event_types[]", ()):
        if "," in kind or (tenant and not kind.startswith(TENANT)):
            raise Refusal(f"Invalid value: '{kind}'.", param="event_types", code="invalid_value")
    return lambda event: (
        event.is_tenant == tenant
        and all(not values.isdisjoint(_values(event.raw, name)) for name, values in wanted.items())
    )


def _values(raw: Json, parameter: str) -> set[str]:
    """What in an event a list parameter is compared with."""
    paths = COMPARED.get(parameter) or ((str(raw["type"]), "id"),)
    return {str(value) for path in paths if (value := _value(raw, path))}


def _value(raw: Any, path: tuple[str, ...]) -> Any:
    """The value at the end of the path, or None where the path breaks off."""
    for name in path:
        raw = (raw or {}).get(name)
    return raw
