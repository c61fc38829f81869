"""Numbers, money and times as people read them."""

from datetime import UTC, datetime, timedelta


def number(value: int) -> str:
    return f"{value:,}"


UNKNOWN = "not known"


def count(value: int | None) -> str:
    """What nobody states is not zero."""
    return UNKNOWN if value is None else number(value)


def share(value: float, whole: float) -> str:
    """Never 100 % if anything is missing, never 0 % if anything is there."""
    if not whole:
        return "–"
    percent = value / whole * 100
    if 0 < percent < 0.1:
        return "< 0.1 %"
    if 99.9 < percent < 100:
        return "> 99.9 %"
    return f"{percent:.0f} %" if percent.is_integer() else f"{percent:.1f} %"


def dollars(value: float) -> str:
    if 0 < value < 0.01:
        return f"${value:.4f}" if value >= 0.0001 else "< $0.0001"
    return f"${value:,.2f}"


def moment(value: datetime) -> str:
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def span(value: timedelta) -> str:
    """The two largest units that matter."""
    seconds = value.total_seconds()
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min"
    return f"{hours // 24} d {hours % 24} h"


def size(value: int) -> str:
    for unit, step in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= step:
            return f"{value / step:,.1f} {unit}"
    return f"{value} bytes"
