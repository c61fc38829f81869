"""Opens backfills: `{"backfill": {"from": …, "to": …}, "alerts": "off|dry|on"}`."""

from datetime import date, timedelta
from typing import Annotated

from pydantic import Field, model_validator

from shared.audit.config import Config
from shared.audit.cursor import TENANT, Alerting, backfilled, first_second
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
    name = _name(request, edges.config)
    streams = [name] + ([f"{name}#{TENANT}"] if edges.settings.audit_tenant else [])
    low = first_second(request.backfill.from_)
    high = min(first_second(request.backfill.to + timedelta(days=1)) - 1, edges.seconds())
    for stream in streams:
        try:
            edges.tables.open_cursor(backfilled(stream, edges.seconds(), low, high, request.alerts))
        except Conflict:
            continue  # it is open already
    return streams


def _name(request: BackfillRequest, config: Config) -> str:
    """With other detections it is another backfill, unless it raises no alerts."""
    name = f"backfill#{request.backfill.from_}#{request.backfill.to}#{request.alerts}"
    if request.alerts == Alerting.OFF:
        return name
    return f"{name}#{config.digest}"
