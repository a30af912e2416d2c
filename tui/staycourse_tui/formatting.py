"""Numbers, times and names as the screens show them. Pure."""

from __future__ import annotations

import math
from datetime import datetime

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TIERS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def number(value: float | None) -> str:
    """A metric's value in four significant digits and at most nine characters; `—` for none."""
    if value is None:
        return "—"
    if not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    size = abs(value)
    if value == 0:
        return "0"
    if size < 1e-3 or size >= 1e5:
        return _scientific(value, 2 if 1e-99 < size < 1e100 else 1)
    digits = max(0, 3 - math.floor(math.log10(size)))
    return f"{value:.{min(digits, 4)}f}"


def _scientific(value: float, digits: int) -> str:
    return f"{value:.{digits}e}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")


def count(value: float) -> str:
    """A whole number with thin separators, `12,480`."""
    return f"{round(value):,}"


def compact(value: float) -> str:
    """About three significant digits and a unit prefix: `182`, `2.9k`, `14M`."""
    for size, letter in _TIERS:
        if abs(value) >= size * 0.9995:
            scaled = value / size
            return f"{scaled:.1f}{letter}" if abs(scaled) < 9.95 else f"{scaled:.0f}{letter}"
    return f"{value:.0f}" if abs(value) >= 9.95 or value == round(value) else f"{value:.1f}"


def gigabytes(value: float) -> str:
    """Bytes as a number of GiB without its unit: `38`, `0.4`."""
    size = value / 2**30
    return f"{size:.0f}" if size >= 9.95 else f"{size:.1f}"


def milliseconds(value: float) -> str:
    """`182ms`, `1.8ms`, `2.4s`."""
    if value >= 1000:
        return f"{value / 1000:.1f}s"
    return f"{value:.0f}ms" if value >= 9.95 else f"{value:.1f}ms"


def duration(seconds: float) -> str:
    """Two units at most: `42s`, `5m03s`, `3h12m`, `4d03h`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    minutes = whole // 60
    if minutes < 24 * 60:
        return f"{minutes // 60}h{minutes % 60:02d}m"
    hours = minutes // 60
    return f"{hours // 24}d{hours % 24:02d}h"


def remaining(seconds: float) -> str:
    """A duration that is foreseen: `50s`, `31m`, `3h12m`, `4d03h`."""
    return f"{round(seconds / 60)}m" if 90 <= seconds < 3570 else duration(seconds)


def rough(seconds: float) -> str:
    """A duration that is known only roughly, one unit: `20m`, `4h`."""
    for size, letter in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.0f}{letter}"
    return f"{max(0.0, seconds):.0f}s"


def age(seconds: float) -> str:
    """`0.4s` below ten seconds, a duration above."""
    return f"{max(0.0, seconds):.1f}s" if seconds < 9.95 else duration(seconds)


def ago(moment: datetime, now: datetime) -> str:
    """`now`, `5m ago`, `3h ago`; after two months the day."""
    seconds = max(0.0, (now - moment).total_seconds())
    if seconds >= 60 * 86400:
        return moment.astimezone().strftime("%Y-%m-%d")
    return f"{rough(seconds) if seconds >= 90 else '1m'} ago" if seconds >= 60 else "now"


def share(value: float) -> str:
    """A share of one as `3%`."""
    return f"{100 * value:.0f}%"


def clock(utc: str) -> str:
    """The local time of day of a UTC time as written in a run, `12:04:11`; empty if it is none."""
    try:
        return datetime.fromisoformat(utc).astimezone().strftime("%H:%M:%S")
    except ValueError:
        return ""


def day(utc: str) -> str:
    """The local date of a UTC time as written in a run, `24 Nov 2026`; empty if it is none."""
    try:
        moment = datetime.fromisoformat(utc).astimezone()
    except ValueError:
        return ""
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


def plural(amount: int, word: str) -> str:
    """`1 trial`, `2 trials`."""
    return f"{count(amount)} {word}" if amount == 1 else f"{count(amount)} {word}s"
