"""Time as it is written: UTC, with its zone."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> str:
    """The time as ISO 8601 with milliseconds, `2026-01-31T12:00:00.000Z`."""
    return to_text(datetime.now(UTC))


def to_text(moment: datetime) -> str:
    """ISO 8601 with milliseconds and a Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_text(text: str) -> datetime:
    """The moment that `to_text` wrote."""
    return datetime.fromisoformat(text)


def seconds_between(earlier: str, later: str) -> float:
    """Seconds from one written time to another."""
    return (from_text(later) - from_text(earlier)).total_seconds()
