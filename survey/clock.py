"""The only reader of wall time. Entry points call `now()` once and hand the value down."""

from datetime import UTC, datetime


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC)
