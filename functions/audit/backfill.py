"""Somebody wants the past: `{"backfill": {"from": …, "to": …}, "alerts": "off|dry|on"}`."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

from pydantic import Field, model_validator

from shared.audit.cursor import TENANT, Alerting, backfilled
from shared.audit.edges import AuditEdges
from shared.errors import Conflict
from shared.model import FrozenModel


class Span(FrozenModel):
    """Both days belong to it; UTC."""

    from_: Annotated[date, Field(alias="from")]
    to: date

    @model_validator(mode="after")
    def _forwards(self) -> "Span":
        if self.to < self.from_:
            raise ValueError("`to` is before `from`")
        return self


class Wish(FrozenModel):
    backfill: Span
    alerts: Alerting = Alerting.OFF


def ask_for(edges: AuditEdges, wish: Wish) -> list[str]:
    """Opens a stream for each of the live ones; asked for twice, it is the same."""
    streams = [_name(wish)] + ([f"{_name(wish)}#{TENANT}"] if edges.settings.audit_tenant else [])
    low = _seconds(wish.backfill.from_)
    high = min(_seconds(wish.backfill.to + timedelta(days=1)) - 1, edges.seconds())
    for stream in streams:
        try:
            edges.tables.open_cursor(backfilled(stream, edges.seconds(), low, high, wish.alerts))
        except Conflict:
            continue  # it was asked for before
    return streams


def _name(wish: Wish) -> str:
    return f"backfill#{wish.backfill.from_}#{wish.backfill.to}#{wish.alerts}"


def _seconds(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp())
