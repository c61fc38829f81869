"""Opens backfills: `{"backfill": {"from": …, "to": …}, "alerts": "off|dry|on"}`."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

from pydantic import Field, model_validator

from shared.audit.cursor import TENANT, Alerting, backfilled
from shared.audit.edges import AuditEdges
from shared.errors import Conflict
from shared.model import FrozenModel


class Days(FrozenModel):
    """From the first second of one day to the last second of the other, UTC."""

    from_: Annotated[date, Field(alias="from")]
    to: date

    @model_validator(mode="after")
    def _forwards(self) -> "Days":
        if self.to < self.from_:
            raise ValueError("`to` is before `from`")
        return self


class BackfillRequest(FrozenModel):
    backfill: Days
    alerts: Alerting = Alerting.OFF


def open_backfills(edges: AuditEdges, request: BackfillRequest) -> list[str]:
    """Opens a stream beside each live one; a request sent twice opens it once."""
    streams = [_name(request)] + (
        [f"{_name(request)}#{TENANT}"] if edges.settings.audit_tenant else []
    )
    low = _seconds(request.backfill.from_)
    high = min(_seconds(request.backfill.to + timedelta(days=1)) - 1, edges.seconds())
    for stream in streams:
        try:
            edges.tables.open_cursor(backfilled(stream, edges.seconds(), low, high, request.alerts))
        except Conflict:
            continue  # it is open already
    return streams


def _name(request: BackfillRequest) -> str:
    return f"backfill#{request.backfill.from_}#{request.backfill.to}#{request.alerts}"


def _seconds(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp())
